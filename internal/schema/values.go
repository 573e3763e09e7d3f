package schema

import (
	"fmt"
	"time"
)

// Values are the decoded arguments of one block: string, int64, bool, []string,
// time.Duration, float64, or Unset. Defaults have been filled in.
//
// Values hold secrets in the clear: never print, log or store them.
type Values map[string]any

// Unset stands for an argument whose environment variable is not set. It becomes
// an error only when a provider is opened, so that CI plans without secrets.
type Unset struct{ Env string }

// UnsetError says which environment variable an argument lacks.
type UnsetError struct{ Attr, Env string }

func (e *UnsetError) Error() string {
	return fmt.Sprintf("argument %q needs the environment variable %s, which is not set", e.Attr, e.Env)
}

// Check returns an *UnsetError for the first argument, by name, that is Unset.
func (v Values) Check() error {
	first := ""
	for name, x := range v {
		if _, ok := x.(Unset); ok && (first == "" || name < first) {
			first = name
		}
	}
	if first == "" {
		return nil
	}
	return &UnsetError{Attr: first, Env: v[first].(Unset).Env}
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

// Has says whether the argument is there at all.
func (v Values) Has(name string) bool { _, ok := v[name]; return ok }
