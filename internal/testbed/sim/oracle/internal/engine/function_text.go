package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// mapText is a function of text that gives text.
func mapText(f func(string) string) *function {
	return &function{min: 1, max: 1, typ: likeText, eval: func(r *run, a []typed) ([]byte, error) {
		s, err := r.str(a[0])
		if err != nil {
			return nil, err
		}
		return r.encode(likeText([]Type{a[0].typ}), f(s))
	}}
}

func textFunctions() map[string]*function {
	num := fixedType(number())
	return map[string]*function{
		"UPPER":   mapText(strings.ToUpper),
		"LOWER":   mapText(strings.ToLower),
		"INITCAP": mapText(func(s string) string { return strings.Title(strings.ToLower(s)) }), //nolint:staticcheck // ASCII is enough here
		"TRIM":    mapText(func(s string) string { return strings.Trim(s, " ") }),
		"LTRIM":   {min: 1, max: 2, typ: likeText, eval: trimming(strings.TrimLeft)},
		"RTRIM":   {min: 1, max: 2, typ: likeText, eval: trimming(strings.TrimRight)},
		"LPAD":    {min: 2, max: 3, typ: longText, eval: padding2(true)},
		"RPAD":    {min: 2, max: 3, typ: longText, eval: padding2(false)},
		"SUBSTR":  {min: 2, max: 3, typ: likeText, eval: substr},
		"INSTR":   {min: 2, max: 4, typ: num, eval: instr},
		"LENGTH":  {min: 1, max: 1, typ: num, eval: length1},
		"LENGTHB": {min: 1, max: 1, typ: num, check: noLob, eval: func(r *run, a []typed) ([]byte, error) {
			s, err := r.str(a[0])
			if err != nil {
				return nil, err
			}
			return intValue(len(a[0].typ.charset(r.s.db.Charset).Encode(s)))
		}},
		"REPLACE": {min: 2, max: 3, nulls: true, typ: longText, eval: func(r *run, a []typed) ([]byte, error) {
			s, err := r.strs(a)
			if err != nil {
				return nil, err
			}
			with := ""
			if len(s) > 2 {
				with = s[2]
			}
			if s[1] != "" {
				s[0] = strings.ReplaceAll(s[0], s[1], with)
			}
			return r.encode(longText([]Type{a[0].typ}), s[0])
		}},
		"CONCAT": {min: 2, max: 2, nulls: true, typ: longText, eval: func(r *run, a []typed) ([]byte, error) {
			s, err := r.strs(a)
			if err != nil {
				return nil, err
			}
			return r.encode(longText([]Type{a[0].typ}), s[0]+s[1])
		}},
		"CHR": {min: 1, max: 1, typ: fixedType(varchar(4)), eval: func(r *run, a []typed) ([]byte, error) {
			n, err := r.int(a[0])
			if err != nil || n < 0 {
				return nil, ora.Errorf(1428, "argument '%d' is out of range", n)
			}
			var b []byte
			for ; n > 0 || b == nil; n >>= 8 {
				b = append([]byte{byte(n)}, b...)
			}
			return b, nil
		}},
		"ASCII": {min: 1, max: 1, typ: num, eval: func(r *run, a []typed) ([]byte, error) {
			chars := a[0].typ.charset(r.s.db.Charset).Characters(a[0].v)
			n := 0
			for _, b := range chars[0] {
				n = n<<8 | int(b)
			}
			return intValue(n)
		}},
		"UNISTR": {min: 1, max: 1, typ: fixedType(Type{Kind: NVarchar, Length: 4000, Chars: 2000}), eval: unistr},
		"TO_NCHAR": {min: 1, max: 1, typ: fixedType(Type{Kind: NVarchar, Length: 4000, Chars: 2000}), eval: func(r *run, a []typed) ([]byte, error) {
			s, err := r.str(a[0])
			return value.UTF16.Encode(s), err
		}},
	}
}

func trimming(f func(s, set string) string) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		s, err := r.strs(a)
		if err != nil {
			return nil, err
		}
		set := " "
		if len(s) > 1 {
			set = s[1]
		}
		return r.encode(likeText([]Type{a[0].typ}), f(s[0], set))
	}
}

func padding2(left bool) func(r *run, a []typed) ([]byte, error) {
	return func(r *run, a []typed) ([]byte, error) {
		s, err := r.str(a[0])
		if err != nil {
			return nil, err
		}
		n, err := r.int(a[1])
		if err != nil {
			return nil, err
		}
		fill := " "
		if len(a) > 2 {
			if fill, err = r.str(a[2]); err != nil {
				return nil, err
			}
		}
		text, pad := []rune(s), []rune(fill)
		n = min(n, 4000)
		var more []rune
		for i := 0; len(text)+len(more) < n; i++ {
			more = append(more, pad[i%len(pad)])
		}
		switch {
		case n <= 0:
			return nil, nil
		case len(text) > n:
			text = text[:n]
		case left:
			text = append(more, text...)
		default:
			text = append(text, more...)
		}
		return r.encode(longText([]Type{a[0].typ}), string(text))
	}
}

// characters cuts a text into what its type counts: large objects count UTF-16 units (Application
// Developer's Guide, "LOB storage": they are stored as AL16UTF16 in databases of a multibyte charset).
func (r *run) characters(a typed) (value.Charset, [][]byte, error) {
	if a.typ.Kind == Clob || a.typ.Kind == NClob {
		return value.UTF16, value.UTF16.Characters(value.UTF16.Encode(r.s.text(a.typ, a.v))), nil
	}
	s, err := r.str(a)
	cs := a.typ.charset(r.s.db.Charset)
	return cs, cs.Characters(cs.Encode(s)), err
}

func substr(r *run, a []typed) ([]byte, error) {
	cs, chars, err := r.characters(a[0])
	if err != nil {
		return nil, err
	}
	from, err := r.int(a[1])
	if err != nil {
		return nil, err
	}
	n := len(chars)
	if len(a) > 2 {
		if n, err = r.int(a[2]); err != nil {
			return nil, err
		}
	}
	return r.encode(likeText([]Type{a[0].typ}), cs.Decode(cut(chars, from, n)))
}

// cut takes n characters from a place counted from 1, or from the end where it is negative.
func cut(chars [][]byte, from, n int) []byte {
	switch {
	case from > 0:
		from--
	case from < 0:
		from += len(chars)
	}
	if from < 0 || from >= len(chars) || n <= 0 {
		return nil
	}
	var out []byte
	for _, c := range chars[from:min(len(chars), from+n)] {
		out = append(out, c...)
	}
	return out
}

func instr(r *run, a []typed) ([]byte, error) {
	s, err := r.str(a[0])
	if err != nil {
		return nil, err
	}
	sub, err := r.str(a[1])
	if err != nil {
		return nil, err
	}
	from, nth := 1, 1
	for i, p := range []*int{&from, &nth} {
		if len(a) > 2+i {
			if *p, err = r.int(a[2+i]); err != nil {
				return nil, err
			}
		}
	}
	text, want := []rune(s), []rune(sub)
	if from < 1 || nth < 1 {
		return nil, ora.Errorf(1428, "argument '%d' is out of range", min(from, nth))
	}
	for i := from - 1; i+len(want) <= len(text); i++ {
		if string(text[i:i+len(want)]) == sub {
			if nth--; nth == 0 {
				return intValue(i + 1)
			}
		}
	}
	return intValue(0)
}

func length1(r *run, a []typed) ([]byte, error) {
	if a[0].typ.Kind == Blob {
		return intValue(len(a[0].v))
	}
	_, chars, err := r.characters(a[0])
	if err != nil || len(chars) == 0 && a[0].typ.text() {
		return nil, err
	}
	return intValue(len(chars))
}

func unistr(r *run, a []typed) ([]byte, error) {
	s, err := r.str(a[0])
	if err != nil {
		return nil, err
	}
	var out []uint16
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '\\' {
			out = append(out, '\\')
			i += 2
			continue
		}
		if s[i] != '\\' {
			j := i + 1
			for j < len(s) && s[j] != '\\' {
				j++
			}
			out = append(out, value.Units(s[i:j])...)
			i = j
			continue
		}
		unit, ok := hex4(s[i+1:])
		if !ok {
			return nil, ora.Errorf(30186, "'\\' must be followed by four hexadecimal characters or another '\\'")
		}
		out = append(out, unit)
		i += 5
	}
	return value.UTF16.Encode(value.FromUnits(out)), nil
}

func hex4(s string) (uint16, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(strings.ToUpper(s[:4])) {
		i := strings.IndexByte("0123456789ABCDEF", c)
		if i < 0 {
			return 0, false
		}
		n = n<<4 | i
	}
	return uint16(n), true
}
