package structure

import (
	"math/big"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// sameDefault compares defaults. What one engine says twice is compared in the normal
// form of its expressions; a constant that came from another engine by its value, because
// the server spells it in its own way: 'x' becomes 'x'::text, 1e3 becomes 1000.
func (c *comparison) sameDefault(w, h *catalog.Column) bool {
	if c.SameExpression(w.Default, h.Default) {
		return true
	}
	want, have := constant(w.Default), constant(h.Default)
	if c.how.Same {
		return want == "" && have == "" // NULL is not a default
	}
	if want == have || strings.EqualFold(want, have) && !isText(w.Type) {
		return true
	}
	if want == "" || have == "" {
		return false
	}
	return sameValue(want, have, w.Type)
}

// constant returns the value of a constant without quotes, casts and parentheses, "" for
// no default or NULL, and any other expression as it is.
func constant(expression string) string {
	e := strings.TrimSpace(expression)
	for {
		bare := e
		if strings.HasPrefix(bare, "(") && closes(bare) {
			bare = strings.TrimSpace(bare[1 : len(bare)-1])
		}
		if head, ok := castOff(bare); ok {
			bare = head
		}
		if bare == e {
			break
		}
		e = bare
	}
	switch {
	case strings.EqualFold(e, "NULL"):
		return ""
	case quotedWhole(e):
		return strings.ReplaceAll(e[1:len(e)-1], "''", "'")
	}
	return strings.TrimPrefix(e, "+")
}

// closes says whether the parenthesis that e begins with ends with it.
func closes(e string) bool {
	depth, quoted := 0, false
	for i := range len(e) {
		switch c := e[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i == len(e)-1
			}
		}
	}
	return false
}

// castOff takes a cast off the end.
func castOff(e string) (string, bool) {
	i := strings.LastIndex(e, "::")
	if i < 0 || strings.ContainsAny(e[i:], "'+*/|<>=") || strings.Count(e[i:], "(") != strings.Count(e[i:], ")") {
		return e, false
	}
	return strings.TrimSpace(e[:i]), true
}

// quotedWhole says whether e is one string constant.
func quotedWhole(e string) bool {
	if len(e) < 2 || e[0] != '\'' || e[len(e)-1] != '\'' {
		return false
	}
	return !strings.Contains(strings.ReplaceAll(e[1:len(e)-1], "''", ""), "'")
}

func isText(t catalog.Type) bool {
	switch t.Kind {
	case catalog.String, catalog.Char, catalog.Text, catalog.JSON:
		return true
	}
	return false
}

// sameValue compares two constants by what they mean in a column of that type.
func sameValue(a, b string, t catalog.Type) bool {
	switch t.Kind {
	case catalog.Bool:
		x, ok := truth(a)
		y, also := truth(b)
		return ok && also && x == y
	case catalog.Char:
		return strings.TrimRight(a, " ") == strings.TrimRight(b, " ")
	case catalog.UUID:
		return strings.EqualFold(strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", ""))
	case catalog.Date, catalog.Time, catalog.Timestamp, catalog.TimestampTZ, catalog.Timestamp9:
		return sameMoment(a, b)
	}
	x, ok := new(big.Rat).SetString(a)
	y, also := new(big.Rat).SetString(b)
	return ok && also && x.Cmp(y) == 0
}

func truth(s string) (value, ok bool) {
	switch strings.ToUpper(s) {
	case "1", "T", "TRUE", "Y", "YES", "ON":
		return true, true
	case "0", "F", "FALSE", "N", "NO", "OFF":
		return false, true
	}
	return false, false
}

// sameMoment compares dates and times without what servers add or leave out: a time of
// midnight, seconds and fractions of zero. What is no such text, e.g. 'today', the server
// has replaced by its value; nothing more can be said of it.
func sameMoment(a, b string) bool {
	x, ok := moment(a)
	y, also := moment(b)
	return !ok || !also || x == y
}

func moment(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(strings.Replace(strings.ToUpper(s), "T", " ", 1)), "+00")
	for _, r := range s {
		if !strings.ContainsRune("0123456789-:. ", r) {
			return "", false
		}
	}
	if head, fraction, ok := strings.Cut(s, "."); ok {
		if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
			return head + "." + fraction, true
		}
		s = head
	}
	for _, zero := range []string{":00", ":00", " 00"} {
		s = strings.TrimSuffix(s, zero)
	}
	return s, s != ""
}
