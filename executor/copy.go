package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

// copying brings packages in.
type copying struct {
	*frame
	emptying emptying
}

// copyStep copies the packages of one step that are not in yet, in one
// transaction. Packages that fail together for good are tried one by one, so
// that only the culprit fails.
func (r copying) copyStep(ctx context.Context, s *plan.Step) error {
	if err := r.prepare(ctx, s); err != nil {
		if errors.Is(err, control.ErrStopped) || !r.fails.halt(err) {
			return control.ErrStopped // all copies meet this error: the first one lists it
		}
		return err
	}
	for _, units := range work.ByGroup(r.due(s), func(u *work.Unit) *work.Group { return u.Table.Group }) {
		r.copyUnits(ctx, s, units)
	}
	return nil
}

// copyUnits copies packages of one group.
func (r copying) copyUnits(ctx context.Context, s *plan.Step, units []*work.Unit) {
	err := r.transport.Transfer(ctx, units)
	switch {
	case err == nil:
		return
	case len(units) == 1:
		r.fails.failPackage(s, units[0], err)
		return
	case ctx.Err() != nil || r.ctl.Stopped() || hopeless(err):
		r.fails.fail(report.Failure{Step: s.ID}, err, work.TablesOf(units)...)
		return
	}
	for _, u := range units {
		if r.ending(ctx) {
			return
		}
		if r.skip(u) {
			continue
		}
		if err := r.transport.Transfer(ctx, []*work.Unit{u}); err != nil {
			r.fails.failPackage(s, u, err)
		}
	}
}

// due returns the step's packages that are to be copied, in order of package id.
func (r copying) due(s *plan.Step) []*work.Unit {
	var out []*work.Unit
	for _, id := range s.Packages {
		u := r.set.Packages[id]
		if u == nil {
			r.fails.fail(report.Failure{Step: s.ID, Package: id}, fmt.Errorf("the plan has no package %s", id))
			continue
		}
		if !r.skip(u) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *work.Unit) int { return cmp.Compare(a.Package.ID, b.Package.ID) })
	return out
}

// skip leaves out a loaded package, and reports that, or whose table was stopped. It returns
// whether it did.
func (r copying) skip(u *work.Unit) bool {
	r.set.Lock()
	in, ready := u.Table.Has(u.Package), u.Table.Ready && !u.Table.Stopped
	r.set.Unlock()
	if in {
		r.ctl.Emit(report.Event{
			Event: report.PackageSkipped, Phase: plan.Downtime, Table: u.Table.Name(), Package: u.Package.ID,
		})
	}
	return in || !ready
}

// landings is what watches the transport: it counts what moves, and takes note of what is in.
type landings struct {
	*progress
	frame *frame
}

// Landed takes note of packages whose COMMIT succeeded. State comes after the target, never before.
func (w *landings) Landed(ctx context.Context, units []*work.Unit, landed []ledger.Loaded) error {
	r := w.frame
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
		packages = append(packages, state.Package{
			ID: l.ID, Source: l.Source.String(), Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds,
		})
		r.ctl.Emit(report.Event{
			Event: report.PackageDone, Phase: plan.Downtime, Table: u.Table.Name(), Package: l.ID, Rows: l.Rows, Bytes: l.Bytes,
			Seconds: l.Seconds,
		})
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
