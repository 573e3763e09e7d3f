package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
)

// columnRow is how one column is migrated.
type columnRow struct{ name, source, target, remark string }

// columnRows lists the columns of a table that is to be made. What is lost of a column is its remark.
func columnRows(t *plan.Table) []columnRow {
	out := []columnRow{}
	for i, c := range t.Source.Columns {
		r := columnRow{name: c.Name, source: spelledColumn(c)}
		if i < len(t.Target.Columns) {
			to := t.Target.Columns[i]
			r.target = spelledColumn(to)
			if to.Name != c.Name {
				r.target = to.Name + " " + r.target
			}
		}
		for _, l := range t.Conversions {
			if l.Column == c.Name {
				r.remark = strings.TrimSpace(r.remark + " " + l.What + " " + l.Fix)
			}
		}
		out = append(out, r)
	}
	return out
}

func spelledColumn(c catalog.Column) string {
	out := c.Declared
	if c.Default != "" {
		out += " DEFAULT " + strings.TrimSpace(c.Default)
	}
	if !c.Nullable {
		out += " NOT NULL"
	}
	return out
}

// listed are the tables whose columns are shown: those that are made.
func listed(p *plan.Plan) (out []*plan.Table) {
	for _, t := range p.Tables {
		if t.Create && t.Target != nil {
			out = append(out, t)
		}
	}
	return out
}

// Columns prints the columns of the tables to be made, a table each. Lines are not wrapped: they
// are read side by side.
func Columns(w io.Writer, p *plan.Plan) error {
	p = printable.Of(p)
	var b strings.Builder
	for _, t := range listed(p) {
		fmt.Fprintf(&b, "%s -> %s\n", t.Source.Name, t.Target.Name)
		rows := append([]columnRow{{"column", p.Source.Type, p.Target.Type, "what differs"}}, columnRows(t)...)
		var name, source, target int
		for _, r := range rows {
			name, source, target = max(name, screenWidth(r.name)), max(source, screenWidth(r.source)), max(target, screenWidth(r.target))
		}
		for _, r := range rows {
			line := fmt.Sprintf(
				"  %s  %s  %s  %s",
				runewidth.FillRight(r.name, name),
				runewidth.FillRight(r.source, source),
				runewidth.FillRight(r.target, target),
				r.remark,
			)
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		b.WriteString("\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print columns: %w", err)
	}
	return nil
}

// columns prints the same as Markdown, as much as fits.
func (v *markdownView) columns() {
	tables := listed(v.Plan.Plan)
	const reserve = 300 // for what says that there is more
	for i, t := range tables {
		head := fmt.Sprintf("#### %s → %s\n\n| column | %s | %s | what differs |\n|---|---|---|---|\n",
			code(t.Source.Name.String()), code(t.Target.Name.String()), escape(v.Source.Type), escape(v.Target.Type))
		var rows strings.Builder
		printed := 0
		all := columnRows(t)
		for _, r := range all {
			row := fmt.Sprintf("| %s | %s | %s | %s |\n", code(r.name), code(r.source), code(r.target), shorten(escape(r.remark), 500))
			if v.out.Len()+len(head)+rows.Len()+len(row)+reserve > markdownLimit {
				break
			}
			rows.WriteString(row)
			printed++
		}
		if printed > 0 {
			v.out.WriteString(head + rows.String() + "\n")
		}
		if printed < len(all) {
			left := len(all) - printed
			for _, t := range tables[i+1:] {
				left += len(columnRows(t))
			}
			fmt.Fprintf(
				&v.out,
				"**and %s of %s; the text form of `--columns` and `--json` list all of them**\n",
				Count(left, "more column"),
				Count(len(tables)-i, "table"),
			)
			return
		}
	}
}
