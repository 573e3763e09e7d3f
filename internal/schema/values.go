package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Values are the decoded arguments of one block: string, int64, bool, []string,
// time.Duration, float64, Unset, or []Values under the type of a nested block. Defaults
// have been filled in.
//
// Values hold secrets in the clear: never print, log or store them.
type Values map[string]any

// Unset stands for an argument whose environment variable is not set. It becomes
// an error only when a provider is opened, so that CI plans without secrets.
type Unset struct{ Env string }

// UnsetError says which environment variables arguments lack, in order of the arguments' names.
type UnsetError struct{ Attrs, Envs []string }

func (e *UnsetError) Error() string {
	if len(e.Envs) == 1 {
		return fmt.Sprintf("argument %q needs the environment variable %s, which is not set", e.Attrs[0], e.Envs[0])
	}
	return fmt.Sprintf("arguments %s need the environment variables %s, which are not set", strings.Join(e.Attrs, ", "), strings.Join(e.Envs, ", "))
}

// Check returns an *UnsetError where arguments are Unset.
func (v Values) Check() error {
	e := &UnsetError{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if x, ok := v[name].(Unset); ok {
			e.Attrs, e.Envs = append(e.Attrs, name), append(e.Envs, x.Env)
		}
		for _, inner := range v.Blocks(name) {
			var missing *UnsetError
			if errors.As(inner.Check(), &missing) {
				e.Attrs, e.Envs = append(e.Attrs, missing.Attrs...), append(e.Envs, missing.Envs...)
			}
		}
	}
	if len(e.Envs) == 0 {
		return nil
	}
	return e
}

// String returns a string argument, or "" where it is absent.
func (v Values) String(name string) string { s, _ := v[name].(string); return s }

// Int returns a number, size or rate, or 0 where it is absent.
func (v Values) Int(name string) int64 { n, _ := v[name].(int64); return n }

// Bool returns a bool argument, or false where it is absent.
func (v Values) Bool(name string) bool { b, _ := v[name].(bool); return b }

// Strings returns a list argument, or nil where it is absent.
func (v Values) Strings(name string) []string { s, _ := v[name].([]string); return s }

// Duration returns a duration argument, or 0 where it is absent.
func (v Values) Duration(name string) time.Duration { d, _ := v[name].(time.Duration); return d }

// Blocks returns the nested blocks of a type in order, or nil where there is none.
func (v Values) Blocks(kind string) []Values { b, _ := v[kind].([]Values); return b }

// Has says whether the argument is there at all.
func (v Values) Has(name string) bool { _, ok := v[name]; return ok }
