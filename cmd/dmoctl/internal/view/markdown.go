package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
)

// markdownLimit keeps a plan below what code hosts accept as a comment.
const markdownLimit = 60_000

// markdownReserve is what every section leaves for those after it.
const markdownReserve = 6_000

// columnsReserve is what the plan leaves for its columns, where they are asked for.
const columnsReserve = 18_000

// markdownView prints a plan for a pull request.
type markdownView struct {
	Plan
	out     strings.Builder
	empties map[catalog.Name]bool // the tables that steps empty
}

// Markdown prints p in at most markdownLimit bytes: what is lost first, then the
// biggest tables, what does not fit counted. It never prints key boundaries. Columns, where
// they are asked for, get their share.
func Markdown(w io.Writer, p *plan.Plan, now time.Time, columns bool) error {
	v := &markdownView{Plan: Of(p, now), empties: map[catalog.Name]bool{}}
	for _, s := range v.Steps {
		for _, n := range s.Tables {
			v.empties[n] = v.empties[n] || s.Kind == plan.StepEmpty
		}
	}
	v.head()
	sections := v.sections()
	after := len(sections) - 1
	if columns {
		after += columnsReserve / markdownReserve
	}
	for i, s := range sections {
		v.section(s, after-i)
	}
	if columns {
		v.columns()
	}
	if _, err := io.WriteString(w, v.out.String()); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}

func (v *markdownView) head() {
	fmt.Fprintf(&v.out, "### dmoctl plan: migration %s\n\n", code(v.Migration))
	fmt.Fprintf(&v.out, "%s → %s, %s mode", code("source."+v.Source.Type+"."+v.Source.Name),
		code("target."+v.Target.Type+"."+v.Target.Name), v.Mode)
	if v.Staging != nil {
		fmt.Fprintf(&v.out, " via %s", code("staging."+v.Staging.Type+"."+v.Staging.Name))
	}
	fmt.Fprintf(&v.out, "; plan %s\n\n**%s**", code(v.ID), escape(v.Summary()))
	if s := v.estimate(); s != "" {
		v.out.WriteString(" " + escape(s))
	}
	v.out.WriteString("\n\n")
	bullets := []struct{ what, text string }{
		{"Structures", v.droppedKeysText()},
		{"Finalize", v.finalizing()},
		{"Verify", v.verification()},
	}
	if v.Changes() {
		bullets = append(bullets, struct{ what, text string }{"Memory", v.Processes.Explain})
	}
	if kept := v.kept(); len(kept) > 0 {
		bullets = append(bullets, struct{ what, text string }{"Unchanged", Some(kept, 5, "; ")})
	}
	for _, b := range bullets {
		if b.text != "" {
			fmt.Fprintf(&v.out, "- %s: %s\n", b.what, shorten(escape(b.text), 2000))
		}
	}
	v.out.WriteString("\n")
}

// section is a heading with rows, of which as many are printed as fit.
type section struct {
	title  string
	header string // of a table; "" makes a list
	rows   []string
	rest   func(left int) string
	folded bool
	open   int // rows that stand unfolded; 0 means all
}

func (v *markdownView) sections() []section {
	var out []section
	add := func(s section) {
		if len(s.rows) > 0 {
			if s.rest == nil {
				s.rest = func(left int) string { return "and " + Number(int64(left)) + " more" }
			}
			out = append(out, s)
		}
	}
	var warnings, policies, conversions, objects []string
	for _, w := range v.Warnings {
		warnings = append(warnings, "- **"+escape(w.Summary)+"**. "+shorten(escape(w.Detail), 1000))
	}
	for _, t := range v.Tables {
		for _, l := range t.Conversions {
			conversions = append(conversions, "- "+shorten(escape(conversionLine(v.name(t.Source.Name), l)), 1000))
		}
	}
	for _, o := range v.NotMigrated {
		objects = append(objects, "- "+shorten(escape(objectLine(o)), 500))
	}
	for _, p := range v.policies() {
		policies = append(policies, "- "+shorten(escape(p), 1000))
	}
	add(v.again())
	add(v.left())
	add(section{title: "Warnings", rows: warnings})
	add(section{title: policiesTitle, rows: policies})
	add(v.copies())
	add(section{title: "Migrated with changes", rows: conversions})
	add(section{title: "Not migrated", rows: objects, folded: true})
	return out
}

// fateOf says what a table loses, the gravest first; a rank below 0 is nothing.
func (v *markdownView) fateOf(t *plan.Table) (rank int, what string) {
	switch {
	case t.Drop && t.Foreign:
		return 0, "drop (not created by this migration), create, copy"
	case t.Drop:
		return 1, "drop, create, copy"
	case v.empties[t.Source.Name] && t.Action == plan.Structure:
		return 2, "empty"
	case v.empties[t.Source.Name], t.Action == plan.Reload, t.Action == plan.Restart:
		return 2, string(t.Action)
	case t.Action == plan.Forget:
		return 3, string(t.Action)
	}
	return -1, ""
}

// again lists what a reviewer reads first, and of that first what others made.
func (v *markdownView) again() section {
	var rows [5][]string
	for _, t := range v.Tables {
		if rank, what := v.fateOf(t); rank >= 0 {
			why := t.Reason
			if why == "" && rank == 0 {
				why = "existing = \"recreate\""
			}
			rows[rank] = append(rows[rank], fmt.Sprintf("| %s | %s | %s | %s |", mark(t.Action), code(v.name(t.Source.Name)), what, shorten(escape(why), 500)))
		}
	}
	for _, g := range v.unwanted() {
		for _, name := range g.names {
			rows[4] = append(rows[4], fmt.Sprintf("| - | %s | drop foreign key | %s |", code(name), shorten(escape(g.reason), 500)))
		}
	}
	return section{
		title: "Dropped, emptied or forgotten", header: "| | Table | What | Why |\n|---|---|---|---|\n",
		rows: slices.Concat(rows[:]...),
		rest: func(left int) string {
			return fmt.Sprintf("**and %s more that do not fit here: in all, %d are dropped, %d emptied, %d forgotten, and %s dropped. "+
				"`dmoctl plan` and `dmoctl show` list all of them**",
				Number(int64(left)), len(rows[0])+len(rows[1]), len(rows[2]), len(rows[3]), Count(len(rows[4]), "foreign key"))
		},
	}
}

// left lists what a reviewer could believe to be moved.
func (v *markdownView) left() section {
	s := section{title: "Left out", header: "| Table | Why |\n|---|---|\n", open: 40, rest: func(left int) string {
		return fmt.Sprintf(
			"**and %s left out (%s in all); `dmoctl plan` and `dmoctl show` list all of them**",
			Count(left, "more table"),
			Number(int64(len(v.LeftOut))),
		)
	}}
	for _, t := range v.LeftOut {
		s.rows = append(s.rows, fmt.Sprintf("| %s | %s |", code(v.name(t.Table)), shorten(escape(t.Reason), 500)))
	}
	return s
}

func (v *markdownView) copies() section {
	lines := v.lines(plan.Copy, plan.Resume, plan.Restart, plan.Reload, plan.Structure)
	s := section{
		title:  "Tables to copy, largest first",
		open:   40,
		header: "| | Table | Packages | Rows | Size | Estimate | How |\n|---|---|--:|--:|--:|--:|---|\n",
		rest: func(left int) string {
			t := sum(lines[len(lines)-left:])
			return fmt.Sprintf("and %s: %s, %s rows, %s", Count(left, "more table"), Count(t.packages, "package"), Rows(t.rows), Bytes(t.bytes))
		},
	}
	for _, l := range lines {
		if l.packages < 2 {
			l.split = ""
		}
		s.rows = append(s.rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", l.mark, code(l.name),
			Number(int64(l.packages)), Rows(l.rows), Bytes(l.bytes), Seconds(l.seconds), shorten(escape(l.split), 200)))
	}
	return s
}

// section prints s, leaving room for the sections after it.
func (v *markdownView) section(s section, after int) {
	budget := markdownLimit - v.out.Len() - after*markdownReserve - 500
	var b strings.Builder
	if s.folded {
		fmt.Fprintf(&b, "<details><summary>%s (%s)</summary>\n\n%s", s.title, Number(int64(len(s.rows))), s.header)
	} else {
		fmt.Fprintf(&b, "#### %s\n\n%s", s.title, s.header)
	}
	printed := 0
	for _, row := range s.rows {
		if b.Len()+len(row) > budget {
			break
		}
		if s.open > 0 && printed == s.open {
			fmt.Fprintf(&b, "\n<details><summary>more</summary>\n\n%s", s.header)
		}
		b.WriteString(row + "\n")
		printed++
	}
	if s.open > 0 && printed > s.open {
		b.WriteString("\n</details>\n")
	}
	if left := len(s.rows) - printed; left > 0 {
		fmt.Fprintf(&b, "\n%s\n", s.rest(left))
	}
	if s.folded {
		b.WriteString("\n</details>\n")
	}
	v.out.WriteString(b.String() + "\n")
}

// code prints a name as code that no name can end. Where Markdown's own marks for that do
// not hold, in a table or out of it, every character that means something is an entity.
func code(s string) string {
	s = printable.Line(shorten(s, 200))
	if !strings.ContainsAny(s, "`|\\") && strings.TrimSpace(s) == s && s != "" {
		return "`" + s + "`"
	}
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf && r != ' ' && !letterOrDigit(r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return "<code>" + b.String() + "</code>"
}

func letterOrDigit(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// escape keeps text from being read as Markdown, HTML, a link or a mention.
func escape(s string) string {
	return markdownText().Replace(printable.Line(s))
}

func markdownText() *strings.Replacer {
	pairs := []string{
		"<", "&lt;", ">", "&gt;", "&", "&amp;",
		// A host's own signs are looked for in the text after Markdown; a comment parts them from what they name.
		"@", "@<!-- -->", "://", ":\\/\\/", "www.", "www\\.",
	}
	for _, mark := range "\\`*_[]|#~$!" {
		pairs = append(pairs, string(mark), "\\"+string(mark))
	}
	return strings.NewReplacer(pairs...)
}

// shorten cuts s to at most limit bytes, between characters.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := 0
	for i := range s {
		if i > limit-3 {
			break
		}
		cut = i
	}
	return s[:cut] + "…"
}

func conversionLine(table string, l plan.Conversion) string {
	line := table
	if l.Column != "" {
		line += "." + l.Column
	}
	line += ": " + l.What
	if l.Fix != "" {
		line += " " + l.Fix
	}
	return line
}

func objectLine(o catalog.Object) string {
	line := o.Kind + " " + o.Name
	if o.Reason != "" {
		line += ": " + o.Reason
	}
	return line
}
