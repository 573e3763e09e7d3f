package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// variable is one declaration.
type variable struct {
	name       string
	at         hcl.Range
	block      *hclsyntax.Block
	typ        cty.Type
	defaults   *typeexpr.Defaults // of optional() object attributes
	value      cty.Value          // default until a value from outside replaces it; NilVal without
	hasDefault bool               // a literal default other than null
	sensitive  bool
	broken     bool // its declaration has a mistake: no further message about it
}

// collectVariables reads the declarations. Only types, defaults and sensitive are
// evaluated; they are constant.
func (l *loader) collectVariables() {
	for _, b := range l.decls.variables {
		name := b.Labels[0]
		if !l.checkName(name, b.LabelRanges[0]) {
			continue
		}
		if first, ok := l.variables[name]; ok {
			l.duplicate(b.LabelRanges[0], fmt.Sprintf("variable %q", name), first.at)
			continue
		}
		v := &variable{name: name, at: b.LabelRanges[0], block: b, typ: cty.DynamicPseudoType}
		l.variables[name] = v
		l.declareVariable(v)
	}
}

func (l *loader) declareVariable(v *variable) {
	attrs := v.block.Body.Attributes
	if a := attrs["type"]; a != nil {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		l.addHCL(diags)
		if diags.HasErrors() {
			v.broken = true
			return
		}
		v.typ, v.defaults = typ, defaults
	}
	if a := attrs["sensitive"]; a != nil {
		v.sensitive = l.constantTrue(a)
	}
	if a := attrs["default"]; a != nil {
		if v.sensitive {
			l.sources.hide(a.Expr.Range())
		}
		l.declareDefault(v, a)
	}
}

// constantTrue evaluates an argument that must not refer to anything. What is no
// bool at all is left to the check of the block.
func (l *loader) constantTrue(a *hclsyntax.Attribute) bool {
	if len(a.Expr.Variables()) > 0 {
		l.bad = append(l.bad, a.Expr.Range())
		l.errorAt(a.Expr.Range(), diag.NotConstant, "Value is not constant",
			fmt.Sprintf("The argument %q of a variable must be the literal true or false.", a.Name))
		return true
	}
	value, diags := l.value(a.Expr, nil)
	if diags.HasErrors() {
		return true
	}
	value, err := convert.Convert(value, cty.Bool)
	return err != nil || value.IsNull() || !value.IsKnown() || value.True()
}

func (l *loader) declareDefault(v *variable, a *hclsyntax.Attribute) {
	value, diags := l.value(a.Expr, nil)
	if diags.HasErrors() {
		l.errorAt(
			a.Expr.Range(),
			diag.DefaultNotConstant,
			"Default is not constant",
			fmt.Sprintf(
				"The default of variable %q must be a literal value, without function calls and references. Use a locals block for values that are computed.",
				v.name,
			),
		)
		v.broken = true
		return
	}
	value, why := v.accept(value)
	if why != "" {
		l.errorAt(a.Expr.Range(), diag.WrongType, "Wrong type",
			fmt.Sprintf("The default of variable %q does not fit its type %s: %s.", v.name, typeexpr.TypeString(v.typ), why))
		v.broken = true
		return
	}
	v.value, v.hasDefault = value, !value.IsNull()
}

// accept converts a value to the variable's type, or says why it does not fit.
func (v *variable) accept(value cty.Value) (cty.Value, string) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		return value, err.Error()
	}
	return converted, ""
}

// evaluateVariables gives every variable its value and checks its validations.
func (l *loader) evaluateVariables() {
	l.applyValues()
	values := map[string]cty.Value{}
	for name, v := range l.variables {
		switch {
		case v.broken:
			values[name] = cty.DynamicVal
			continue
		case v.value == cty.NilVal && l.valuesBroken:
			values[name] = cty.DynamicVal // it may stand in the file that was not read
			continue
		case v.value == cty.NilVal:
			l.errorAt(v.at, diag.MissingVariable, "No value for variable", fmt.Sprintf(
				"The variable %q has no default and no value was given. Give one in %s, in the environment, or with\n  --var %s=VALUE",
				name, "dmo"+valuesSuffix, name))
			values[name] = cty.DynamicVal
			continue
		}
		if v.sensitive {
			l.secrets.keep(v.value)
			v.value = markSensitive(v.value)
		}
		values[name] = v.value
	}
	l.ctx = &hcl.EvalContext{Functions: l.functions, Variables: map[string]cty.Value{
		"var": cty.ObjectVal(values), "local": cty.EmptyObjectVal,
	}}
	for _, v := range l.variables {
		if !v.broken && v.value != cty.NilVal {
			l.validate(v)
		}
	}
}

// validate checks the validation blocks of one variable, which see only itself.
func (l *loader) validate(v *variable) {
	ctx := &hcl.EvalContext{Functions: l.ctx.Functions, Variables: map[string]cty.Value{
		"var": cty.ObjectVal(map[string]cty.Value{v.name: v.value}),
	}}
	for _, b := range v.block.Body.Blocks {
		condition, message := b.Body.Attributes["condition"], b.Body.Attributes["error_message"]
		if b.Type != "validation" || condition == nil || message == nil {
			continue // reported by the check of the block
		}
		if l.isBad(condition.Expr) || l.isBad(message.Expr) {
			continue
		}
		l.checkCondition(v, condition, message, ctx)
	}
}

func (l *loader) checkCondition(v *variable, condition, message *hclsyntax.Attribute, ctx *hcl.EvalContext) {
	ok, diags := l.value(condition.Expr, ctx)
	l.addHCL(diags)
	if diags.HasErrors() {
		return
	}
	ok, _ = ok.Unmark()
	ok, err := convert.Convert(ok, cty.Bool)
	if err != nil || ok.IsNull() {
		l.errorAt(condition.Expr.Range(), diag.WrongType, "Wrong type", "A condition must be true or false.")
		return
	}
	if !ok.IsKnown() || ok.True() {
		return
	}
	text, diags := l.value(message.Expr, ctx)
	l.addHCL(diags)
	if diags.HasErrors() {
		return
	}
	said := "the value does not meet the variable's condition"
	if text, marks := text.UnmarkDeep(); len(marks) == 0 && text.IsKnown() && !text.IsNull() && text.Type() == cty.String {
		said = text.AsString()
	}
	l.errorAt(v.at, diag.InvalidVariable, "Invalid value for variable", fmt.Sprintf("%s\nThe condition is at %s.", said, place(condition.Expr.Range())))
}

func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}

func (l *loader) duplicate(at hcl.Range, what string, first hcl.Range) {
	l.errorAt(
		at,
		diag.Duplicate,
		"Declared twice",
		fmt.Sprintf("The %s is already declared at %s. Remove one of the two, or give it another name.", what, place(first)),
	)
}
