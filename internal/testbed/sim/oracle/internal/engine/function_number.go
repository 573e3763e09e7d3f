package engine

import (
	"hash/fnv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// ofNumber is a function of one number.
func ofNumber(f func(value.Dec) (value.Dec, error)) *function {
	return &function{min: 1, max: 1, check: noLob, typ: fixedType(number()), eval: func(r *run, a []typed) ([]byte, error) {
		d, err := r.dec(a[0])
		if err != nil {
			return nil, err
		}
		return dec(f(d))
	}}
}

func numberFunctions() map[string]*function {
	num := fixedType(number())
	return map[string]*function{
		"ABS": ofNumber(func(d value.Dec) (value.Dec, error) {
			d.Neg = false
			return d, nil
		}),
		"SIGN": ofNumber(func(d value.Dec) (value.Dec, error) {
			return value.IntDec(int64(value.Compare(d, value.Dec{}))), nil
		}),
		"FLOOR": ofNumber(func(d value.Dec) (value.Dec, error) { return d.Floor(), nil }),
		"CEIL":  ofNumber(func(d value.Dec) (value.Dec, error) { return d.Negate().Floor().Negate(), nil }),
		"MOD": {min: 2, max: 2, check: noLob, typ: num, eval: func(r *run, a []typed) ([]byte, error) {
			x, err := r.dec(a[0])
			if err != nil {
				return nil, err
			}
			y, err := r.dec(a[1])
			if err != nil {
				return nil, err
			}
			return value.Mod(x, y).Encode()
		}},
		"TO_NUMBER": {min: 1, max: 3, check: noLob, typ: num, eval: func(r *run, a []typed) ([]byte, error) {
			if len(a) < 2 {
				return dec(r.dec(a[0]))
			}
			s, err := r.strs(a)
			if err != nil {
				return nil, err
			}
			marks := r.s.nls["NLS_NUMERIC_CHARACTERS"]
			if len(s) > 2 {
				marks = numericMarks(s[2], marks)
			}
			return dec(value.ParseDec(strings.NewReplacer(marks[1:2], "", marks[:1], ".").Replace(s[0])))
		}},
		"TO_BINARY_DOUBLE": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: BinaryDouble}), eval: func(r *run, a []typed) ([]byte, error) {
			return r.s.assignFloat(Type{Kind: BinaryDouble}, a[0].typ, a[0].v)
		}},
		"TO_BINARY_FLOAT": {min: 1, max: 1, check: noLob, typ: fixedType(Type{Kind: BinaryFloat}), eval: func(r *run, a []typed) ([]byte, error) {
			return r.s.assignFloat(Type{Kind: BinaryFloat}, a[0].typ, a[0].v)
		}},
		// The server's hash is not known; this one spreads as evenly (assumption).
		"ORA_HASH": {min: 1, max: 3, check: noLob, nulls: true, typ: num, eval: func(r *run, a []typed) ([]byte, error) {
			most := 4294967295
			if len(a) > 1 {
				var err error
				if most, err = r.int(a[1]); err != nil {
					return nil, err
				}
			}
			h := fnv.New64a()
			_, _ = h.Write(a[0].v)
			return intValue(int(h.Sum64() >> 32 % uint64(most+1)))
		}},
	}
}

// numericMarks reads NLS_NUMERIC_CHARACTERS from a function's argument.
func numericMarks(parameter, dflt string) string {
	_, v, ok := strings.Cut(strings.ReplaceAll(parameter, " ", ""), "=")
	v = strings.Trim(v, "'")
	if !ok || len(v) != 2 {
		return dflt
	}
	return v
}
