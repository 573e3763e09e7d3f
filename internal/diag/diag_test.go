package diag

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// at makes a range over the first place of a text in src.
func at(src, text string) hcl.Range {
	i := strings.Index(src, text)
	line := 1 + strings.Count(src[:i], "\n")
	column := i - strings.LastIndex(src[:i], "\n")
	return hcl.Range{Filename: "m.dmo.hcl",
		Start: hcl.Pos{Line: line, Column: column, Byte: i},
		End:   hcl.Pos{Line: line, Column: column + len(text), Byte: i + len(text)}}
}

func onText(src, text string, secret ...hcl.Range) Diagnostic {
	d := Error("wrong", "Wrong", "It is wrong.").On(at(src, text))
	d.Snippet = NewSnippet([]byte(src), *d.Subject, secret)
	return d
}

func printed(t *testing.T, how TextOptions, ds ...Diagnostic) string {
	t.Helper()
	var b strings.Builder
	if err := WriteText(&b, ds, how); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	for name, c := range map[string]struct {
		d    Diagnostic
		want string
	}{
		"underlined":      {onText("a = 1\n\tb = two\n", "two"), "  at m.dmo.hcl:2:6\n    2 |   b = two\n      |       ^^^\n  It is wrong.\n"},
		"wide characters": {onText("b = \"日本\" + two\n", "two"), "    1 | b = \"日本\" + two\n      |              ^^^\n"},
		"secret":          {onText("b = \"hunter2\" + two\n", "two", at("b = \"hunter2\" + two\n", `"hunter2"`)), "    1 | b = (sensitive value) + two\n      |                         ^^^\n"},
		"within a secret": {onText("b = \"hunter2\"\n", "ter", at("b = \"hunter2\"\n", `"hunter2"`)), "    1 | b = (sensitive value)\n"},
		"terminal codes":  {onText("b = \x1b[31m two\n", "two"), "    1 | b = \\u001b[31m two\n"},
		"direction marks": {onText("b = \u202e two\n", "two"), "    1 | b = \\u202e two\n"},
		"several lines":   {onText("b = [\n1\n]\n", "[\n1\n]"), "    1 | b = [\n      |     ^\n"},
		"end of file":     {onText("b = ", ""), "    1 | b =\n      | ^\n"},
		"carriage return": {onText("b = two\r\n", "two"), "    1 | b = two\n      |     ^^^\n"},
		"no source":       {Error("wrong", "Wrong", "It is."), "Error: Wrong [wrong]\n  It is.\n\n"},
		"a file as such":  {Warning("odd", "Odd", "").OnPlace("x.db", 0, 0), "Warning: Odd [odd]\n  at x.db\n\n"},
		"command":         {Error("x", "X", "Run this:\n  dmoctl apply --auto-approve --table A --table B --table C --table D --table E --table F\nor not."), "  Run this:\n    dmoctl apply --auto-approve --table A --table B --table C --table D --table E --table F\n  or not.\n"},
	} {
		if got := printed(t, TextOptions{}, c.d); !strings.Contains(got, c.want) {
			t.Errorf("%s: got\n%s\nwant in it\n%s", name, got, c.want)
		}
	}
}

func TestTextWrapAndColor(t *testing.T) {
	d := Warning("odd", "Odd", strings.Repeat("word ", 40))
	for _, line := range strings.Split(printed(t, TextOptions{Width: 40}, d), "\n") {
		if len(line) > 40 {
			t.Errorf("longer than 40: %q", line)
		}
	}
	if plain := printed(t, TextOptions{}, d); strings.Contains(plain, "\x1b") {
		t.Error("colour without being asked")
	}
	if coloured := printed(t, TextOptions{Color: true}, d); !strings.Contains(coloured, "\x1b[33;1mWarning:\x1b[0m") {
		t.Errorf("no colour: %q", coloured)
	}
}

func TestLongLinesTruncated(t *testing.T) {
	src := "a = [" + strings.Repeat("\"x\", ", 10_000) + "two, " + strings.Repeat("\"y\", ", 10_000) + "]\n"
	d := onText(src, "two")
	s := d.Snippet
	if len(s.Code) > 200 || !strings.HasPrefix(s.Code, "...") || !strings.HasSuffix(s.Code, "...") {
		t.Errorf("%d bytes: %.40q", len(s.Code), s.Code)
	}
	if got := s.Code[s.HighlightStart:s.HighlightEnd]; got != "two" {
		t.Errorf("highlighted %q", got)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	ds := Diagnostics{onText("a = two\n", "two"), Warning("odd", "Odd", "A <b> & c.")}
	if err := WriteJSON(&b, ds); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Valid        bool
		ErrorCount   int `json:"error_count"`
		WarningCount int `json:"warning_count"`
		Diagnostics  []struct {
			Severity, ID, Summary, Detail string
			Range                         *struct {
				Filename   string
				Start, End struct{ Line, Column, Byte int }
			}
			Snippet *struct {
				Context   *string
				Code      string
				StartLine int   `json:"start_line"`
				From      int   `json:"highlight_start_offset"`
				To        int   `json:"highlight_end_offset"`
				Values    []any `json:"values"`
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Valid || got.ErrorCount != 1 || got.WarningCount != 1 || len(got.Diagnostics) != 2 {
		t.Errorf("%+v", got)
	}
	first := got.Diagnostics[0]
	if first.Range.Start.Column != 5 || first.Range.End.Byte != 7 || first.Snippet.Code != "a = two" || first.Snippet.From != 4 ||
		first.Snippet.To != 7 || first.Snippet.Context != nil || first.Snippet.Values == nil {
		t.Errorf("%s", b.String())
	}
	if got.Diagnostics[1].Range != nil || !strings.Contains(b.String(), "A <b> & c.") {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	if err := WriteJSON(&b, nil); err != nil || !strings.Contains(b.String(), `"diagnostics": []`) || !strings.Contains(b.String(), `"valid": true`) {
		t.Errorf("nothing to say: %s", b.String())
	}
}

func TestSorted(t *testing.T) {
	place := func(id ID, file string, line int) Diagnostic { return Error(id, "S", "d").OnPlace(file, line, 1) }
	in := Diagnostics{place("d", "b", 1), place("c", "a", 9), place("b", "a", 2), Error("a", "S", "d"), place("b", "a", 2)}
	var ids []string
	for _, d := range in.Sorted() {
		ids = append(ids, string(d.ID))
	}
	if got := strings.Join(ids, ""); got != "abcd" {
		t.Errorf("order %s", got)
	}
	if in[0].ID != "d" {
		t.Error("Sorted changed its receiver")
	}
}

func TestFromHCL(t *testing.T) {
	r := at("a = two\n", "two")
	got := FromHCL(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Invalid 'for' expression", Detail: "d", Subject: &r},
		{Summary: "Attribute redefined", Detail: "d", Subject: &r}}, InvalidExpression)
	if len(got) != 2 || got[0].ID != InvalidExpression || got[1].ID != Duplicate || got[0].Severity != SeverityWarning || got[0].Subject.Start.Column != 5 {
		t.Errorf("%+v", got)
	}
}
