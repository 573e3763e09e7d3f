package lang

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// local is one named expression.
type local struct {
	name  string
	at    hcl.Range
	expr  hclsyntax.Expression
	needs []string // other locals, sorted
	state int      // of the evaluation order: see the constants
}

const (
	unvisited = iota
	visiting
	visited
)

// collectLocals reads all locals blocks.
func (l *loader) collectLocals() {
	for _, b := range l.decls.locals {
		for _, inner := range b.Body.Blocks {
			l.errorAt(inner.TypeRange, diag.UnsupportedBlock, "Unsupported block type",
				"A locals block holds only lines of the form NAME = EXPRESSION.")
		}
		for _, a := range sortedAttrs(b.Body) {
			if first, ok := l.locals[a.Name]; ok {
				l.duplicate(a.NameRange, fmt.Sprintf("local value %q", a.Name), first.at)
				continue
			}
			l.locals[a.Name] = &local{name: a.Name, at: a.NameRange, expr: a.Expr, needs: localsIn(a.Expr)}
		}
	}
}

// localsIn lists the locals that an expression refers to.
func localsIn(expr hclsyntax.Expression) []string {
	seen := map[string]bool{}
	for _, t := range expr.Variables() {
		if t.RootName() != "local" || len(t) < 2 {
			continue
		}
		if step, ok := t[1].(hcl.TraverseAttr); ok {
			seen[step.Name] = true
		}
	}
	return sortedKeys(seen)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// evaluateLocals gives every local its value, needed ones first.
func (l *loader) evaluateLocals() {
	values := map[string]cty.Value{}
	for _, name := range l.localOrder() {
		own := l.locals[name]
		if l.isBad(own.expr) {
			values[name] = cty.DynamicVal
			continue
		}
		l.ctx.Variables["local"] = cty.ObjectVal(pick(values, own.needs))
		value, diags := l.value(own.expr, l.ctx)
		l.addHCL(diags)
		if diags.HasErrors() {
			value = cty.DynamicVal
		}
		values[name] = value
	}
	l.ctx.Variables["local"] = cty.ObjectVal(values)
}

func pick(values map[string]cty.Value, names []string) map[string]cty.Value {
	out := make(map[string]cty.Value, len(names))
	for _, n := range names {
		if v, ok := values[n]; ok {
			out[n] = v
		}
	}
	return out
}

// localOrder sorts locals so that each comes after what it needs. Locals in a cycle
// are reported, once a cycle, and marked bad.
func (l *loader) localOrder() []string {
	var order []string
	type frame struct {
		name string
		next int
	}
	for _, start := range sortedKeys(l.locals) {
		if l.locals[start].state != unvisited {
			continue
		}
		// A stack of its own: a chain of locals may be as long as a file.
		stack := []frame{{name: start}}
		l.locals[start].state = visiting
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			own := l.locals[top.name]
			if top.next == len(own.needs) {
				own.state = visited
				order = append(order, top.name)
				stack = stack[:len(stack)-1]
				continue
			}
			need := l.locals[own.needs[top.next]]
			top.next++
			switch {
			case need == nil: // reported as a reference to nothing
			case need.state == unvisited:
				need.state = visiting
				stack = append(stack, frame{name: need.name})
			case need.state == visiting:
				names := make([]string, len(stack))
				for i, f := range stack {
					names[i] = f.name
				}
				l.reportCycle(names, need.name)
			}
		}
	}
	return order
}

func (l *loader) reportCycle(stack []string, back string) {
	for i, name := range stack {
		if name == back {
			stack = stack[i:]
			break
		}
	}
	const shownAtMost = 10
	var path []string
	for i, name := range stack {
		l.bad = append(l.bad, l.locals[name].expr.Range())
		if i < shownAtMost {
			path = append(path, "local."+name)
		}
	}
	if len(stack) > shownAtMost {
		path = append(path, "...")
	}
	path = append(path, "local."+back)
	l.errorAt(
		l.locals[back].at,
		diag.CyclicLocals,
		"Local values depend on each other",
		fmt.Sprintf(
			"These local values form a cycle, so none of them has a value:\n  %s\nReplace one of the references with a value.",
			strings.Join(path, " -> "),
		),
	)
}
