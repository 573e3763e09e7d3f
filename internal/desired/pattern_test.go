package desired

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func TestMatch(t *testing.T) {
	own := func(name string) catalog.Name { return catalog.Name{Schema: "SAPSR3", Name: name} }
	for _, c := range []struct {
		pattern string
		name    catalog.Name
		want    bool
	}{
		{"BSEG", own("BSEG"), true},
		{"BSEG", own("bseg"), false},
		{"BSEG", own("BSEG2"), false},
		{"*", own("BSEG"), true},
		{"*", own("/BIC/AFOO"), true},
		{"*", catalog.Name{Schema: "OTHER", Name: "T"}, false},
		{"*.*", catalog.Name{Schema: "OTHER", Name: "T"}, true},
		{"OTHER.T*", catalog.Name{Schema: "OTHER", Name: "T1"}, true},
		{"OTHER.T*", own("T1"), false},
		{"O?HER.*", catalog.Name{Schema: "OTHER", Name: "x"}, true},
		{"/BIC/A*", own("/BIC/AFOO"), true},
		{"/BIC/AFOO", own("/BIC/AFOO"), true},
		{"*/AFOO", own("/BIC/AFOO"), true},
		{"/*/?FOO", own("/BIC/AFOO"), true},
		{"CD?", own("CDX"), true},
		{"CD?", own("CD"), false},
		{"CD?", own("CD\U0001F600"), true},
		{`a\.b`, own("a.b"), true},
		{`a\.b`, own("aXb"), false},
		{`S\.1.T`, catalog.Name{Schema: "S.1", Name: "T"}, true},
		{`a\*`, own("a*"), true},
		{`a\*`, own("ab"), false},
		{`a\?\\`, own(`a?\`), true},
		{`*\**`, own("x*y"), true},
		{`*\**`, own("xy"), false},
		{"a*b*c", own("aXXbYYc"), true},
		{"a*b*c", own("aXXbYY"), false},
		{"**", own("x"), true},
		{"Ünï*?", own("Ünïcodé"), true},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Errorf("ParsePattern(%q): %v", c.pattern, err)
			continue
		}
		if got := p.Match("SAPSR3", c.name); got != c.want {
			t.Errorf("%q matches %s: %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, says string }{
		{"", "empty"},
		{"a.b.c", "more than one dot"},
		{".b", "without a schema before it"},
		{"a.", `write "a.*"`},
		{`a\`, "backslash"},
		{`a\b`, "backslash"},
		{"a\xff", "UTF-8"},
		{"a\x00", "UTF-8"},
	} {
		if _, err := ParsePattern(c.pattern); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ParsePattern(%q): %v, want an error that says %q", c.pattern, err, c.says)
		}
	}
}

func TestExactTable(t *testing.T) {
	p, err := ParsePattern(`S\.1.A\*B`)
	if err != nil || !p.Exact {
		t.Fatalf("exact %v, %v", p.Exact, err)
	}
	if got, want := p.Table("X"), (catalog.Name{Schema: "S.1", Name: "A*B"}); got != want {
		t.Errorf("Table = %v, want %v", got, want)
	}
	for _, glob := range []string{"A*", "A?", "S*.A"} {
		if p, err := ParsePattern(glob); err != nil || p.Exact {
			t.Errorf("%q is exact: %v, %v", glob, p.Exact, err)
		}
	}
}

// Any name, escaped, is taken by its own pattern and by no other name's.
func TestEscapeRoundTrip(t *testing.T) {
	name := rapid.StringOfN(rapid.RuneFrom([]rune(`ab*?.\/é `)), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		p, err := ParsePattern(Escape(a))
		if err != nil || !p.Exact {
			t.Fatalf("pattern of %q: exact %v, %v", a, p.Exact, err)
		}
		if got := p.Table("s"); got != (catalog.Name{Schema: "s", Name: a}) {
			t.Fatalf("pattern of %q names %v", a, got)
		}
		if got := p.Match("s", catalog.Name{Schema: "s", Name: b}); got != (a == b) {
			t.Fatalf("pattern of %q matches %q: %v", a, b, got)
		}
	})
}

// The matcher agrees with a definition by recursion, and stays fast where stars repeat.
func TestGlobMatchesReference(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?")), 0, 7, -1)
	rapid.Check(t, func(t *rapid.T) {
		pattern := text.Draw(t, "pattern")
		name := rapid.StringOfN(rapid.RuneFrom([]rune("abé")), 0, 7, -1).Draw(t, "name")
		if got, want := glob(pattern, name), defined([]rune(pattern), []rune(name)); got != want {
			t.Fatalf("glob(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
	if glob(strings.Repeat("*a", 2000)+"b", strings.Repeat("a", 4000)) {
		t.Error("matched")
	}
}

func defined(pattern, name []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == '*':
		return defined(pattern[1:], name) || (len(name) > 0 && defined(pattern, name[1:]))
	case len(name) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == name[0]) && defined(pattern[1:], name[1:])
}
