package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// envPrefix starts the names of environment variables that give variables a value.
const envPrefix = "DMO_VAR_"

// applyValues sets variables from the outside, the later source winning:
// environment, dmo.dmovars, *.auto.dmovars by name, then the command line in order.
func (l *loader) applyValues() {
	for name, v := range l.variables {
		if text, ok := l.opts.Env(envPrefix + name); ok {
			l.setText(v, text, "the environment variable "+envPrefix+name)
		}
	}
	for _, path := range l.valueFiles() {
		l.applyFile(path)
	}
	for _, o := range l.overrides() {
		if o.File {
			l.applyFile(o.Value)
		} else {
			l.applyArgument(o.Value)
		}
	}
}

func (l *loader) overrides() []Override {
	if len(l.opts.Overrides) > 0 {
		return l.opts.Overrides
	}
	var out []Override
	for _, f := range l.opts.VarFiles {
		out = append(out, Override{File: true, Value: f})
	}
	for _, v := range l.opts.Vars {
		out = append(out, Override{Value: v})
	}
	return out
}

// valueFiles lists the files that are read without being named.
func (l *loader) valueFiles() []string {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil // reported when the spec files were looked for
	}
	var paths []string
	for _, name := range matching(entries, valuesSuffix) {
		if name == "dmo"+valuesSuffix {
			paths = append([]string{filepath.Join(l.dir, name)}, paths...)
		} else if strings.HasSuffix(name, ".auto"+valuesSuffix) {
			paths = append(paths, filepath.Join(l.dir, name))
		}
	}
	return paths
}

// applyFile reads NAME = VALUE lines, whose values are constant.
func (l *loader) applyFile(path string) {
	body := l.parseFile(path, true)
	if body == nil {
		l.valuesBroken = true
		return
	}
	for _, b := range body.Blocks {
		l.errorAt(b.TypeRange, diag.UnsupportedBlock, "Unsupported block type",
			"A file of variable values holds only lines of the form NAME = VALUE.")
	}
	attrs := sortedAttrs(body)
	for _, a := range attrs {
		if v := l.variables[a.Name]; v == nil || v.sensitive {
			l.sources.hide(a.Expr.Range())
		}
	}
	for _, a := range attrs {
		l.applyAttribute(a)
	}
}

func (l *loader) applyAttribute(a *hclsyntax.Attribute) {
	v := l.variables[a.Name]
	if v == nil {
		l.add(diag.Warning(diag.UndeclaredVariable, "Value for an undeclared variable", fmt.Sprintf(
			"No variable %q is declared in the spec, so this value is not used. %s", a.Name, l.suggestVariable(a.Name))).On(a.NameRange))
		return
	}
	value, diags := l.value(a.Expr, nil)
	if diags.HasErrors() {
		l.errorAt(a.Expr.Range(), diag.NotConstant, "Value is not constant",
			"A value in such a file must be a literal, without function calls and references. Text is written in quotes.")
		v.broken = true
		return
	}
	if why := v.set(value); why != "" {
		l.errorAt(a.Expr.Range(), diag.WrongType, "Wrong type", v.misfit(why))
	}
}

// applyArgument reads one --var NAME=VALUE.
func (l *loader) applyArgument(argument string) {
	name, text, ok := strings.Cut(argument, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		l.add(diag.Error(diag.InvalidVarOption, "Invalid --var option",
			"The option --var takes a name and a value, such as\n  --var sid=PRD"))
		return
	}
	v := l.variables[name]
	if v == nil {
		l.add(diag.Error(diag.UndeclaredVariable, "Value for an undeclared variable", fmt.Sprintf(
			"The option --var gives a value to %q, but the spec declares no such variable. %s", name, l.suggestVariable(name))))
		return
	}
	l.setText(v, text, "--var "+name)
}

func (l *loader) suggestVariable(name string) string {
	names := make([]string, 0, len(l.variables))
	for n := range l.variables {
		names = append(names, n)
	}
	sort.Strings(names)
	return didYouMean(name, names, fmt.Sprintf("Declare it with\n  variable %q {}", name))
}

// setText sets a variable from text of the command line or the environment: a
// primitive takes it as it is, anything else is written as in a spec.
func (l *loader) setText(v *variable, text, from string) {
	value := cty.StringVal(text)
	if !v.typ.IsPrimitiveType() && v.typ != cty.DynamicPseudoType {
		parsed, ok := parseValue(text)
		if !ok {
			l.add(diag.Error(diag.WrongType, "Wrong type", fmt.Sprintf(
				"%s: the variable %q takes a value of type %s, written as in a spec, for example [\"a\", \"b\"].", from, v.name, typeexpr.TypeString(v.typ))))
			v.broken = true
			return
		}
		value = parsed
	}
	if why := v.set(value); why != "" {
		l.add(diag.Error(diag.WrongType, "Wrong type", fmt.Sprintf("%s: %s", from, v.misfit(why))))
	}
}

func parseValue(text string) (cty.Value, bool) {
	if len(text) > maxFileBytes || checkText([]byte(text), "") != nil {
		return cty.NilVal, false
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	value, diags := expr.Value(nil)
	return value, !diags.HasErrors()
}

// set gives the variable a value from outside, or says why it does not fit.
func (v *variable) set(value cty.Value) string {
	if v.broken {
		return ""
	}
	value, why := v.accept(value)
	if why != "" {
		v.broken = true
		return why
	}
	v.value = value
	return ""
}

func (v *variable) misfit(why string) string {
	return fmt.Sprintf("The value of variable %q does not fit its type %s: %s.", v.name, typeexpr.TypeString(v.typ), why)
}
