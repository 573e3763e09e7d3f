package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/dmoctl/dmoctl/internal/plan"
)

// textTables is how many tables the text names before it counts the others.
const textTables = 20

// Listed is how many conversions, warnings or objects the text names.
const Listed = 20

// textView prints a plan for people.
type textView struct {
	Plan
	out    strings.Builder
	colour bool
}

// Text prints p. It never prints key boundaries.
func Text(w io.Writer, p *plan.Plan, now time.Time, style Style) error {
	v := &textView{Plan: Of(p, now), colour: style.Colour}
	v.head()
	v.structures()
	v.downtime()
	v.phase(plan.Finalize, v.finalizing())
	v.phase(plan.Verify, v.verification())
	v.phase("left out", v.missing()...)
	v.out.WriteString("\n")
	v.remarks()
	v.out.WriteString(v.bold(v.Summary()) + "\n")
	if s := v.estimate(); s != "" {
		v.out.WriteString(s + "\n")
	}
	if s := v.Processes.Explain; s != "" && v.Changes() {
		v.out.WriteString("Memory: " + s + "\n")
	}
	_, err := io.WriteString(w, wrapped(v.out.String(), style.Width))
	if err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}

func (v *textView) bold(s string) string { return v.paint("1", s) }

func (v *textView) paint(code, s string) string {
	if !v.colour || s == "" || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (v *textView) head() {
	via := ""
	if v.Staging != nil {
		via = " via staging." + v.Staging.Type + "." + v.Staging.Name
	}
	fmt.Fprintf(&v.out, "%s %s source.%s.%s -> %s target.%s.%s, %s mode%s\n\n",
		v.bold(fmt.Sprintf("Migration %q:", v.Migration)),
		v.Source.Type, v.Source.Type, v.Source.Name,
		v.Target.Type, v.Target.Type, v.Target.Name, v.Mode, via)
}

// phase prints the phase's name once, before its first line.
func (v *textView) phase(name plan.Phase, lines ...string) {
	for _, line := range lines {
		if line == "" {
			continue
		}
		fmt.Fprintf(&v.out, "  %-12s %s\n", name, line)
		name = ""
	}
}

func (v *textView) structures() {
	var lines []string
	f := v.Fates()
	add := func(colour, mark, what string, names []string) {
		if len(names) > 0 {
			lines = append(lines, v.paint(colour, mark+" "+Count(len(names), "table")+" "+what+": "+strings.Join(names, ", ")))
		}
	}
	add("31", "-", "not created by this migration dropped first, existing = \"recreate\"", f.Foreign)
	add("33", "-", "created by this migration dropped first", f.own)
	if n := v.Totals.Create; n > 0 {
		lines = append(lines, v.paint("32", "+ "+Count(n, "table")))
	}
	for _, g := range v.withoutRows() {
		lines = append(lines, ". "+Count(len(g.names), "table")+" without rows: "+g.String())
	}
	add("33", "~", "emptied", f.emptied)
	for _, g := range f.keys {
		lines = append(lines, v.paint("33", "- "+Count(len(g.names), "foreign key")+" dropped: "+g.String()))
	}
	if text := v.droppedKeysText(); text != "" {
		lines = append(lines, v.paint("33", "~ "+text))
	}
	v.phase(plan.Structures, lines...)
}

// missing names the tables that are no part of the plan.
func (v *textView) missing() []string {
	var lines []string
	for _, g := range v.leftOut() {
		lines = append(lines, v.paint("33", Count(len(g.names), "table")+": "+g.String()))
	}
	return lines
}

func (v *textView) downtime() {
	var lines []string
	copied := v.lines(plan.Copy, plan.Resume)
	shown := copied[:min(len(copied), textTables)]
	names := 0
	for _, l := range shown {
		names = max(names, min(40, runewidth.StringWidth(l.name)))
	}
	for _, l := range shown {
		lines = append(lines, v.copyLine(l, names))
	}
	if rest := copied[len(shown):]; len(rest) > 0 {
		s := sum(rest)
		lines = append(lines, fmt.Sprintf("+ %s, %s, %s", Count(len(rest), "more table"), Count(s.packages, "package"), Bytes(s.bytes)))
	}
	lines = append(lines, v.reasons("33", plan.Restart, plan.Reload)...)
	lines = append(lines, v.reasons("31", plan.Forget)...)
	for _, s := range v.kept() {
		lines = append(lines, "= "+s)
	}
	v.phase(plan.Downtime, lines...)
}

func (v *textView) copyLine(l tableLine, names int) string {
	line := fmt.Sprintf("%s %s  %12s  %9s rows  %10s", l.mark, pad(l.name, names), Count(l.packages, "package"), Rows(l.rows), Bytes(l.bytes))
	notes := []string{}
	if l.seconds > 0 {
		notes = append(notes, "est. "+Seconds(l.seconds))
	}
	if l.split != "" && l.packages > 1 {
		notes = append(notes, l.split)
	}
	if l.reason != "" && l.mark != "+" {
		notes = append(notes, l.reason)
	}
	if len(notes) > 0 {
		line += "  " + strings.Join(notes, "; ")
	}
	return v.paint("32", line)
}

// pad fills s with blanks to a width on the screen.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-runewidth.StringWidth(s)))
}

// reasons lists tables whose action needs its reason said.
func (v *textView) reasons(colour string, actions ...plan.Action) []string {
	var out []string
	for _, action := range actions {
		all := v.lines(action)
		for _, l := range all[:min(len(all), textTables)] {
			line := l.mark + " " + l.name + "  " + string(action)
			if l.reason != "" {
				line += ": " + l.reason
			}
			out = append(out, v.paint(colour, line))
		}
		rest := all[min(len(all), textTables):]
		for _, g := range grouped(len(rest), func(i int) (string, string) { return rest[i].name, rest[i].reason }) {
			out = append(out, v.paint(colour, fmt.Sprintf("%s %s to %s: %s", mark(action), Count(len(g.names), "more table"), action, g)))
		}
	}
	return out
}

// remarks prints what a reviewer should know besides the steps.
func (v *textView) remarks() {
	var warnings, conversions, objects, others []string
	for _, w := range v.Warnings {
		line := w.Summary
		if w.Detail != "" {
			line += ": " + w.Detail
		}
		warnings = append(warnings, line)
	}
	for _, t := range v.Tables {
		for _, l := range t.Conversions {
			conversions = append(conversions, conversionLine(v.name(t.Source.Name), l))
		}
	}
	for _, o := range v.NotMigrated {
		objects = append(objects, objectLine(o))
	}
	for _, n := range v.Others {
		others = append(others, n.String())
	}
	v.list("Warnings", "33", warnings)
	v.list(policiesTitle, "33", v.policies())
	v.list("Migrated with changes", "33", conversions)
	v.list("Not migrated", "", objects)
	if len(others) > 0 {
		fmt.Fprintf(&v.out, "Other tables on the target, never touched: %s\n\n", Some(others, Listed, ", "))
	}
}

func (v *textView) list(title, colour string, lines []string) {
	if len(lines) == 0 {
		return
	}
	v.out.WriteString(v.paint(colour, title+":") + "\n")
	for _, line := range lines[:min(len(lines), Listed)] {
		v.out.WriteString("  " + strings.ReplaceAll(line, "\n", "\n  ") + "\n")
	}
	if n := len(lines) - Listed; n > 0 {
		fmt.Fprintf(&v.out, "  and %s more; --json lists all of them\n", Number(int64(n)))
	}
	v.out.WriteString("\n")
}
