package lang

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// decodeAttr evaluates one argument into b, or fills in its default.
func (d *decoder) decodeAttr(b *block, a *schema.Attr, written *hcl.Attribute) {
	if written == nil {
		d.fillDefault(b, a, b.at)
		return
	}
	arg := &argument{expr: written.Expr, at: written.Expr.Range(), name: written.NameRange}
	b.attrs[a.Name] = arg
	if a.Kind == schema.Reference || a.Kind == schema.Expression || d.isBad(written.Expr) {
		return
	}
	value, diags := d.value(written.Expr, d.ctx)
	d.addHCL(diags)
	if diags.HasErrors() {
		return
	}
	plain, sensitive, unset := reveal(value)
	if plain.IsNull() {
		delete(b.attrs, a.Name)
		d.fillDefault(b, a, arg.at)
		return
	}
	if !d.checkSecrecy(a, arg, sensitive) {
		return
	}
	if !plain.IsWhollyKnown() {
		d.decodeUnknown(b, a, arg, unset)
		return
	}
	if items, diags := hcl.ExprList(written.Expr); !diags.HasErrors() {
		for _, item := range items {
			arg.each = append(arg.each, item.Range())
		}
	}
	goValue, ok := d.convert(a, arg, plain, sensitive)
	if !ok {
		return
	}
	b.values[a.Name] = goValue
	if !sensitive && !a.Sensitive && !a.Connection {
		b.open[a.Name] = goValue
	}
}

// fillDefault gives an argument that is absent or null its default.
func (d *decoder) fillDefault(b *block, a *schema.Attr, at hcl.Range) {
	if a.Required {
		d.errorAt(at, diag.MissingArgument, "Missing required argument",
			fmt.Sprintf("The argument %q is required in %s block: %s For example:\n  %s = %s", a.Name, article(b.schema.Type), a.Doc, a.Name, exampleOf(a)))
		return
	}
	if a.Default == "" || a.Kind == schema.Expression || a.Kind == schema.Reference {
		return
	}
	value, err := parseDefault(a)
	if err != nil {
		d.errorAt(at, diag.InvalidSchema, "Provider's schema is wrong",
			fmt.Sprintf("The default of the argument %q cannot be read: %v. This is a bug in dmoctl.", a.Name, err))
		return
	}
	b.values[a.Name] = value
	if !a.Sensitive && !a.Connection {
		b.open[a.Name] = value
	}
}

// checkSecrecy holds the rule that secrets go into sensitive arguments, and only
// from outside the spec.
func (d *decoder) checkSecrecy(a *schema.Attr, arg *argument, sensitive bool) bool {
	switch {
	case a.Sensitive && !d.outside(arg.expr):
		d.errorAt(
			arg.at,
			diag.LiteralSecret,
			"Secret written in the spec",
			fmt.Sprintf(
				"The argument %q is sensitive, and a spec is kept in version control, so it takes no literal "+
					"value. Take it from the environment, from a file, or from a sensitive variable without a "+
					"default:\n  %s = env(\"NAME\")\n  %s = sensitive(file(\"/run/secrets/NAME\"))",
				a.Name,
				a.Name,
				a.Name,
			),
		)
	case a.Sensitive && !sensitive:
		d.errorAt(
			arg.at,
			diag.NotSensitive,
			"Value is not sensitive",
			fmt.Sprintf(
				"The argument %q is sensitive and takes only a value that is marked as sensitive. Wrap it, or "+
					"declare its variable with sensitive = true:\n  %s = sensitive(...)",
				a.Name,
				a.Name,
			),
		)
	case sensitive && !d.provider:
		d.errorAt(
			arg.at,
			diag.SensitiveValue,
			"Sensitive value cannot be used here",
			fmt.Sprintf(
				"The argument %q is printed and stored in plans, so it takes no sensitive value; values of env() "+
					"are sensitive. Use a variable, which the environment variable %sNAME sets.",
				a.Name,
				envPrefix,
			),
		)
	default:
		return true
	}
	return false
}

func (d *decoder) outside(expr hcl.Expression) bool {
	own := native(expr)
	return own != nil && d.fromOutside(own)
}

// native takes off what dynamic blocks wrap around an expression.
func native(expr hcl.Expression) hclsyntax.Expression {
	own, _ := hcl.UnwrapExpressionUntil(expr, func(e hcl.Expression) bool {
		_, is := e.(hclsyntax.Expression)
		return is
	}).(hclsyntax.Expression)
	return own
}

// refersToNothing says whether an expression is written out.
func refersToNothing(expr hcl.Expression) bool {
	own := native(expr)
	return own != nil && len(own.Variables()) == 0
}

func (d *decoder) decodeUnknown(b *block, a *schema.Attr, arg *argument, unset string) {
	if unset == "" {
		return // what it depends on has been reported
	}
	if d.provider && len(a.Choices) == 0 {
		b.values[a.Name] = schema.Unset{Env: unset}
		return
	}
	d.errorAt(arg.at, diag.UnsetEnvironment, "Environment variable is not set", unsetHere(unset))
}

// convert checks a value against the argument's kind. In text from env() numbers
// and bools are read; what is written as a literal must have the right type.
func (d *decoder) convert(a *schema.Attr, arg *argument, v cty.Value, sensitive bool) (any, bool) {
	want := ctyType(a.Kind)
	converted, err := convert.Convert(v, want)
	literal := refersToNothing(arg.expr) && !sensitive && v.Type().IsPrimitiveType() && !v.Type().Equals(want)
	if err != nil || literal {
		d.wrongType(a, arg, v, sensitive)
		return nil, false
	}
	value, err := fromCty(a.Kind, converted)
	if err == nil {
		err = checkBounds(a, value)
	}
	if err != nil {
		said := err.Error()
		if sensitive {
			said = "the sensitive value cannot be read as " + article(string(a.Kind))
		}
		d.errorAt(arg.at, diag.InvalidValue, "Invalid value", fmt.Sprintf("The argument %q: %s.", a.Name, said))
		return nil, false
	}
	return value, d.checkChoice(a, arg, value)
}

func (d *decoder) wrongType(a *schema.Attr, arg *argument, v cty.Value, sensitive bool) {
	is := v.Type().FriendlyName()
	if v.Type().IsTupleType() {
		is = "list"
	}
	hint := fmt.Sprintf("For example:\n  %s = %s", a.Name, exampleOf(a))
	if a.Kind == schema.Strings && v.Type() == cty.String && !sensitive {
		hint = fmt.Sprintf("Write it in brackets:\n  %s = [%q]", a.Name, clip(v.AsString()))
	}
	d.errorAt(arg.at, diag.WrongType, "Wrong type",
		fmt.Sprintf("The argument %q takes %s, but this is %s. %s", a.Name, kindPhrase(a.Kind), article(is), hint))
}

func (d *decoder) checkChoice(a *schema.Attr, arg *argument, value any) bool {
	text, ok := value.(string)
	if !ok || len(a.Choices) == 0 || slices.Contains(a.Choices, text) {
		return true
	}
	if slices.Contains(a.Unready, text) {
		d.notAvailable(arg.at, fmt.Sprintf("The value %q of the argument %q", text, a.Name))
		return false
	}
	d.errorAt(arg.at, diag.UnsupportedValue, "Unsupported value",
		fmt.Sprintf("The argument %q takes %s, not %q. %s", a.Name, listed(quoted(a.Choices), "or"), clip(text), didYouMean(text, a.Choices, "")))
	return false
}

func ctyType(k schema.Kind) cty.Type {
	switch k {
	case schema.Int:
		return cty.Number
	case schema.Bool:
		return cty.Bool
	case schema.Strings:
		return cty.List(cty.String)
	}
	return cty.String
}

func kindPhrase(k schema.Kind) string {
	switch k {
	case schema.Int:
		return "a whole number"
	case schema.Bool:
		return "true or false"
	case schema.Strings:
		return "a list of strings"
	case schema.Size, schema.Duration, schema.Rate:
		return fmt.Sprintf("a %s, a string with a unit", k)
	case schema.Percent:
		return "a percentage, a string that ends in %"
	}
	return "a string"
}

// fromCty turns a known value of ctyType(k) into what schema.Values holds.
func fromCty(k schema.Kind, v cty.Value) (any, error) {
	switch k {
	case schema.Bool:
		return v.True(), nil
	case schema.Int:
		n, accuracy := v.AsBigFloat().Int64()
		if accuracy != big.Exact {
			return nil, fmt.Errorf("it must be a whole number of at most 64 bits")
		}
		return n, nil
	case schema.Strings:
		out := []string{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() {
				return nil, fmt.Errorf("element %d of the list is null", len(out)+1)
			}
			out = append(out, e.AsString())
		}
		return out, nil
	}
	return parseText(k, v.AsString())
}

func parseText(k schema.Kind, text string) (any, error) {
	switch k {
	case schema.Size:
		return schema.ParseSize(text)
	case schema.Rate:
		return schema.ParseRate(text)
	case schema.Duration:
		return schema.ParseDuration(text)
	case schema.Percent:
		return schema.ParsePercent(text)
	}
	return text, nil
}

// parseDefault reads a default as schemas write it: strings without quotes.
func parseDefault(a *schema.Attr) (any, error) {
	switch a.Kind {
	case schema.Int:
		return strconv.ParseInt(a.Default, 10, 64)
	case schema.Bool:
		return strconv.ParseBool(a.Default)
	case schema.Strings:
		v, ok := parseValue(a.Default)
		if !ok {
			return nil, fmt.Errorf("%q is not a list", a.Default)
		}
		v, err := convert.Convert(v, cty.List(cty.String))
		if err != nil {
			return nil, err
		}
		return fromCty(a.Kind, v)
	}
	return parseText(a.Kind, a.Default)
}

func checkBounds(a *schema.Attr, value any) error {
	n, ok := value.(int64)
	if !ok {
		return nil
	}
	inUnits := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch a.Kind {
	case schema.Size:
		inUnits = schema.FormatSize
	case schema.Rate:
		inUnits = schema.FormatRate
	}
	switch {
	case n < a.Min:
		return fmt.Errorf("%s is too small; the minimum is %s", inUnits(n), inUnits(a.Min))
	case a.Max > 0 && n > a.Max:
		return fmt.Errorf("%s is too large; the maximum is %s", inUnits(n), inUnits(a.Max))
	}
	return nil
}
