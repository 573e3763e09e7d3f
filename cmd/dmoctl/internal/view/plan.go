package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
)

// Plan is what the text and the Markdown of a plan are made from. It never
// looks at a range's bounds: key boundaries are customers' data.
type Plan struct {
	*plan.Plan
	now    time.Time
	schema string // the schema that all source tables share, left out of names
}

// Every string of it is printable: a view may print what it finds.
func Of(p *plan.Plan, now time.Time) Plan {
	p = printable.Of(p)
	v := Plan{Plan: p, now: now}
	for i, t := range p.Tables {
		switch {
		case i == 0:
			v.schema = t.Source.Schema
		case t.Source.Schema != v.schema:
			v.schema = ""
			return v
		}
	}
	return v
}

// name prints a source table.
func (v Plan) name(n catalog.Name) string {
	if n.Schema == v.schema {
		return bounded(n.Name)
	}
	return bounded(n.String())
}

// bounded puts a name between quotes where its end could not be told otherwise.
func bounded(name string) string {
	if name != "" && !strings.ContainsAny(name, " ,;:\"\\()") {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
}

// tableLine is one table as a row of a view.
type tableLine struct {
	mark     string
	name     string
	packages int // to copy
	rows     int64
	bytes    int64
	seconds  float64
	split    string
	reason   string
}

// marks say at a glance what happens to a table.
func mark(action plan.Action) string {
	switch action {
	case plan.Copy:
		return "+"
	case plan.Resume:
		return ">"
	case plan.Restart, plan.Reload:
		return "~"
	case plan.Structure:
		return "."
	case plan.Forget:
		return "-"
	}
	return "="
}

// lines returns the tables with that action, most bytes first.
func (v Plan) lines(actions ...plan.Action) []tableLine {
	var out []tableLine
	for _, t := range v.Tables {
		if slices.Contains(actions, t.Action) {
			out = append(out, v.line(t))
		}
	}
	slices.SortStableFunc(out, func(a, b tableLine) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.rows, a.rows), strings.Compare(a.name, b.name))
	})
	return out
}

func (v Plan) line(t *plan.Table) tableLine {
	l := tableLine{mark: mark(t.Action), name: v.name(t.Source.Name), split: t.SplitReason, reason: t.Reason}
	for _, p := range t.Packages {
		if !p.In {
			l.add(tableLine{packages: 1, rows: p.Rows, bytes: p.Bytes, seconds: max(0, p.Seconds)})
		}
	}
	if t.Target != nil && t.Target.Name.Name != t.Source.Name.Name {
		l.name += " -> " + bounded(t.Target.Name.Name)
	}
	return l
}

// sum adds up lines.
func sum(lines []tableLine) tableLine {
	var s tableLine
	for _, l := range lines {
		s.add(l)
	}
	return s
}

// add adds packages. Rows and bytes are unknown where they are of all of them: nobody counted, which is not 0.
func (l *tableLine) add(x tableLine) {
	first := l.packages == 0
	l.packages += x.packages
	l.seconds += x.seconds
	l.rows = plus(first, l.rows, x.rows)
	l.bytes = plus(first, l.bytes, x.bytes)
}

func plus(first bool, sum, n int64) int64 {
	switch {
	case first || sum < 0:
		return n
	case n < 0:
		return sum
	}
	return sum + n
}

// keptNames is how many tables of one age are named.
const keptNames = 8

// kept groups unchanged tables by how old their rows are, oldest first.
func (v Plan) kept() []string {
	type group struct {
		age    string
		oldest time.Time
		names  []string
	}
	var groups []*group
	for _, t := range v.Tables {
		if t.Action != plan.Keep {
			continue
		}
		age := "nothing to copy"
		if !t.ReadAt.IsZero() {
			age = "read " + Age(v.now, t.ReadAt)
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.age == age })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{age: age, oldest: t.ReadAt})
		}
		g := groups[i]
		g.names = append(g.names, v.name(t.Source.Name))
		if t.ReadAt.Before(g.oldest) {
			g.oldest = t.ReadAt
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return a.oldest.Compare(b.oldest) })
	out := make([]string, len(groups))
	for i, g := range groups {
		out[i] = Count(len(g.names), "table") + " unchanged, " + g.age + ": " + Some(g.names, keptNames, ", ")
	}
	return out
}

// policiesTitle heads the lines of policies.
const policiesTitle = "Non-default policies"

// policyColumns is how many columns a policy's line names.
const policyColumns = 8

// policies says which columns each non-default policy decides about.
func (v Plan) policies() []string {
	if !v.Changes() {
		return nil // no value is about to be changed
	}
	out := make([]string, len(v.Reach))
	for i, r := range v.Reach {
		out[i] = fmt.Sprintf("%s = %q: ", r.Policy, r.Value)
		unit := "column"
		if r.Policy == "expressions" {
			unit = "expression"
		}
		if r.Columns == 0 {
			out[i] += "no " + unit
			continue
		}
		names := make([]string, min(len(r.Listed), policyColumns))
		for j := range names {
			names[j] = v.name(r.Listed[j].Table) + "." + bounded(r.Listed[j].Name)
		}
		out[i] += Count(r.Columns, unit) + " of " + Count(r.Tables, "table") + ": " + strings.Join(names, ", ")
		if left := r.Columns - len(names); left > 0 {
			out[i] += fmt.Sprintf(", and %s more", Number(int64(left)))
		}
	}
	return out
}

// verification says in words how tables are compared by this plan; "" where it
// compares none. A table that is verified already is not compared again.
func (v Plan) verification() string {
	steps := map[catalog.Name]bool{}
	for _, s := range v.Steps {
		if s.Kind == plan.StepVerify {
			for _, n := range s.Tables {
				steps[n] = true
			}
		}
	}
	levels := map[plan.Level]int{}
	var excepted []string
	for _, t := range v.Tables {
		left := steps[t.Source.Name] || t.Verify == plan.LevelNone && v.Changes() && t.Action != plan.Keep
		switch {
		case t.Action == plan.Structure || t.Action == plan.Forget || !left:
		case t.Exception != nil:
			excepted = append(excepted, v.name(t.Source.Name)+": "+t.Exception.Reason)
		default:
			levels[t.Verify]++
		}
	}
	var parts []string
	if n := levels[plan.LevelContent]; n > 0 {
		parts = append(parts, "content of "+Count(n, "table"))
	}
	if n := levels[plan.LevelCount]; n > 0 {
		parts = append(parts, "count of "+Count(n, "table"))
	}
	if n := levels[plan.LevelNone]; n > 0 {
		parts = append(parts, Count(n, "table")+" not compared")
	}
	if n := len(excepted); n > 0 {
		parts = append(parts, fmt.Sprintf("%d excepted (%s)", n, Some(excepted, 3, "; ")))
	}
	return strings.Join(parts, ", ")
}

// summary is the last line but one: what is going to happen, counted.
func (v Plan) Summary() string {
	if len(v.Tables) == 0 {
		return "No changes. The plan has no tables."
	}
	if !v.Changes() {
		text := "No changes. All packages of the plan are loaded."
		if n := len(v.LeftOut); n > 0 {
			text += " Left out: " + Count(n, "table") + "."
		}
		return text
	}
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, text)
		}
	}
	t := v.Totals
	add(t.Packages, Count(t.Packages, "package")+" to copy")
	add(t.Create, Count(t.Create, "table")+" to create")
	f := v.Fates()
	drops := len(f.Foreign) + len(f.own)
	add(drops, Count(drops, "table")+" to drop")
	add(len(f.emptied), Count(len(f.emptied), "table")+" to empty")
	keys := 0
	for _, g := range f.keys {
		keys += len(g.names)
	}
	add(keys, Count(keys, "foreign key")+" to drop")
	add(t.Reload, Count(t.Reload, "table")+" to reload")
	resumed := len(v.lines(plan.Resume))
	add(resumed, Count(resumed, "table")+" to resume")
	forgotten := len(v.lines(plan.Forget))
	add(forgotten, Count(forgotten, "table")+" to forget")
	add(t.Unchanged, fmt.Sprintf("%s unchanged", Number(int64(t.Unchanged))))
	add(len(v.LeftOut), fmt.Sprintf("%s left out", Number(int64(len(v.LeftOut)))))
	if len(parts) == 0 {
		parts = append(parts, Count(len(v.Steps), "step")+" left")
	}
	return "Plan: " + strings.Join(parts, ", ") + "."
}

// estimate is the last line: how long, and what decides it.
func (v Plan) estimate() string {
	if !v.Changes() || v.Totals.Seconds <= 0 {
		return ""
	}
	s := "Estimate: " + Seconds(v.Totals.Seconds) + " for " + Bytes(v.Totals.Bytes)
	if v.Totals.EstimateFrom != "" {
		s += " (" + v.Totals.EstimateFrom + ")"
	}
	if path := v.longestPath(); path != "" {
		s += "; longest path: " + path
	}
	return s + "."
}

func (v Plan) longestPath() string {
	byID := make(map[string]*plan.Step, len(v.Steps))
	for _, s := range v.Steps {
		byID[s.ID] = s
	}
	var parts []string
	for _, id := range v.Totals.LongestPath {
		s := byID[id]
		if s == nil {
			continue
		}
		part := v.stepTitle(s)
		if s.Seconds >= 1 {
			part += " " + Seconds(s.Seconds)
		}
		parts = append(parts, part)
	}
	if len(parts) > 6 {
		parts = append(append(parts[:3:3], "..."), parts[len(parts)-2:]...)
	}
	return strings.Join(parts, " -> ")
}

// stepTitle names a step in a few words.
func (v Plan) stepTitle(s *plan.Step) string {
	what := string(s.Kind)
	if s.Index != "" {
		return what + " " + bounded(s.Index)
	}
	switch len(s.Tables) {
	case 0:
	case 1:
		what += " " + v.name(s.Tables[0])
		if len(s.Packages) == 1 {
			if i := strings.LastIndexByte(s.Packages[0], '/'); i >= 0 {
				what += s.Packages[0][i:]
			}
		}
	default:
		what += " " + Count(len(s.Tables), "table")
	}
	return what
}

// droppedKeysText counts the foreign keys that steps drop and make again; "" where none do.
func (v Plan) droppedKeysText() string {
	dropped := map[catalog.Name]bool{}
	for _, s := range v.Steps {
		for _, n := range s.Tables {
			dropped[n] = dropped[n] || s.Kind == plan.StepDropForeignKey
		}
	}
	total := 0
	for _, t := range v.Tables {
		if dropped[t.Source.Name] {
			total += len(t.DropForeignKeys)
		}
	}
	if total == 0 {
		return ""
	}
	return Count(total, "foreign key") + " dropped during the load, then recreated unchanged"
}

// finalizing counts what is made after the load.
func (v Plan) finalizing() string {
	kinds := []struct {
		kind plan.Kind
		noun string
	}{
		{plan.StepKey, "key"}, {plan.StepIndex, "index"}, {plan.StepForeignKey, "foreign key"}, {plan.StepSequence, "sequence"},
	}
	var parts []string
	for _, k := range kinds {
		tables := map[catalog.Name]bool{}
		for _, s := range v.Steps {
			if s.Kind == k.kind {
				for _, n := range s.Tables {
					tables[n] = true
				}
			}
		}
		if n := len(tables); n > 0 {
			plural := k.noun + "s"
			if k.noun == "index" {
				plural = "indexes"
			}
			parts = append(parts, plural+" of "+Count(n, "table"))
		}
	}
	return strings.Join(parts, ", ")
}

// some joins at most n items, and counts the others.
func Some(items []string, n int, sep string) string {
	if len(items) <= n {
		return strings.Join(items, sep)
	}
	return strings.Join(items[:n], sep) + fmt.Sprintf("%sand %s more", sep, Number(int64(len(items)-n)))
}
