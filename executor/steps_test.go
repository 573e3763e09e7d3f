package executor_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// reloadAll makes the plan a reload of every table, emptied by one step.
func reloadAll(p *plan.Plan) {
	empty := &plan.Step{ID: "empty/all", Phase: plan.Structures, Kind: plan.StepEmpty}
	for _, t := range p.Tables {
		t.Create = false
		copyAgain(t)
		empty.Tables = append(empty.Tables, t.Source.Name)
	}
	for _, s := range p.Steps {
		if s.Kind == plan.StepCopy {
			s.Needs = append(s.Needs, empty.ID)
		}
	}
	p.Steps = append([]*plan.Step{empty}, p.Steps...)
}

func TestFailedStepsReportedOnce(t *testing.T) {
	// Invariant 12: of tables that cannot be emptied together only the culprit fails: it is listed once, its steps do not count as done, the others are copied
	b := newEnvironment(t, numbered(500))
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	execute(t, b.path("source.db"), "UPDATE orders SET name = 'later'; UPDATE loose SET b = 'later'")
	b.open()
	b.tweak = reloadAll
	p := b.plan()
	b.target = &target{Target: b.target, reload: func(t *catalog.Table) error {
		if t.Name.Name == "loose" {
			return &providers.Error{Kind: providers.Permission, Op: "empty", Table: t.Name, Err: errors.New("must be the owner")}
		}
		return nil
	}}
	d := b.deps()
	st := must(state.Open(filepath.Join(b.dir, "state.db"), state.ReadWrite))(t)
	defer st.Close()
	d.State = st
	rep, exit := b.apply(p, d)
	if exit != report.Error || len(rep.Failures) != 1 || rep.Failures[0].Table != "loose" || rep.Failures[0].Step != "empty/all" {
		t.Fatalf("exit %d, failures %+v", exit, rep.Failures)
	}
	b.same("orders", "hollow")
	if n := query(t, b.path("target.db"), "SELECT count(*) FROM loose WHERE b = 'later'"); n != "0" {
		t.Errorf("%s rows went into a table that was not emptied", n)
	}
	progress := must(st.Progress(t.Context(), "m"))(t)
	// of loose: emptied and made, three packages, its index, its comparison; and nothing was closed
	want := map[plan.Phase]int{plan.Structures: 2, plan.Downtime: 3, plan.Finalize: 1, plan.Verify: 1, plan.Postprocess: 1}
	for _, c := range progress.Phases {
		if c.Failed != want[c.Phase] || c.Done+c.Failed != c.Planned || c.Running != 0 {
			t.Errorf("%+v, want %d failed", c, want[c.Phase])
		}
	}
	if n := len(b.events.of(report.StepFailed)); len(progress.Phases) != len(want) || n != 8 {
		t.Errorf("%d steps failed\n%s", n, b.events)
	}
	if done := b.events.of(report.PhaseDone); len(done) != 0 {
		t.Errorf("phases are said to be done: %+v", done)
	}
}

func TestCopiesWaitForEmptying(t *testing.T) {
	// Invariant 5: copies begin once all is empty that the plan empties, also where no step needs another
	b := newEnvironment(t, numbered(500))
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.open()
	b.tweak = func(p *plan.Plan) {
		reloadAll(p)
		apart := *p.Steps[0]
		apart.ID, apart.Phase, apart.Tables = "empty/last", plan.Downtime, apart.Tables[2:]
		p.Steps[0].Tables = p.Steps[0].Tables[:2]
		p.Steps = append([]*plan.Step{&apart}, p.Steps...)
		for _, s := range p.Steps {
			if s.Kind == plan.StepCopy {
				s.Needs, s.Seconds = nil, 100 // the longest goes first
			}
		}
	}
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	emptied := 0
	for _, e := range b.events.list {
		switch {
		case e.Event == report.StepDone && strings.HasPrefix(e.Step, "empty/"):
			emptied++
		case e.Event == report.StepStarted && strings.HasPrefix(e.Step, "copy/") && emptied < 2:
			t.Errorf("%s started after %d of 2 steps that empty tables", e.Step, emptied)
		}
	}
}
