package catalog

import (
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]Type{
		"exact": {}, "double": {Kind: Float64},
		"decimal(38,10)": {Kind: Decimal, Precision: 38, Scale: 10}, "decimal(38, 10)": {Kind: Decimal, Precision: 38, Scale: 10},
		"decimal(1,0)": {Kind: Decimal, Precision: 1}, "decimal(76,76)": {Kind: Decimal, Precision: 76, Scale: 76},
	} {
		if got, err := ParseNumber(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "not one of", "float": "not one of", "DOUBLE": "not one of", "decimal": "not one of", "decimal(38)": "not one of", "decimal(38,10": "not one of",
		"decimal(0,0)": "precision", "decimal(77,0)": "precision", "decimal(x,0)": "precision", "decimal(-1,0)": "precision", "decimal(,1)": "precision",
		"decimal(999999999999,0)": "precision", "decimal(10,11)": "scale", "decimal(10,-1)": "scale", "decimal(10,)": "scale", "decimal(1,0,0)": "scale",
	} {
		if got, err := ParseNumber(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want an error about %q", text, got, err, want)
		}
	}
}

func TestDefaultPoliciesChangeNothing(t *testing.T) {
	p := DefaultPolicies()
	if got, ok := p.NumberType(); ok {
		t.Errorf("numbers become %s", got)
	}
	if p.TrimsBlanks(Column{Type: Type{Kind: String}, Default: "' '"}) {
		t.Error("blanks are trimmed")
	}
}

func TestTrimsBlanks(t *testing.T) {
	p := DefaultPolicies()
	p.Blank = "abap"
	abap := Column{Name: "MATKL", Type: Type{Kind: String, Length: 9}, Default: "' '"}
	with := func(change func(*Column)) Column {
		c := abap
		change(&c)
		return c
	}
	for _, expression := range []string{"' '", "' ' ", "' '\n", "(' ')", "' '::character varying", "' '::bpchar"} {
		if !p.TrimsBlanks(with(func(c *Column) { c.Default = expression })) {
			t.Errorf("DEFAULT %s is not taken for ABAP's empty field", expression)
		}
	}
	for _, expression := range []string{"", "''", "'  '", "'X'", "' '||'x'", "' '::text || 'x'", "lpad(' ')", "NULL", "'000'"} {
		if p.TrimsBlanks(with(func(c *Column) { c.Default = expression })) {
			t.Errorf("DEFAULT %s is taken for ABAP's empty field", expression)
		}
	}
	if !p.TrimsBlanks(with(func(c *Column) { c.Type.Kind = Char })) {
		t.Error("CHAR is left out")
	}
	for name, c := range map[string]Column{
		"nullable":  with(func(c *Column) { c.Nullable = true }),
		"generated": with(func(c *Column) { c.Generated = "1" }),
		"text":      with(func(c *Column) { c.Type.Kind = Text }),
		"json":      with(func(c *Column) { c.Type.Kind = JSON }),
		"binary":    with(func(c *Column) { c.Type.Kind = Binary }),
		"blob":      with(func(c *Column) { c.Type.Kind = Blob }),
		"native":    with(func(c *Column) { c.Type.Kind = Native }),
	} {
		if p.TrimsBlanks(c) {
			t.Errorf("a %s column is trimmed", name)
		}
	}
}
