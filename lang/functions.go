package lang

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// maxElements bounds the functions whose result outgrows their arguments.
const maxElements = 100_000

// functions are all that expressions may call. None depends on the time, and only
// env and file on the machine.
func functions(dir string, env func(string) (string, bool), kept secrets) map[string]function.Function {
	return limited(map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc,
		"chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc,
		"coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc,
		"format": stdlib.FormatFunc, "formatdate": stdlib.FormatDateFunc, "formatlist": stdlib.FormatListFunc,
		"indent": stdlib.IndentFunc, "index": stdlib.IndexFunc, "int": stdlib.IntFunc, "join": stdlib.JoinFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
		"length": lengthFunc(), "log": stdlib.LogFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
		"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc,
		"pow": stdlib.PowFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"regexreplace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": boundedProduct(),
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "signum": stdlib.SignumFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc,
		"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc,
		"title": stdlib.TitleFunc, "tobool": stdlib.MakeToFunc(cty.Bool),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber": stdlib.MakeToFunc(cty.Number), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring": stdlib.MakeToFunc(cty.String), "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "try": tryfunc.TryFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "yamldecode": yaml.YAMLDecodeFunc,
		"yamlencode": yaml.YAMLEncodeFunc, "zipmap": stdlib.ZipmapFunc,

		"env": envFunc(env, kept), "file": fileFunc(dir), "sensitive": sensitiveFunc(kept),
	})
}

// envFunc reads an environment variable. Its result is sensitive; where the
// variable is not set, it is unknown and carries the variable's name.
func envFunc(env func(string) (string, bool), kept secrets) function.Function {
	return function.New(&function.Spec{
		Description: "Value of an environment variable, sensitive.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if name == "" || strings.ContainsAny(name, "=\x00") {
				return cty.NilVal, function.NewArgErrorf(0, "%q is not a valid name of an environment variable", name)
			}
			text, ok := env(name)
			if !ok {
				return cty.UnknownVal(cty.String).WithMarks(cty.NewValueMarks(sensitiveMark{}, unsetMark{name})), nil
			}
			if !utf8.ValidString(text) {
				return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not valid UTF-8", name)
			}
			kept.keep(cty.StringVal(text))
			return markSensitive(cty.StringVal(text)), nil
		},
	})
}

// fileFunc reads a text file relative to the spec's directory.
func fileFunc(dir string) function.Function {
	const limit = 16 << 20
	return function.New(&function.Spec{
		Description: "Text of a file, relative to the spec's directory.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := args[0].AsString()
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			text, err := readBounded(path, limit)
			switch {
			case errors.Is(err, errTooLarge):
				return cty.NilVal, function.NewArgErrorf(0, "%q is larger than %d bytes", path, limit)
			case err != nil:
				return cty.NilVal, function.NewArgErrorf(0, "%s", reason(err, path))
			case !utf8.Valid(text):
				return cty.NilVal, function.NewArgErrorf(0, "%q is not valid UTF-8", path)
			}
			return cty.StringVal(string(text)), nil
		},
	})
}

// sensitiveFunc marks a value as one that is never printed or stored.
func sensitiveFunc(kept secrets) function.Function {
	return function.New(&function.Spec{
		Description: "The same value, never printed or stored.",
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			kept.keep(args[0])
			return markSensitive(args[0]), nil
		},
	})
}

// boundedProduct is setproduct with a limit, because its result is as large as the
// product of its arguments.
func boundedProduct() function.Function {
	product := stdlib.SetProductFunc
	return function.New(&function.Spec{
		Description: "All combinations of the elements of sets or lists.",
		VarParam:    product.VarParam(),
		Type:        product.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			n := 1
			for _, a := range args {
				plain, _ := a.Unmark()
				if !plain.IsKnown() {
					break
				}
				if n *= max(1, plain.LengthInt()); n > maxElements {
					return cty.NilVal, fmt.Errorf("more than %d combinations", maxElements)
				}
			}
			return product.Call(args)
		},
	})
}

// lengthFunc counts the elements of a collection or the characters of a text, as
// Terraform's does.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Number of elements, or of characters.",
		Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}
