package histories_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
)

// operation is one thing that may happen.
type operation struct {
	name   string
	weight int
	do     func(w *fixture)
}

func operations() []operation {
	return []operation{
		{"apply", 8, (*fixture).opApply},
		{"plan", 1, (*fixture).opPlan},
		{"review", 2, (*fixture).opReview},
		{"rollback", 1, (*fixture).opRollback},
		{"wake", 2, (*fixture).opWake},
		{"take over", 2, (*fixture).opTakeOver},
		{"source", 3, func(w *fixture) { w.changeSource(rapid.IntRange(0, 2).Draw(w.t, "structures too") == 0) }},
		{"spec", 4, (*fixture).changeSpec},
		{"lose the state", 1, (*fixture).loseState},
		{"somebody", 3, (*fixture).somebody},
	}
}

// operate draws one operation and carries it out.
func (w *fixture) operate() {
	var all []operation
	for _, o := range operations() {
		for range o.weight {
			all = append(all, o)
		}
	}
	at := rapid.IntRange(0, len(all)-1).Draw(w.t, "operation")
	all[at].do(w)
	w.checkOthers("after " + all[at].name)
}

// drawFlags draws what apply and plan are asked for.
func (w *fixture) drawFlags() (f flags) {
	switch rapid.IntRange(0, 11).Draw(w.t, "flags") {
	case 6:
		f.until = rapid.SampledFrom(plan.Phases()).Draw(w.t, "until")
	case 7, 8:
		f.reload = rapid.SampledFrom([]string{"*", "a", "b"}).Draw(w.t, "reload")
	case 9:
		f.table = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(w.t, "table")
	case 10:
		f.reload, f.until = "*", rapid.SampledFrom(plan.Phases()).Draw(w.t, "until")
	case 11:
		if w.saved != nil {
			f.saved = w.saved
		}
	}
	return f
}

// interruption is what happens in the middle of a run.
type interruption struct {
	at   moment
	kind string
}

func (w *fixture) drawInterruption() *interruption {
	kind := rapid.SampledFrom([]string{"", "", "", "kill", "kill", "kill", "stop", "source", "somebody"}).Draw(w.t, "interruption")
	if kind == "" {
		return nil
	}
	call := rapid.SampledFrom([]string{"", "claim packages", "commit packages commit", "commit packages commit done", "alter", "alter commit",
		"alter commit done", "write ledger", "write ledger commit", "write ledger commit done", "empty tables", "empty tables commit done", "empty a table",
		"read ledger", "Snapshot", "Count", "Begin", "lock", "Catalog", "object.Commit"}).Draw(w.t, "call")
	most := 6
	if call == "" {
		most = 90
	}
	return &interruption{moment{call, rapid.IntRange(1, most).Draw(w.t, "nth")}, kind}
}

func (w *fixture) opApply() {
	f := w.drawFlags()
	i := w.drawInterruption()
	order := rapid.IntRange(0, 3).Draw(w.t, "order")
	w.apply(f, i, order)
}

// apply runs dmoctl apply, and holds its end to what it says.
func (w *fixture) apply(f flags, i *interruption, order int) result {
	w.disturbed = false
	p := w.start(order, func(p *process) result { return p.apply(f) })
	w.runs[p.owner.ID] = [2]int{p.from, p.from}
	line := fmt.Sprintf("%s: apply %s", p.owner.ID, f)
	if i == nil {
		p.drive(nil)
	} else if !p.drive(&i.at) {
		line += fmt.Sprintf(", %s before %s", i.kind, i.at)
		switch i.kind {
		case "kill":
			w.ran(p)
			p.kill()
			w.logf("%s", line)
			return p.out
		case "stop":
			w.stopped = append(w.stopped, p)
			w.logf("%s", line)
			return p.out
		case "source":
			w.logf("%s ...", line)
			w.disturbed = true
			w.changeSource(rapid.IntRange(0, 3).Draw(w.t, "structures too") == 0)
		case "somebody":
			w.logf("%s ...", line)
			w.disturbed = true
			w.somebody()
		}
		p.drive(nil)
	}
	w.ran(p)
	w.logf("%s: %s", line, p.out)
	if i != nil && i.kind == "somebody" {
		w.checkExit(p.out, f) // it may have come after the last look
		return p.out
	}
	w.checkApply(p, f)
	return p.out
}

// ran notes the last version of the source that a run could read.
func (w *fixture) ran(p *process) {
	w.runs[p.owner.ID] = [2]int{p.from, len(w.versions) - 1}
	c := contents(w)
	for _, l := range c.Loaded { // also of runs that were stopped, and never ended
		if _, known := w.epochs[l.Snapshot]; !known {
			w.epochs[l.Snapshot] = w.runs[l.Run][0]
		}
	}
	for _, t := range c.Tables {
		if _, known := w.epochs[t.Snapshot]; !known {
			w.epochs[t.Snapshot] = p.from
		}
	}
}

// opReview saves a plan, lets something happen while it is read, and applies it.
func (w *fixture) opReview() {
	f := w.drawFlags()
	if rapid.Bool().Draw(w.t, "of one table") { // the others are kept
		if len(contents(w).Loaded) == 0 {
			w.apply(flags{}, nil, 0)
			w.checkOthers("before a review")
		}
		f = flags{reload: rapid.SampledFrom([]string{"a", "b"}).Draw(w.t, "reload")}
	}
	w.save(f)
	if w.saved == nil {
		return
	}
	switch kind := rapid.SampledFrom([]string{"", "source", "table", "column", "somebody", "spec"}).Draw(w.t, "meanwhile"); kind {
	case "source":
		w.changeSource(false)
	case "table", "column":
		w.changeOf(kind)
	case "somebody":
		w.somebody()
	case "spec":
		w.changeSpec()
	}
	w.apply(flags{saved: w.saved}, nil, 0)
}

func (w *fixture) opPlan() {
	w.save(w.drawFlags())
}

// save is "dmoctl plan --out".
func (w *fixture) save(f flags) {
	f.until, f.saved = "", nil
	var made *plan.Plan
	p := w.start(0, func(p *process) (r result) {
		made, r = p.plan(f)
		return r
	})
	p.drive(nil)
	w.logf("plan --out %s: %s", f, p.out)
	w.checkExit(p.out, f)
	if made == nil {
		return
	}
	read, err := reread(made)
	if err != nil {
		w.fatalf("the saved plan cannot be read: %v", err)
	}
	w.saved = &savedPlan{plan: read, from: p.from, all: f.table == ""}
}

func (w *fixture) opRollback() {
	p := w.start(0, (*process).rollback)
	p.drive(nil)
	w.logf("rollback --empty-target: %s", p.out)
	w.checkRollback(p.out)
}

// opTakeOver frees the lock of a stopped run, as its server does when the host is silent.
func (w *fixture) opTakeOver() {
	if len(w.stopped) == 0 {
		return
	}
	w.logf("the lock of the stopped run is lost")
	w.target.Lose(migration)
}

// opWake lets a stopped run continue to its end.
func (w *fixture) opWake() {
	if len(w.stopped) == 0 {
		return
	}
	p := w.stopped[0]
	w.stopped = w.stopped[1:]
	p.drive(nil)
	w.ran(p)
	w.logf("%s wakes: %s", p.owner.ID, p.out)
	if p.out.exit == report.OK {
		return // whether all is done, the next apply has to say
	}
}

// changeSpec edits the spec.
func (w *fixture) changeSpec() {
	s := w.spec.clone()
	table := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(w.t, "spec of")
	switch rapid.SampledFrom([]string{"level", "level", "exclude", "exclude", "exclude", "exclude", "rename", "split", "existing", "exception", "mode", "quiet", "processes", "policy", "group"}).Draw(w.t, "spec") {
	case "level":
		s.Level = rapid.SampledFrom([]string{none, levelCount, levelContent}).Draw(w.t, "level")
	case "exclude":
		if parents := w.parents(); len(parents) > 0 && rapid.Bool().Draw(w.t, "a parent") {
			table = rapid.SampledFrom(parents).Draw(w.t, "exclude")
		}
		content := rapid.SampledFrom([]string{"", none, structure}).Draw(w.t, "content")
		delete(s.Excludes, table)
		if content != "" {
			s.Excludes[table] = content
		}
		w.dirty = true
	case "rename":
		if _, renamed := s.Renames[table]; renamed {
			delete(s.Renames, table)
		} else {
			s.Renames[table] = "r" + table
		}
		w.dirty = true
	case "split":
		s.Parts, s.By = rapid.IntRange(1, 3).Draw(w.t, "parts"), rapid.SampledFrom([]string{"auto", "key", "rowid", "none"}).Draw(w.t, "by")
	case "existing":
		s.Existing = rapid.SampledFrom([]string{"require-empty", "load", "recreate"}).Draw(w.t, "existing")
	case "exception":
		rule := rapid.SampledFrom([]string{"", "igncount", "ignlargercount"}).Draw(w.t, "rule")
		delete(s.Exceptions, table)
		if rule != "" {
			s.Exceptions[table] = rule
		}
	case "mode":
		s.File = !s.File
	case "quiet":
		s.Quiet = !s.Quiet
	case "processes":
		s.Processes = rapid.IntRange(1, 3).Draw(w.t, "processes")
	case "policy":
		s.Strip = !s.Strip
	case "group":
		s.Two = !s.Two
	}
	w.spec = s
	w.logf("spec: %s", s)
}

// parents lists the tables of the source that others refer to.
func (w *fixture) parents() (out []string) {
	d := w.source.Data()
	for _, name := range tablesOf(d) {
		for _, to := range parents(&d.Tables[sourceName(name)].Table) {
			if to != name && to != "d" && !slices.Contains(out, to) {
				out = append(out, to)
			}
		}
	}
	return out
}

// finish removes what is in the way, and wants the migration to get done.
func (w *fixture) finish() {
	for _, p := range w.stopped {
		p.kill()
	}
	w.stopped = nil
	if len(w.spec.Excludes) > 0 && rapid.Bool().Draw(w.t, "all is taken back") {
		w.spec = w.spec.clone()
		clear(w.spec.Excludes)
		w.logf("spec: %s", w.spec)
	}
	w.logf("at the end, what is in the way is removed:")
	w.removeObstacles()
	f := flags{}
	if len(w.tampered) > 0 {
		f.reload = "*"
	}
	for range 3 {
		r := w.apply(f, nil, 0)
		if r.exit == report.OK {
			return
		}
		if strings.Contains(r.text, "refers to no row") {
			f.reload = "*" // tables that were read at different times
			continue
		}
		if r.exit != report.Stale {
			w.fatalf("nothing is in the way, and apply ends with %s", r)
		}
	}
	w.fatalf("three plans of one source are stale")
}

// removeObstacles drops whatever others have made on the target, and tables that the
// migration no longer knows and whose places it needs, or that refer to its own.
func (w *fixture) removeObstacles() {
	known, needed := make(map[catalogName]bool), make(map[catalogName]bool)
	for _, t := range contents(w).Tables {
		taken, _ := w.migrated(t.Source.Name)
		known[t.Target] = taken && w.has(t.Source.Name)
	}
	for _, table := range w.tables() {
		if taken, _ := w.migrated(table); taken {
			needed[w.spec.of(table)] = true
		}
	}
	w.target.Do(func(d *memdb.Data) {
		d.Views = nil
		for n, t := range d.Tables {
			if w.theirs[n] != nil || w.lent[n] || !known[n] && (needed[n] || len(t.ForeignKeys) > 0) {
				d.Drop(n)
			}
		}
	})
	w.theirs, w.views, w.dirty, w.structural = nil, nil, false, false
	w.theirs, w.lent = make(map[catalogName]*memdb.Table), make(map[catalogName]bool)
}
