package hana

import (
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

func returns(t store.Type) func([]store.Type) (store.Type, error) {
	return func([]store.Type) (store.Type, error) { return t, nil }
}

func asFirst(args []store.Type) (store.Type, error) {
	t := args[0]
	t.NotNull = false
	return t, nil
}

// merged is the common type of all arguments.
func merged(args []store.Type) (store.Type, error) {
	t := args[0]
	for _, a := range args[1:] {
		var err error
		if t, err = common("", t, a); err != nil {
			return t, err
		}
	}
	t.NotNull = false
	return t, nil
}

func textual(name string, f func(string) string) store.Function {
	return store.Function{Min: 1, Max: 1, Type: func(args []store.Type) (store.Type, error) {
		if args[0].Kind != store.Text && args[0].Name != "" {
			return args[0], &Error{Code: 266, Text: "inconsistent datatype: " + name + " of " + args[0].Name}
		}
		return asFirst(args)
	}, Eval: func(args []store.Value) (store.Value, error) { return store.TextValue(f(args[0].S)), nil }}
}

func conversion(name string) store.Function {
	t := typeNamed(name)
	return store.Function{Min: 1, Max: 1, Type: returns(t), Eval: func(args []store.Value) (store.Value, error) { return convert(args[0], t) }}
}

// functions are those of "SQL Functions" that this server knows; others are error 328.
func functions() map[string]store.Function {
	m := map[string]store.Function{
		"UPPER": textual("UPPER", strings.ToUpper),
		"LOWER": textual("LOWER", strings.ToLower),
		"TRIM":  textual("TRIM", func(s string) string { return strings.Trim(s, " ") }),
		"LTRIM": textual("LTRIM", func(s string) string { return strings.TrimLeft(s, " ") }),
		"RTRIM": textual("RTRIM", func(s string) string { return strings.TrimRight(s, " ") }),
		"LENGTH": {Min: 1, Max: 1, Type: returns(typeNamed("INTEGER")), Eval: func(args []store.Value) (store.Value, error) {
			if args[0].K == store.Bytes {
				return store.IntValue(int64(len(args[0].S))), nil
			}
			return store.IntValue(int64(units(textOf(args[0])))), nil
		}},
		"BINTOHEX": {Min: 1, Max: 1, Type: returns(typeNamed("NVARCHAR")), Eval: func(args []store.Value) (store.Value, error) {
			return store.TextValue(strings.ToUpper(hex.EncodeToString([]byte(args[0].S)))), nil
		}},
		"COALESCE": {Min: 1, Max: -1, Nulls: true, Type: merged, Eval: firstNotNull},
		"IFNULL":   {Min: 2, Max: 2, Nulls: true, Type: merged, Eval: firstNotNull},
		"NULLIF": {Min: 2, Max: 2, Nulls: true, Type: asFirst, Eval: func(args []store.Value) (store.Value, error) {
			if order, ok := store.CompareValues(args[0], args[1]); ok && order == 0 && !args[0].IsNull() {
				return store.Value{}, nil
			}
			return args[0], nil
		}},
		"MOD":       {Min: 2, Max: 2, Type: func(args []store.Type) (store.Type, error) { return common("*", args[0], args[1]) }, Eval: modulo},
		"ABS":       {Min: 1, Max: 1, Type: asFirst, Eval: absolute},
		"SUBSTRING": {Min: 2, Max: 3, Type: asFirst, Eval: substring},
		"SUBSTR":    {Min: 2, Max: 3, Type: asFirst, Eval: substring},
		"GREATEST":  {Min: 1, Max: -1, Type: merged, Eval: func(args []store.Value) (store.Value, error) { return extreme(args, 1) }},
		"LEAST":     {Min: 1, Max: -1, Type: merged, Eval: func(args []store.Value) (store.Value, error) { return extreme(args, -1) }},
	}
	for name, t := range map[string]string{"TO_NVARCHAR": "NVARCHAR", "TO_VARCHAR": "NVARCHAR", "TO_DECIMAL": "DECIMAL", "TO_INTEGER": "INTEGER", "TO_INT": "INTEGER",
		"TO_BIGINT": "BIGINT", "TO_DOUBLE": "DOUBLE", "TO_DATE": "DATE", "TO_TIMESTAMP": "TIMESTAMP", "TO_SECONDDATE": "SECONDDATE", "TO_TIME": "TIME",
		"TO_NCLOB": "NCLOB", "TO_BINARY": "VARBINARY"} {
		m[name] = conversion(t)
	}
	for _, name := range []string{"TO_NVARCHAR", "TO_VARCHAR"} {
		m[name] = toText()
	}
	m["LPAD"] = padding(func(s, fill string) string { return fill + s })
	m["RPAD"] = padding(func(s, fill string) string { return s + fill })
	for i, name := range []string{"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"} {
		m[name] = store.Function{Min: 1, Max: 1, Type: returns(typeNamed("INTEGER")), Eval: func(args []store.Value) (store.Value, error) { return calendarField(args[0], i) }}
	}
	return m
}

func firstNotNull(args []store.Value) (store.Value, error) {
	for _, v := range args {
		if !v.IsNull() {
			return v, nil
		}
	}
	return store.Value{}, nil
}

func modulo(args []store.Value) (store.Value, error) {
	for i := range args {
		v, err := convert(args[i], store.Type{Kind: store.Dec})
		if err != nil {
			return v, err
		}
		args[i] = v
	}
	scale := max(args[0].N, args[1].N)
	a, _ := store.Rescale(args[0], int(scale), false)
	b, _ := store.Rescale(args[1], int(scale), false)
	m := b.Unscaled()
	if m.Sign() == 0 {
		return args[0], nil
	}
	n := a.Unscaled()
	v := store.DecValue(n.Rem(n, m), int(scale))
	if scale == 0 && v.S == "" {
		return store.IntValue(v.I), nil
	}
	return v, nil
}

func absolute(args []store.Value) (store.Value, error) {
	v := args[0]
	switch v.K {
	case store.Int:
		if v.I < 0 {
			v.I = -v.I
		}
	case store.Float:
		if f := v.Float(); f < 0 {
			return store.FloatValue(-f), nil
		}
	case store.Dec:
		n := v.Unscaled()
		return store.DecValue(n.Abs(n), int(v.N)), nil
	default:
		return v, &Error{Code: 266, Text: "inconsistent datatype: ABS"}
	}
	return v, nil
}

// substring counts UTF-16 units from 1.
func substring(args []store.Value) (store.Value, error) {
	text := args[0].K == store.Text
	u := utf16.Encode([]rune(args[0].S))
	size := len(u)
	if !text {
		size = len(args[0].S)
	}
	start := max(0, args[1].I-1)
	end := int64(size)
	if len(args) == 3 {
		end = min(end, start+max(0, args[2].I))
	}
	start = min(start, end)
	if !text {
		return store.Value{K: args[0].K, S: args[0].S[start:end]}, nil
	}
	return store.TextValue(string(utf16.Decode(u[start:end]))), nil
}

func extreme(args []store.Value, sign int) (store.Value, error) {
	out := args[0]
	for _, v := range args[1:] {
		order, ok := store.CompareValues(v, out)
		if !ok {
			return out, &Error{Code: 266, Text: "inconsistent datatype"}
		}
		if order == sign {
			out = v
		}
	}
	return out, nil
}

func calendarField(v store.Value, field int) (store.Value, error) {
	v, err := convert(v, store.Type{Kind: store.Stamp})
	if err != nil {
		return v, err
	}
	y, m, d := store.DayCivil(v.I / daySeconds)
	s := v.I % daySeconds
	return store.IntValue([]int64{int64(y), int64(m), int64(d), s / 3600, s / 60 % 60, s % 60}[field]), nil
}

// toText is TO_NVARCHAR of any value, or of a date by a format.
func toText() store.Function {
	f := conversion("NVARCHAR")
	f.Max = 2
	plain := func(args []store.Value) (store.Value, error) { return convert(args[0], typeNamed("NVARCHAR")) }
	f.Bind = func(types []store.Type) func([]store.Value) (store.Value, error) {
		switch {
		case len(types) == 2:
			return func(args []store.Value) (store.Value, error) { return formatted(args[0], args[1].S) }
		case types[0].Name == "SECONDDATE":
			return func(args []store.Value) (store.Value, error) {
				return store.TextValue(strings.TrimSuffix(textOf(args[0]), ".0000000")), nil
			}
		}
		return plain
	}
	return f
}

// formatted writes a date by the elements of "Date Formats" that tests use.
func formatted(v store.Value, format string) (store.Value, error) {
	v, err := convert(v, store.Type{Kind: store.Stamp})
	if err != nil {
		return v, err
	}
	text := textOf(v)
	out := strings.NewReplacer("YYYY", text[:4], "MM", text[5:7], "DD", text[8:10], "HH24", text[11:13], "MI", text[14:16], "SS", text[17:19],
		"FF7", text[20:27], "FF6", text[20:26], "FF3", text[20:23]).Replace(format)
	if strings.ContainsFunc(out, func(r rune) bool { return r >= 'A' && r <= 'Z' && r != 'T' }) {
		return v, &Error{Code: 7, Text: "feature not supported: date format " + format}
	}
	return store.TextValue(out), nil
}

// padding is LPAD or RPAD: a text of so many characters, filled with blanks or a pattern.
func padding(join func(s, fill string) string) store.Function {
	return store.Function{Min: 2, Max: 3, Type: returns(typeNamed("NVARCHAR")), Eval: func(args []store.Value) (store.Value, error) {
		s, n, pattern := textOf(args[0]), int(args[1].I), " "
		if len(args) == 3 {
			pattern = args[2].S
		}
		if n <= units(s) {
			return substring([]store.Value{store.TextValue(s), store.IntValue(1), store.IntValue(int64(n))})
		}
		if pattern == "" {
			return store.TextValue(s), nil
		}
		missing := n - units(s)
		fill, err := substring([]store.Value{store.TextValue(strings.Repeat(pattern, missing)), store.IntValue(1), store.IntValue(int64(missing))})
		return store.TextValue(join(s, fill.S)), err
	}}
}
