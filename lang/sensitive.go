package lang

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// sensitiveMark is on every value that must not be printed or stored.
type sensitiveMark struct{}

// unsetMark is on the unknown value of an environment variable that is not set.
type unsetMark struct{ env string }

func markSensitive(v cty.Value) cty.Value { return v.Mark(sensitiveMark{}) }

// reveal takes the marks off a value: whether it is sensitive, and the first by
// name of the unset environment variables that it depends on.
func reveal(v cty.Value) (plain cty.Value, sensitive bool, unset string) {
	plain, marks := v.UnmarkDeep()
	for m := range marks {
		switch m := m.(type) {
		case sensitiveMark:
			sensitive = true
		case unsetMark:
			if unset == "" || m.env < unset {
				unset = m.env
			}
		}
	}
	return plain, sensitive, unset
}

// fromOutside says whether an expression takes something from outside the spec: an
// environment variable, a file, or a variable that has no default in the spec. A
// secret that does not is written down in it.
func (l *loader) fromOutside(expr hclsyntax.Expression) bool {
	w := &outsideWalker{l: l, seen: map[string]bool{}}
	return w.visit(expr)
}

// readsOutside says whether a function's result is not written in the spec.
func readsOutside(function string) bool { return function == "env" || function == "file" }

type outsideWalker struct {
	l    *loader
	seen map[string]bool
}

func (w *outsideWalker) visit(expr hclsyntax.Expression) bool {
	found := false
	visit(expr, func(node hclsyntax.Node) {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && readsOutside(call.Name) {
			found = true
		}
	})
	if found {
		return true
	}
	for _, t := range expr.Variables() {
		name := stepName(t)
		switch t.RootName() {
		case "var":
			if v := w.l.variables[name]; v != nil && !v.hasDefault {
				return true
			}
		case "local":
			own := w.l.locals[name]
			if own == nil || w.seen[name] {
				continue
			}
			w.seen[name] = true
			if w.visit(own.expr) {
				return true
			}
		}
	}
	return false
}
