package view

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

func TestMarkdownSizeLimit(t *testing.T) {
	p := everyStep()
	p.Tables, p.Warnings, p.NotMigrated = nil, nil, nil
	for i := range 20_000 {
		name := catalog.Name{Name: fmt.Sprintf("TABLE_WITH_A_LONG_NAME_%05d", i)}
		p.Tables = append(p.Tables, &plan.Table{
			Source: &catalog.Table{Name: name}, Target: &catalog.Table{Name: name}, Action: plan.Copy,
			Packages:    []*plan.Package{{ID: name.Name + "/0001", Rows: int64(i), Bytes: int64(i)}},
			Conversions: []plan.Conversion{{Column: "C", What: strings.Repeat("lost ", 50)}},
			Exception:   &plan.Exception{Rule: "igncount", Reason: strings.Repeat("why ", 2000)},
		})
		p.Warnings = append(p.Warnings, plan.Warning{Summary: "Careful", Detail: strings.Repeat("so ", 3000)})
		p.NotMigrated = append(p.NotMigrated, catalog.Object{Kind: "view", Name: strings.Repeat("v", 300)})
	}
	var b strings.Builder
	if err := Markdown(&b, p, moment(), false); err != nil {
		t.Fatal(err)
	}
	if b.Len() > markdownLimit {
		t.Errorf("%d bytes, more than %d", b.Len(), markdownLimit)
	}
	for _, want := range []string{"`TABLE_WITH_A_LONG_NAME_19999`", "more tables: ", "Not migrated (20,000)", "Migrated with changes"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the Markdown", want)
		}
	}
	if strings.Contains(b.String(), "TABLE_WITH_A_LONG_NAME_00001`") {
		t.Error("a small table is shown where only the biggest fit")
	}
}

func TestDestructiveChangesListedFirst(t *testing.T) {
	// Done: shell: the plan names every table that is dropped, emptied or left out: text, Markdown, prompt and the Plan: line
	// Done: left: foreign keys that are dropped for good are named in the plan, with the reason
	p := everyStep()
	names := map[string]bool{}
	p.Tables, p.Steps, p.LeftOut = nil, []*plan.Step{{ID: "drop", Kind: plan.StepDrop}, {ID: "empty", Kind: plan.StepEmpty}}, nil
	for i := range 50 {
		for j, kind := range []string{"FOREIGN", "OWN", "RELOAD", "LEFT", "KEY"} {
			n := catalog.Name{Name: fmt.Sprintf("%s_%02d", kind, i)}
			if kind == "KEY" && i%5 > 0 {
				continue
			}
			names[n.Name] = true
			if kind == "LEFT" {
				p.LeftOut = append(p.LeftOut, plan.LeftOut{Table: n, Reason: fmt.Sprintf("exclude \"x%d\": because", i%2)})
				continue
			}
			if kind == "KEY" {
				own := p.Tables[len(p.Tables)-1]
				own.Unwanted = append(own.Unwanted, catalog.ForeignKey{Name: n.Name, Table: catalog.Name{Name: fmt.Sprintf("PARENT_%d", i%2)}})
				continue
			}
			x := &plan.Table{Source: &catalog.Table{Name: n}, Target: &catalog.Table{Name: n}, Action: plan.Copy, Drop: j < 2, Foreign: j == 0}
			s := p.Steps[0]
			if j == 2 {
				x.Action, x.Reason, s = plan.Reload, "it was asked for", p.Steps[1]
			}
			s.Tables, p.Tables = append(s.Tables, n), append(p.Tables, x)
		}
	}
	var text, markdown strings.Builder
	if err := errors.Join(Text(&text, p, moment(), Style{}), Markdown(&markdown, p, moment(), true)); err != nil {
		t.Fatal(err)
	}
	question := Of(p, moment()).Fates().Question()
	for n := range names {
		for where, s := range map[string]string{"text": text.String(), "Markdown": markdown.String(), "prompt": question} {
			if (where != "prompt" || n[0] != 'L') && !strings.Contains(s, n) {
				t.Errorf("%s does not name %s", where, n)
			}
		}
	}
	for where, s := range map[string]string{"text": text.String(), "Markdown": markdown.String(), "prompt": question} {
		if !strings.Contains(strings.ReplaceAll(s, "\\_", "_"), "the rows of PARENT_1 are no longer migrated") {
			t.Errorf("%s does not say why foreign keys go", where)
		}
	}
	for _, want := range []string{"100 tables to drop", "50 tables to empty", "10 foreign keys to drop", "50 left out"} {
		if !strings.Contains(Of(p, moment()).Summary(), want) {
			t.Errorf("no %q in %q", want, Of(p, moment()).Summary())
		}
	}
	if lost, first := strings.Index(markdown.String(), "FOREIGN_00"), strings.Index(markdown.String(), "#### "); lost < first || !strings.Contains(markdown.String()[lost:], "#### Warnings") {
		t.Error("what is lost does not come first")
	}
}

func TestMarkdownReportsOmittedDrops(t *testing.T) {
	// Done: shell: plan --markdown --columns is bounded, and drops and empties are never among the others without a word
	p := everyStep()
	p.Tables, p.Steps, p.LeftOut = nil, []*plan.Step{{ID: "drop", Kind: plan.StepDrop}}, nil
	for i := range 5000 {
		n := catalog.Name{Name: fmt.Sprintf("DROPPED_`|\\_%05d", i)}
		columns := []catalog.Column{{Name: strings.Repeat("|", 200), Declared: "text", Default: strings.Repeat("x", 5000)}}
		p.Tables = append(p.Tables, &plan.Table{
			Source: &catalog.Table{Name: n, Columns: columns}, Target: &catalog.Table{Name: n, Columns: columns},
			Action: plan.Copy, Create: true, Drop: true, Foreign: true, Reason: strings.Repeat("*", 5000),
		})
		p.Steps[0].Tables = append(p.Steps[0].Tables, n)
		p.LeftOut = append(p.LeftOut, plan.LeftOut{Table: n, Reason: strings.Repeat("why ", 500)})
	}
	for _, columns := range []bool{false, true} {
		var b strings.Builder
		if err := Markdown(&b, p, moment(), columns); err != nil {
			t.Fatal(err)
		}
		if b.Len() > markdownLimit {
			t.Errorf("%d bytes, more than %d", b.Len(), markdownLimit)
		}
		for _, want := range []string{"that do not fit here: in all, 5000 are dropped, 0 emptied", "left out (5,000 in all)"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in the Markdown", want)
			}
		}
		if got := strings.Contains(b.String(), "more columns of "); got != columns {
			t.Errorf("more columns are named: %v, want %v", got, columns)
		}
	}
}

func TestWordWrap(t *testing.T) {
	text := "Estimate: 5h40m for \x1b[1m612 GiB\x1b[0m of rows\n  downtime     = 2 tables unchanged: ALPHA, BETA\n  short\n"
	want := "Estimate: 5h40m for \x1b[1m612 GiB\x1b[0m\n  of rows\n  downtime     = 2 tables\n                 unchanged:\n                 ALPHA, BETA\n  short\n"
	if got := wrapped(text, 28); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if wrapped(text, 0) != text || wrapped(text, 200) != text {
		t.Error("wrapped where there is room")
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"?": Rows(-1), "9,999": Rows(9999), "310 M": Rows(310_000_000), "1.2 G": Rows(1_200_000_000), "99.9 k": Rows(99_999),
		"size unknown": Bytes(-1), "0B": Bytes(0), "410GiB": Bytes(410 << 30), "9.9GiB": Bytes(10<<30 - 1), "1.5MiB": Bytes(3 << 19),
		"<1s": Seconds(0.2), "31s": Seconds(31), "5m07s": Seconds(307), "57m": Seconds(57 * 60), "5h40m": Seconds(20400),
		"just now": Age(moment(), moment()), "3 hours ago": Age(moment(), moment().Add(-3*3600e9)), "14 days ago": Age(moment(), moment().Add(-14*24*3600e9)),
		"1 table": Count(1, "table"), "1,234 tables": Count(1234, "table"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGraphsQuoteNames(t *testing.T) {
	p := everyStep()
	p.Steps[4].Index = "a\"b\n`c<d"
	for _, write := range []func(io.Writer, *plan.Plan) error{DOT, Mermaid} {
		var b strings.Builder
		if err := write(&b, p); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "a\"b") || strings.Contains(b.String(), "b\n`c") {
			t.Errorf("a name ends its quotes:\n%s", b.String())
		}
	}
}

func TestUnknownRowCountNotZero(t *testing.T) {
	table := func(rows ...int64) *plan.Table {
		out := &plan.Table{Source: &catalog.Table{Name: catalog.Name{Name: "MARA"}}, Action: plan.Copy}
		for _, n := range rows {
			out.Packages = append(out.Packages, &plan.Package{Rows: n, Bytes: n})
		}
		return out
	}
	for _, c := range []struct {
		rows []int64
		want int64
	}{{nil, 0}, {[]int64{-1}, -1}, {[]int64{-1, -1}, -1}, {[]int64{0}, 0}, {[]int64{-1, 0}, 0}, {[]int64{5, -1}, 5}, {[]int64{-1, 5, 7}, 12}} {
		l := Plan{}.line(table(c.rows...))
		if l.rows != c.want || l.bytes != c.want || l.packages != len(c.rows) {
			t.Errorf("packages of %d rows: %d rows, %d bytes, want %d", c.rows, l.rows, l.bytes, c.want)
		}
	}
	v := Plan{}
	if s := sum([]tableLine{v.line(table(-1)), v.line(table(-1, -1))}); s.rows != -1 || s.packages != 3 {
		t.Errorf("three packages of unknown rows are %d rows in %d", s.rows, s.packages)
	}
	if s := sum([]tableLine{v.line(table(-1)), v.line(table(4)), v.line(table())}); s.rows != 4 {
		t.Errorf("4 known rows are %d", s.rows)
	}
}
