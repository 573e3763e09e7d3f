package lang

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Bounds of what one call of a function takes and makes. Beyond them a single allocation may
// be larger than the machine, which ends a Go process before anybody could give the work up.
const (
	maxCallText  = 16 << 20 // bytes of text among the arguments, and of a result that is their product
	maxCallWidth = 10_000   // of a padding, in characters
)

// limited wraps all functions so that their arguments are bounded. Those whose parameters
// are expressions, try and can, evaluate calls that are wrapped themselves.
func limited(all map[string]function.Function) map[string]function.Function {
	own := map[string]func([]cty.Value) error{
		"format": checkFormat, "formatlist": checkFormat, "indent": checkIndent, "join": checkJoin, "replace": checkReplace,
	}
	for name, f := range all {
		if name == "try" || name == "can" {
			continue
		}
		checks := []func([]cty.Value) error{checkTexts}
		if check := own[name]; check != nil {
			checks = append(checks, check)
		}
		all[name] = checked(f, checks)
	}
	return all
}

// checked is f behind checks of its arguments, which are asked before f sees any of them.
func checked(f function.Function, checks []func([]cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, check := range checks {
				if err := check(args); err != nil {
					return cty.NilType, err
				}
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// textOf returns a text argument; "" where it is none, or not known.
func textOf(v cty.Value) string {
	v, _ = v.Unmark()
	if v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		return ""
	}
	return v.AsString()
}

func checkTexts(args []cty.Value) error {
	n := 0
	for _, a := range args {
		n += len(textOf(a))
	}
	return tooLong(n, 1)
}

// tooLong refuses count times n bytes of text.
func tooLong(n, count int) error {
	if n > 0 && count > maxCallText/n {
		return fmt.Errorf("more than %d MiB of text", maxCallText>>20)
	}
	return nil
}

// checkFormat refuses widths and precisions that no line has.
func checkFormat(args []cty.Value) error {
	if len(args) == 0 {
		return nil
	}
	digits, percent := 0, false
	for _, r := range textOf(args[0]) {
		switch {
		case r == '%':
			digits, percent = 0, !percent
		case percent && r >= '0' && r <= '9':
			if digits = digits*10 + int(r-'0'); digits > maxCallWidth {
				return function.NewArgErrorf(0, "a width of more than %d", maxCallWidth)
			}
		case percent && r != '.':
			digits, percent = 0, percent && strings.ContainsRune("+-# []", r)
		default:
			digits = 0
		}
	}
	return nil
}

func checkIndent(args []cty.Value) error {
	spaces, _ := args[0].Unmark()
	if spaces.IsNull() || !spaces.IsKnown() || spaces.Type() != cty.Number {
		return nil
	}
	width := spaces.AsBigFloat()
	if width.Sign() < 0 || width.Cmp(big.NewFloat(maxCallWidth)) > 0 {
		return function.NewArgErrorf(0, "the number of spaces must be from 0 to %d", maxCallWidth)
	}
	n, _ := width.Int64()
	return tooLong(int(n), strings.Count(textOf(args[1]), "\n"))
}

func checkReplace(args []cty.Value) error {
	return tooLong(len(textOf(args[2])), strings.Count(textOf(args[0]), textOf(args[1])))
}

func checkJoin(args []cty.Value) error {
	items := 0
	for _, a := range args[1:] {
		plain, _ := a.Unmark()
		if plain.IsKnown() && !plain.IsNull() && plain.CanIterateElements() {
			items += plain.LengthInt()
		}
	}
	return tooLong(len(textOf(args[0])), items)
}
