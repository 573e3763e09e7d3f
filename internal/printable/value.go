package printable

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// ours is the tag, `print:"ours"`, of a field that holds dmoctl's own words: they may have
// line ends. Every other string is data, and stays within one line.
const ours = "ours"

// Lines are pieces of data that hold line ends. Where one is quoted in a text that has lines
// of its own, only who knows the data can tell it from them. The zero value knows none.
// Its methods are safe for concurrent use.
type Lines struct {
	mu    sync.RWMutex
	known map[string]bool
	spell *strings.Replacer
}

// Learn remembers what v, plain data, holds in fields that are not dmoctl's own words.
func (l *Lines) Learn(v any) {
	found := map[string]bool{}
	walk(reflect.ValueOf(v), false, func(s string, own bool) {
		if !own && strings.ContainsAny(s, "\n\r") {
			found[s] = true
		}
	})
	if len(found) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[string]bool{}
	}
	for s := range found {
		l.known[s] = true
	}
	all := make([]string, 0, len(l.known))
	for s := range l.known {
		all = append(all, s)
	}
	// The longest first: a name may begin with another one.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(all))
	for _, s := range all {
		pairs = append(pairs, s, Line(s))
	}
	l.spell = strings.NewReplacer(pairs...)
}

// Text returns a text of dmoctl's own words with its line ends, but none of the data that it quotes.
func (l *Lines) Text(s string) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.spell != nil {
		s = l.spell.Replace(s)
	}
	return Text(s)
}

// Of returns v, plain data, with every string in it made printable. What needs no change is
// shared with v, which is never changed itself.
func Of[T any](v T) T {
	var lines Lines
	lines.Learn(v)
	spelled, changed := lines.value(reflect.ValueOf(&v).Elem(), false)
	if !changed {
		return v
	}
	return spelled.Interface().(T)
}

// value returns v with printable strings, and whether it differs from v.
func (l *Lines) value(v reflect.Value, own bool) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		spelled := Line(s)
		if own {
			spelled = l.Text(s)
		}
		if spelled == s {
			return v, false
		}
		out := reflect.New(v.Type()).Elem()
		out.SetString(spelled)
		return out, true
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		inner, changed := l.value(v.Elem(), own)
		if !changed {
			return v, false
		}
		if v.Kind() == reflect.Interface {
			return inner, true
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(inner)
		return out, true
	case reflect.Struct:
		return l.fields(v)
	case reflect.Slice, reflect.Array:
		return l.elements(v, own)
	case reflect.Map:
		return l.entries(v, own)
	}
	return v, false
}

func (l *Lines) fields(v reflect.Value) (reflect.Value, bool) {
	out, changed := v, false
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		inner, differs := l.value(v.Field(i), f.Tag.Get("print") == ours)
		if !differs {
			continue
		}
		if !changed {
			out, changed = reflect.New(t).Elem(), true
			out.Set(v)
		}
		out.Field(i).Set(inner)
	}
	return out, changed
}

func (l *Lines) elements(v reflect.Value, own bool) (reflect.Value, bool) {
	if !holdsText(v.Type().Elem()) {
		return v, false
	}
	out, changed := v, false
	for i := range v.Len() {
		inner, differs := l.value(v.Index(i), own)
		if !differs {
			continue
		}
		if !changed {
			out, changed = reflect.New(v.Type()).Elem(), true
			if v.Kind() == reflect.Slice {
				out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			}
			reflect.Copy(out, v)
		}
		out.Index(i).Set(inner)
	}
	return out, changed
}

func (l *Lines) entries(v reflect.Value, own bool) (reflect.Value, bool) {
	changed := false
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		key, keyDiffers := l.value(it.Key(), false)
		inner, differs := l.value(it.Value(), own)
		changed = changed || keyDiffers || differs
		out.SetMapIndex(key, inner)
	}
	if !changed {
		return v, false
	}
	return out, true
}

// walk calls f for every string in v.
func walk(v reflect.Value, own bool, f func(s string, own bool)) {
	switch v.Kind() {
	case reflect.String:
		f(v.String(), own)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), own, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				walk(v.Field(i), field.Tag.Get("print") == ours, f)
			}
		}
	case reflect.Slice, reflect.Array:
		if !holdsText(v.Type().Elem()) {
			return
		}
		for i := range v.Len() {
			walk(v.Index(i), own, f)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			walk(it.Key(), false, f)
			walk(it.Value(), own, f)
		}
	}
}

// holdsText is false for bytes and numbers, whose elements need not be looked at one by one.
func holdsText(t reflect.Type) bool {
	return t.Kind() > reflect.Complex128 && t.Kind() != reflect.UnsafePointer
}
