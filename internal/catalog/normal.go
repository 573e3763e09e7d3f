package catalog

import (
	"slices"
	"strings"
)

// A server does not keep the text of an expression: it spells what it understood, and
// spells that a little differently once its own words were read again elsewhere:
//
//	((a)::text = ANY ((ARRAY['x'::character varying])::text[]))   on the source
//	((a)::text = ANY (ARRAY[('x'::character varying)::text]))     on the target
//	(((x >= 1) AND (x <= 2)) AND (y > 0))                         on the source
//	((x >= 1) AND (x <= 2) AND (y > 0))                           on the target
//
// So expressions are compared in a normal form: without casts, the parentheses around
// single operands and those of nested ANDs and ORs, but with the types that are cast to,
// each once.

// normal is the normal form of tokens.
func (c Comparison) normal(tokens []string) []string {
	left, casts := withoutCasts(tokens)
	slices.Sort(casts)
	var tree []node
	for len(left) > 0 {
		nodes, n := nest(left)
		tree, left = append(tree, nodes...), left[n:]
		if len(left) > 0 { // a parenthesis that nothing opened
			tree, left = append(tree, node{text: left[0]}), left[1:]
		}
	}
	return append(append(flat(simplify(tree), nil), "::"), slices.Compact(casts)...)
}

// withoutCasts leaves out "::type" and lists the types, those of arrays as their elements'.
func withoutCasts(all []string) (left, casts []string) {
	for i := 0; i < len(all); {
		if all[i] != ":" || i+2 >= len(all) || all[i+1] != ":" {
			left = append(left, all[i])
			i++
			continue
		}
		n := typeLength(all[i+2:])
		name := slices.DeleteFunc(slices.Clone(all[i+2:i+2+n]), func(s string) bool { return s == "[" || s == "]" })
		casts = append(casts, strings.Join(name, " "))
		if last := len(left) - 1; last >= 0 && casts[len(casts)-1] == "regclass" { // a name within a literal
			left[last] = strings.ReplaceAll(left[last], `"`, "")
		}
		i += 2 + n
	}
	return left, casts
}

// typeLength is how many tokens the name of a type has that all begins with.
func typeLength(all []string) int {
	at := func(i int, texts ...string) bool { return i < len(all) && slices.Contains(texts, all[i]) }
	n := 1
	for at(n, ".") {
		n += 2
	}
	for at(n, "varying", "precision", "year", "month", "day", "hour", "minute", "second", "to") {
		n++
	}
	for at(n, "(") {
		n += match(all[n:]) + 1
	}
	if at(n, "with", "without") && at(n+1, "time") && at(n+2, "zone") {
		n += 3
	}
	for at(n, "[") {
		for n++; n < len(all) && all[n] != "]"; n++ {
		}
		n++
	}
	return min(n, len(all))
}

// node is a token, or a group in parentheses or brackets, whose text is the one that opens it.
type node struct {
	text  string
	group []node
}

func (x node) opens() bool { return x.text == "(" || x.text == "[" }

// nest builds the tree of groups up to the end that nothing in all opens, and returns how
// many tokens it took.
func nest(all []string) (out []node, n int) {
	for n < len(all) && all[n] != ")" && all[n] != "]" {
		x := node{text: all[n]}
		n++
		if x.opens() {
			group, taken := nest(all[n:])
			x.group = group
			n = min(n+taken+1, len(all))
		}
		out = append(out, x)
	}
	return out, n
}

// flat is a tree's tokens again.
func flat(in []node, out []string) []string {
	for _, x := range in {
		out = append(out, x.text)
		if x.opens() {
			end := map[string]string{"(": ")", "[": "]"}[x.text]
			out = append(flat(x.group, out), end)
		}
	}
	return out
}

// simplify takes out parentheses that say nothing.
func simplify(in []node) []node {
	out := make([]node, 0, len(in))
	for _, x := range in {
		x.group = simplify(x.group)
		if x.text == "(" && !called(out) && single(x.group) {
			out = append(out, x.group...)
			continue
		}
		out = append(out, x)
	}
	for len(out) == 1 && out[0].text == "(" {
		out = out[0].group
	}
	return joined(joined(out, "AND", "OR"), "OR", "AND")
}

// called says whether a group after these nodes may hold the arguments of a function.
func called(before []node) bool {
	return len(before) > 0 && isName(before[len(before)-1].text)
}

// isName says whether a token is a name, and none of the keywords after which an operand comes.
func isName(s string) bool {
	if s == "" || s[0] != '"' && !wordByte(s[0]) {
		return false
	}
	switch strings.ToUpper(s) {
	case "AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "IS", "LIKE", "ILIKE", "BETWEEN", "WHERE", "FROM", "AS", "DEFAULT", "CHECK":
		return false
	}
	return true
}

// single says whether nodes are one operand: a name, a constant, a call, an array.
func single(in []node) bool {
	switch len(in) {
	case 1:
		return in[0].text != "("
	case 2:
		return isName(in[0].text) && in[1].opens() || len(in[0].text) == 1 && isPrefix(in[0].text) && strings.HasPrefix(in[1].text, "'")
	}
	return false
}

// isPrefix says whether a word before a string belongs to it: E'\\n', X'FF'.
func isPrefix(s string) bool { return strings.ContainsAny(s, "EeBbXxNn") }

// joined splices "(a AND b) AND c" into one list: AND and OR are associative.
func joined(in []node, by, other string) []node {
	if !listOf(in, by, other) {
		return in
	}
	var out []node
	for i, x := range in {
		alone := (i == 0 || strings.EqualFold(in[i-1].text, by)) && (i == len(in)-1 || strings.EqualFold(in[i+1].text, by))
		if alone && x.text == "(" && listOf(x.group, by, other) {
			out = append(out, x.group...)
			continue
		}
		out = append(out, x)
	}
	return out
}

// listOf says whether operands are joined by one keyword, and by no other.
func listOf(in []node, by, other string) bool {
	found := false
	for _, x := range in {
		switch strings.ToUpper(x.text) {
		case other, "BETWEEN", "CASE":
			return false
		case by:
			found = true
		}
	}
	return found
}
