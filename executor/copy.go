package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// copyStep copies the packages of one step that are not in yet, in one
// transaction. Packages that fail together for good are tried one by one, so
// that only the culprit fails.
func (r *run) copyStep(ctx context.Context, s *plan.Step) error {
	if err := r.prepare(ctx); err != nil {
		if errors.Is(err, control.ErrStopped) || !r.fails.halt(err) {
			return control.ErrStopped // all copies meet this error: the first one lists it
		}
		return err
	}
	units := r.due(s)
	if len(units) == 0 {
		return nil
	}
	err := r.copyAll(ctx, units)
	if err == nil {
		return nil
	}
	if len(units) == 1 {
		r.fails.failPackage(s, units[0], err)
		return nil
	}
	if ctx.Err() != nil || r.ctl.Stopped() || hopeless(err) {
		r.fails.fail(report.Failure{Step: s.ID}, err)
		return nil
	}
	for _, u := range units {
		if r.ending(ctx) {
			return nil
		}
		if r.skips(u) {
			continue
		}
		if err := r.copyAll(ctx, []*work.Unit{u}); err != nil {
			r.fails.failPackage(s, u, err)
		}
	}
	return nil
}

// due returns the step's packages that are to be copied, in order of package id.
func (r *run) due(s *plan.Step) []*work.Unit {
	var out []*work.Unit
	for _, id := range s.Packages {
		u := r.set.Packages[id]
		if u == nil {
			r.fails.fail(report.Failure{Step: s.ID, Package: id}, fmt.Errorf("the plan has no package %s", id))
			continue
		}
		if !r.skips(u) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *work.Unit) int { return cmp.Compare(a.Package.ID, b.Package.ID) })
	return out
}

// skips says whether a package is not to be copied: it is in, or its table was stopped.
func (r *run) skips(u *work.Unit) bool {
	r.set.Lock()
	defer r.set.Unlock()
	if u.Table.Has(u.Package) {
		r.ctl.Emit(report.Event{Event: report.PackageSkipped, Phase: plan.Downtime, Table: u.Table.Name(), Package: u.Package.ID})
		return true
	}
	return u.Table.Stopped || !u.Table.Ready
}

// copyAll brings packages in, all or none of them.
func (r *run) copyAll(ctx context.Context, units []*work.Unit) error {
	if r.files != nil {
		return r.files.transfer(ctx, units)
	}
	a := &attempt{run: r, units: units}
	return r.ctl.Retry(ctx, "copy "+units[0].Package.ID, a.copyOnce)
}

// attempt is the copying of some packages in one transaction, tried until it is in.
type attempt struct {
	run   *run
	units []*work.Unit
	// sent is what a COMMIT without an answer would have brought in.
	sent map[string]ledger.Loaded
}

// copyOnce is one try: reader and writer at work on one transaction.
func (a *attempt) copyOnce(ctx context.Context) error {
	return a.run.target.Write(ctx, func(ctx context.Context) error {
		r := a.run
		r.ctl.Before(control.PointBegin)
		if err := r.inEpoch(a.units); err != nil {
			return err
		}
		view, err := r.snapshot.Begin(ctx, a.tables())
		if err != nil {
			return err
		}
		defer view.Close()
		if err := r.count(ctx, view, a.units); err != nil {
			return err
		}
		return a.transact(ctx, func(ctx context.Context, tx providers.Tx, units []*work.Unit) ([]ledger.Loaded, error) {
			p := &pipe{run: r, units: units, source: &viewSource{reading: r.reading, view: view}, tx: tx}
			loaded, err := p.pump(ctx)
			if err != nil {
				return nil, err
			}
			return loaded, view.Confirm(ctx)
		})
	})
}

// transact claims the packages, loads those that are not in, and commits.
func (a *attempt) transact(ctx context.Context, load func(context.Context, providers.Tx, []*work.Unit) ([]ledger.Loaded, error)) error {
	r := a.run
	tx, err := r.target.Session.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		back, cancel := control.Cleanup(ctx)
		defer cancel()
		// After Commit it is a no-op; before, the connection's end rolls back what this cannot.
		_ = tx.Rollback(back)
	}()
	r.ctl.Before(control.PointClaim)
	in, err := tx.Claim(ctx, a.claims())
	if err != nil {
		return err
	}
	units, landed, err := a.split(ctx, in)
	if err != nil {
		return err
	}
	if len(units) > 0 {
		start := time.Now()
		r.ctl.Before(control.PointLoad)
		loaded, err := load(ctx, tx, units)
		if err != nil {
			return err
		}
		for i := range loaded {
			loaded[i].Seconds = seconds(start) / float64(len(loaded))
		}
		a.sent = make(map[string]ledger.Loaded, len(loaded))
		for _, l := range loaded {
			a.sent[l.ID] = l
		}
		if err := r.awaitCounts(ctx, units); err != nil {
			return err
		}
		r.ctl.Before(control.PointCommit)
		if err := tx.Commit(ctx, loaded); err != nil {
			return err
		}
		landed = append(landed, loaded...)
	}
	r.ctl.Before(control.PointLanded)
	return r.landed(ctx, a.units, landed)
}

// split takes those packages out of the work that are in already: by a COMMIT of
// this attempt whose answer was lost, or by an earlier run.
func (a *attempt) split(ctx context.Context, in []string) (units []*work.Unit, landed []ledger.Loaded, err error) {
	if len(in) == 0 {
		return a.units, nil, nil
	}
	var contents *ledger.Contents
	for _, u := range a.units {
		if !slices.Contains(in, u.Package.ID) {
			units = append(units, u)
			continue
		}
		if l, ok := a.sent[u.Package.ID]; ok {
			landed = append(landed, l)
			continue
		}
		if contents == nil {
			if contents, err = a.run.d.Target.Ledger(ctx, a.run.p.Migration); err != nil {
				return nil, nil, err
			}
		}
		i := slices.IndexFunc(contents.Loaded, func(l ledger.Loaded) bool { return l.ID == u.Package.ID })
		if i < 0 {
			return nil, nil, &providers.Error{Kind: providers.Transient, Op: "claim", Table: u.Table.Plan.Source.Name,
				Err: fmt.Errorf("package %s was in when it was claimed, and is gone from the ledger", u.Package.ID)}
		}
		landed = append(landed, contents.Loaded[i])
	}
	return units, landed, nil
}

func (a *attempt) tables() []*catalog.Table {
	out := make([]*catalog.Table, 0, len(a.units))
	for _, t := range work.TablesOf(a.units) {
		out = append(out, t.Source)
	}
	return out
}

// claims are in order of package id, as the work is.
func (a *attempt) claims() []ledger.Loaded {
	out := make([]ledger.Loaded, len(a.units))
	for i, u := range a.units {
		out[i] = a.run.loadedRow(u)
	}
	return out
}

// loadedRow is the package's ledger row before its rows are known.
func (r *run) loadedRow(u *work.Unit) ledger.Loaded {
	r.set.Lock()
	defer r.set.Unlock()
	return ledger.Loaded{
		Migration: r.p.Migration, ID: u.Package.ID, Source: u.Table.Plan.Source.Name, Generation: u.Package.Generation,
		ReadAt: r.snapshot.Time(), Snapshot: u.Table.Row.Snapshot, Run: r.d.Owner.ID,
	}
}

// landed takes note of packages whose COMMIT succeeded. State comes after the target, never before.
func (r *run) landed(ctx context.Context, units []*work.Unit, landed []ledger.Loaded) error {
	byID := make(map[string]*work.Unit, len(units))
	for _, u := range units {
		byID[u.Package.ID] = u
	}
	packages := make([]state.Package, 0, len(landed))
	for _, l := range landed {
		u := byID[l.ID]
		r.set.Lock()
		u.Table.In = u.Table.In.With(l)
		u.Table.CopiedHere = true
		r.set.Unlock()
		r.progress.landed(u.Package, l)
		packages = append(packages, state.Package{ID: l.ID, Source: l.Source.String(), Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds})
		r.ctl.Emit(report.Event{Event: report.PackageDone, Phase: plan.Downtime, Table: u.Table.Name(), Package: l.ID, Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds})
	}
	if r.d.State == nil {
		return nil
	}
	back, cancel := control.Cleanup(ctx)
	defer cancel()
	if err := r.d.State.RecordPackages(back, r.d.Owner.ID, packages); err != nil {
		r.stateFailed(err)
	}
	return nil
}
