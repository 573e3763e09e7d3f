package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/transfer"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// frame is what the rooms of a run share.
type frame struct {
	p   *plan.Plan
	d   Deps
	ctl *control.Control

	set       *work.Set
	target    *work.Target
	reading   *reading.Reading
	transport transfer.Transport // once the run is open
	fails     *failures
	progress  *progress
	report    *report.Report

	led    ledger.Run      // as recorded
	closed bool            // the migration was closed before this run
	done   map[string]bool // ids of steps that need not be done again in this run
	// madeIDs are the ids of the tables that dmoctl made, by their names on the target.
	madeIDs map[catalog.Name]string
}

func newFrame(p *plan.Plan, d Deps) *frame {
	r := &frame{p: p, d: d, ctl: d.control(), set: work.NewSet(p), done: make(map[string]bool)}
	r.reading = reading.New(p, d.Source, d.Target)
	r.target = work.NewTarget(r.ctl, r.set)
	r.progress = newProgress(r)
	r.fails = &failures{
		ctl: r.ctl, log: d.Log, policies: p.Policies, set: r.set, target: r.target, progress: r.progress,
		cancel: func(error) {},
	}
	if d.Log == nil {
		r.fails.log = hclog.NewNullLogger()
	}
	r.report = &report.Report{
		Format: report.Format, Migration: p.Migration, Lineage: p.Lineage, Serial: p.Serial, Plan: p.ID,
		Run: d.Owner.ID, Mode: p.Mode, Processes: p.Processes.Downtime, Started: r.ctl.Now(), NotMigrated: p.NotMigrated,
	}
	return r
}

// ending says that nothing more is to be started in this round.
func (r *frame) ending(ctx context.Context) bool {
	return ctx.Err() != nil || r.fails.halted.Load() || r.ctl.Stopped() ||
		!slices.ContainsFunc(r.set.Groups, func(g *work.Group) bool { return !g.Lost() })
}

// processes returns how many steps may run at once. A target that takes fewer
// writers gets no more: a writer is free before a reader is opened. In file mode
// exports need no writer, and imports wait for theirs.
func (r *frame) processes(verify bool) int {
	if verify {
		return max(1, r.p.Processes.Verify)
	}
	n := max(1, r.p.Processes.Downtime)
	if r.target.Limits.Writers > 0 && r.p.Mode != plan.File {
		n = min(n, r.target.Limits.Writers)
	}
	return n
}

// refuseSame refuses a source that is the target. A database that was not there when the plan
// was made, or could not be asked, may have become the other since.
func (r *frame) refuseSame(ctx context.Context) error {
	same := false
	err := r.ctl.Retry(ctx, "compare source and target", func(ctx context.Context) (err error) {
		same, err = providers.Same(ctx, r.d.Source, r.d.Target)
		return err
	})
	if err != nil {
		return fmt.Errorf("compare source and target: %w", err)
	}
	if !same {
		return nil
	}
	if schema, shared := plan.SharedSchema(r.p.Names()); shared {
		return &Outcome{
			Exit: report.Error, ID: diag.SourceIsTarget, Summary: "The source is the target",
			Err: fmt.Errorf("%s and %s are the same database (schema %q)", r.p.Source.Name, r.p.Target.Name, schema),
			Fix: "Nothing was changed. Name a different database in one of the two blocks.",
		}
	}
	return nil
}

// contents reads the ledger under the token.
func (r *frame) contents(ctx context.Context) (*ledger.Contents, error) {
	var c *ledger.Contents
	err := r.ctl.Retry(ctx, "read the ledger", func(ctx context.Context) (err error) {
		c, err = r.target.Session.Read(ctx)
		return err
	})
	if err == nil && (c == nil || c.Run == nil) {
		err = errors.New("it has no run after the lock was acquired")
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return c, nil
}

// adopt takes over what the ledger says about tables and packages.
func (r *frame) adopt(c *ledger.Contents) {
	r.set.Lock()
	defer r.set.Unlock()
	for _, t := range r.set.Order {
		t.Known, t.In = false, nil
		if !t.Group.Prepared() {
			t.Ready, t.Proven, t.Counting = false, false, nil
		}
	}
	r.learnIDs(c)
	for _, row := range c.Tables {
		if t := r.set.ByName[row.Source]; t != nil {
			t.Row, t.Known = row, true
		}
	}
	for _, l := range c.Loaded {
		if t := r.set.ByName[l.Source]; t != nil {
			t.In = t.In.With(r.shared(l))
		}
	}
	r.progress.adopt(r.set.Order)
}

// shared returns a row of the ledger with the texts that the plan has as well.
func (r *frame) shared(l ledger.Loaded) ledger.Loaded {
	u := r.set.Packages[l.ID]
	if u != nil && u.Table.Plan.Source.Name == l.Source && u.Package.Generation == l.Generation {
		l.ID, l.Source, l.Generation = u.Package.ID, u.Table.Plan.Source.Name, u.Package.Generation
	}
	return l
}

// learnIDs takes over which tables are dmoctl's, where tables have an identity. The caller
// holds run.set.
func (r *frame) learnIDs(c *ledger.Contents) {
	r.madeIDs = make(map[catalog.Name]string)
	for _, o := range c.Made {
		if o.Kind == ledger.KindTable && !r.d.Target.Limits().TextIDs {
			r.madeIDs[o.Name] = o.ID
		}
	}
}

// sound returns the step's tables that nothing has failed of.
func (r *frame) sound(s *plan.Step) []*work.Table {
	r.set.Lock()
	defer r.set.Unlock()
	var out []*work.Table
	for _, name := range s.Tables {
		if t := r.set.ByName[name]; t != nil && !t.Stopped && t.Broken == nil {
			out = append(out, t)
		}
	}
	return out
}

// tables are the step's tables.
func (r *frame) tables(s *plan.Step) []*work.Table {
	out := make([]*work.Table, 0, len(s.Tables))
	for _, n := range s.Tables {
		if t := r.set.ByName[n]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// groupsOf are the groups that the step's tables are read with.
func (r *frame) groupsOf(s *plan.Step) []*work.Group {
	var out []*work.Group
	for _, n := range s.Tables {
		if t := r.set.ByName[n]; t != nil && !slices.Contains(out, t.Group) {
			out = append(out, t.Group)
		}
	}
	return out
}

func (r *frame) recordRun(ctx context.Context) error {
	if r.d.State == nil {
		return nil
	}
	if err := r.d.State.RecordRun(ctx, r.report); err != nil {
		return r.stateOutcome(err)
	}
	return nil
}

// stateFailed ends the run cleanly: a migration without a record of it cannot be
// reported on, but nothing that is loaded is lost.
func (r *frame) stateFailed(err error) { r.fails.halt(r.stateOutcome(err)) }

func (r *frame) stateOutcome(err error) *Outcome {
	advice := cmp.Or(state.Advice(err), "Make sure that the state's directory is writable.")
	fix := "Committed packages are kept. " + advice + " To continue, run: dmoctl apply"
	return &Outcome{Exit: report.Error, ID: diag.UnwrittenState, Summary: "State cannot be written", Err: err, Fix: fix}
}
