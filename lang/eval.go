package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// isBad says whether a mistake of the expression has been reported already.
func (l *loader) isBad(expr hcl.Expression) bool { return within(expr.Range(), l.bad) }

// checkRefs reports references to variables, locals and functions that do not exist. In the
// content of dynamic blocks, iterators are names too. It reports whether all is well.
func (l *loader) checkRefs(expr hclsyntax.Expression, iterators []string) bool {
	ok := l.checkCalls(expr)
	for _, t := range expr.Variables() {
		if l.checkRef(t, iterators) {
			continue
		}
		ok = false
	}
	if !ok {
		l.bad = append(l.bad, expr.Range())
	}
	return ok
}

func (l *loader) checkRef(t hcl.Traversal, iterators []string) bool {
	root, name := t.RootName(), stepName(t)
	for _, it := range iterators {
		if root == it {
			return true
		}
	}
	var known []string
	switch root {
	case "var":
		if l.variables[name] != nil {
			return true
		}
		known = sortedKeys(l.variables)
	case "local":
		if l.locals[name] != nil {
			return true
		}
		known = sortedKeys(l.locals)
	default:
		l.errorAt(t.SourceRange(), diag.UnknownReference, "Unknown reference", l.unknownRoot(root, iterators))
		return false
	}
	if name == "" {
		l.errorAt(t.SourceRange(), diag.UnknownReference, "Unknown reference",
			fmt.Sprintf("%q needs a name after a dot, such as %s.NAME.", root, root))
		return false
	}
	what := "variable"
	if root == "local" {
		what = "local value"
	}
	l.errorAt(t.SourceRange(), diag.UnknownReference, "Unknown reference",
		fmt.Sprintf("The spec declares no %s %q. %s", what, name, didYouMean(name, known, declareHint(root, name))))
	return false
}

func declareHint(root, name string) string {
	if root == "local" {
		return fmt.Sprintf("Declare it with\n  locals { %s = VALUE }", name)
	}
	return fmt.Sprintf("Declare it with\n  variable %q {}", name)
}

// unknownRoot explains a name that is neither var, nor local, nor an iterator.
func (l *loader) unknownRoot(root string, iterators []string) string {
	switch {
	case root == roleSource || root == roleTarget || root == roleStaging:
		return fmt.Sprintf("A %s can be referred to only by a migration's arguments source and target and by its transfer's via; it has no value.", root)
	case l.variables[root] != nil:
		return fmt.Sprintf("Nothing is named %q here. Did you mean var.%s?", root, root)
	case l.locals[root] != nil:
		return fmt.Sprintf("Nothing is named %q here. Did you mean local.%s?", root, root)
	}
	names := append([]string{"var", "local"}, iterators...)
	return fmt.Sprintf("Nothing is named %q here. %s", root, didYouMean(root, names,
		fmt.Sprintf("Text is written in quotes: %q. A variable is var.NAME, a local value local.NAME.", root)))
}

// stepName returns the name after the root of a traversal, or "".
func stepName(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	if step, ok := t[1].(hcl.TraverseAttr); ok {
		return step.Name
	}
	return ""
}

// convertHCL turns HCL's messages into ours. The error of a function whose arguments
// are sensitive may quote them, so it is withheld.
func (l *loader) convertHCL(in hcl.Diagnostics, other diag.ID) diag.Diagnostics {
	for i, d := range in {
		if before, _, panicked := strings.Cut(d.Detail, stackStart); panicked {
			in[i] = withDetail(d, strings.Replace(before, panicStart, "the value cannot be computed: ", 1)+".")
		}
		extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
		if !ok || extra.FunctionCallError() == nil || !l.sensitiveCall(d) {
			continue
		}
		in[i] = withDetail(
			d,
			fmt.Sprintf("The function %q failed. Its message is withheld, because it may quote a sensitive value.", extra.CalledFunctionName()),
		)
	}
	return diag.FromHCL(in, other)
}

// What cty writes around a panic of a function or an operator, which is the error that both
// HCL's messages quote. An operator's is in no other form.
const (
	panicStart = "panic in function implementation: "
	stackStart = "\ngoroutine "
)

func withDetail(d *hcl.Diagnostic, detail string) *hcl.Diagnostic {
	own := *d
	own.Detail = detail
	return &own
}

// sensitiveCall says whether the expression of a diagnostic depends on a sensitive
// value. It is an argument that the function refused, or the whole call that failed.
func (l *loader) sensitiveCall(d *hcl.Diagnostic) bool {
	expr, ok := d.Expression.(hclsyntax.Expression)
	if !ok {
		return true // it cannot be told, so assume the worst
	}
	value, diags := l.value(expr, d.EvalContext)
	if !diags.HasErrors() {
		_, sensitive, _ := reveal(value)
		return sensitive
	}
	call, ok := expr.(*hclsyntax.FunctionCallExpr)
	if !ok {
		return true
	}
	for _, argument := range call.Args {
		value, diags := l.value(argument, d.EvalContext)
		if _, sensitive, _ := reveal(value); sensitive || diags.HasErrors() {
			return true
		}
	}
	return false
}

// checkCalls reports calls of functions that do not exist.
func (l *loader) checkCalls(expr hclsyntax.Expression) bool {
	ok := true
	visit(expr, func(node hclsyntax.Node) {
		call, is := node.(*hclsyntax.FunctionCallExpr)
		if !is {
			return
		}
		if _, known := l.functions[call.Name]; known {
			return
		}
		ok = false
		l.errorAt(call.NameRange, diag.UnknownFunction, "Unknown function", fmt.Sprintf("There is no function %q. %s",
			clip(call.Name), didYouMean(call.Name, sortedKeys(l.functions), "docs/spec.md lists all functions.")))
	})
	return ok
}

// visit calls f for every node of an expression.
func visit(expr hclsyntax.Expression, f func(hclsyntax.Node)) {
	// What comes back is what the function reports: nothing.
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		f(node)
		return nil
	})
}
