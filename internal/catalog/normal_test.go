package catalog

import (
	"slices"
	"testing"
)

func TestSameExpressionServerSpelling(t *testing.T) {
	for _, x := range []struct{ a, b string }{
		{`((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))`, `((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text]))`},
		{`(((x >= 1) AND (x <= 2)) AND (y > 0))`, `((x >= 1) AND (x <= 2) AND (y > 0))`},
		{`((a = 1) OR ((b = 2) OR (c = 3)))`, `((a = 1) OR (b = 2) OR (c = 3))`},
		{`CHECK (((VALUE)::text = 'x'::text))`, `CHECK (((VALUE)::text = ('x'::text)))`},
		{`((t)::timestamp(3) without time zone > 'x')`, `(t)::timestamp(3) without time zone > 'x'`},
		{`"lower"((a)::text)`, `lower(a::text)`},
		{`nextval('"Sales 2"."free"'::regclass)`, `nextval('"Sales 2".free'::regclass)`},
		{`(s = ANY (ARRAY['a'::app.mood, 'b'::app.mood]))`, `(s = ANY ((ARRAY['a'::app.mood, 'b'::app.mood])))`},
	} {
		if !exact.SameExpression(x.a, x.b) {
			t.Errorf("not the same:\n%s %q\n%s %q", x.a, exact.normal(exact.tokens(x.a)), x.b, exact.normal(exact.tokens(x.b)))
		}
	}
	for _, x := range []struct{ a, b string }{
		{`((a + b) * c)`, `(a + (b * c))`},
		{`((a AND b) OR c)`, `(a AND (b OR c))`},
		{`((x)::integer > 0)`, `((x)::numeric > 0)`},
		{`((x)::character varying(5) = y)`, `((x)::character varying(6) = y)`},
		{`(a = ANY (ARRAY[1, 2]))`, `(a = ANY (ARRAY[2, 1]))`},
		{`(a > 0)`, `(a >= 0)`}, {`(NOT (a AND b))`, `((NOT a) AND b)`}, {`(a = '1'::text)`, `(a = 1)`},
		{`lower(a)`, `(lower, a)`}, {`(x - (y - z))`, `((x - y) - z)`}, {`(x = E'\\n')`, `(x = '\\n')`},
		{`CASE WHEN (a AND b) THEN c ELSE d END`, `CASE WHEN (a AND c) THEN b ELSE d END`},
	} {
		if exact.SameExpression(x.a, x.b) {
			t.Errorf("the same: %s and %s: %q", x.a, x.b, exact.normal(exact.tokens(x.a)))
		}
	}
}

func FuzzNormalForm(f *testing.F) {
	for _, s := range []string{"", "(", ")", "a)(b", "x::", "::int[", "'", "[1)", "a::t(1", "((a AND b) AND c)", "E'x'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, c := range []Comparison{exact, loose} {
			if tokens := c.tokens(sql); !slices.Equal(c.normal(tokens), c.normal(c.tokens(sql))) {
				t.Errorf("%q is not itself", sql)
			}
		}
	})
}
