package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
		if errors.Is(err, errStopped) || !r.halt(err) {
			return errStopped // all copies meet this error: the first one lists it
		}
		return err
	}
	work := r.work(s)
	if len(work) == 0 {
		return nil
	}
	err := r.copyAll(ctx, work)
	if err == nil {
		return nil
	}
	if len(work) == 1 {
		r.failPackage(s, work[0], err)
		return nil
	}
	if ctx.Err() != nil || r.d.stopped() || hopeless(err) {
		r.fail(report.Failure{Step: s.ID}, err)
		return nil
	}
	for _, u := range work {
		if r.ending(ctx) {
			return nil
		}
		if r.skips(u) {
			continue
		}
		if err := r.copyAll(ctx, []*unit{u}); err != nil {
			r.failPackage(s, u, err)
		}
	}
	return nil
}

// work returns the step's packages that are to be copied, in order of package id.
func (r *run) work(s *plan.Step) []*unit {
	var out []*unit
	for _, id := range s.Packages {
		u := r.packages[id]
		if u == nil {
			r.fail(report.Failure{Step: s.ID, Package: id}, fmt.Errorf("the plan has no package %s", id))
			continue
		}
		if !r.skips(u) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *unit) int { return cmp.Compare(a.pkg.ID, b.pkg.ID) })
	return out
}

// skips says whether a package is not to be copied: it is in, or its table was stopped.
func (r *run) skips(u *unit) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.table.has(u.pkg) {
		r.emit(report.Event{Event: report.PackageSkipped, Phase: plan.Downtime, Table: u.table.name(), Package: u.pkg.ID})
		return true
	}
	return u.table.stopped || !u.table.ready
}

func (r *run) failPackage(s *plan.Step, u *unit, err error) {
	if whole(err) || errors.Is(err, context.Canceled) {
		r.fail(report.Failure{Step: s.ID}, err)
		return
	}
	// A limit that one package meets, its table's others meet as well.
	if kind := providers.KindOf(err); kind == providers.Changed || kind == providers.Exhausted {
		r.stopTable(u.table, s.ID, err)
		return
	}
	r.mu.Lock()
	if u.table.broken == nil {
		u.table.broken = err
	}
	r.mu.Unlock()
	r.fail(report.Failure{Table: u.table.name(), Package: u.pkg.ID, Step: s.ID, Fix: r.constraintFix(u.table, err)}, err)
}

// copyAll brings packages in, all or none of them.
func (r *run) copyAll(ctx context.Context, work []*unit) error {
	if r.files != nil {
		return r.files.transfer(ctx, work)
	}
	a := &attempt{run: r, work: work}
	return r.retry(ctx, "copy "+work[0].pkg.ID, a.copyOnce)
}

// attempt is the copying of some packages in one transaction, tried until it is in.
type attempt struct {
	run  *run
	work []*unit
	// sent is what a COMMIT without an answer would have brought in.
	sent map[string]ledger.Loaded
}

// copyOnce is one try: reader and writer at work on one transaction.
func (a *attempt) copyOnce(ctx context.Context) error {
	return a.run.write(ctx, func(ctx context.Context) error {
		r := a.run
		r.d.before(PointBegin)
		if err := r.inEpoch(a.work); err != nil {
			return err
		}
		view, err := r.snapshot.Begin(ctx, a.tables())
		if err != nil {
			return err
		}
		defer view.Close()
		if err := r.count(ctx, view, a.work); err != nil {
			return err
		}
		return a.transact(ctx, func(ctx context.Context, tx providers.Tx, work []*unit) ([]ledger.Loaded, error) {
			p := &pipe{run: r, work: work, source: &viewSource{run: r, view: view}, tx: tx}
			loaded, err := p.pump(ctx)
			if err != nil {
				return nil, err
			}
			return loaded, view.Confirm(ctx)
		})
	})
}

// transact claims the packages, loads those that are not in, and commits.
func (a *attempt) transact(ctx context.Context, load func(context.Context, providers.Tx, []*unit) ([]ledger.Loaded, error)) error {
	r := a.run
	tx, err := r.session.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		back, cancel := cleanup(ctx)
		defer cancel()
		// After Commit it is a no-op; before, the connection's end rolls back what this cannot.
		_ = tx.Rollback(back)
	}()
	r.d.before(PointClaim)
	in, err := tx.Claim(ctx, a.claims())
	if err != nil {
		return err
	}
	work, landed, err := a.split(ctx, in)
	if err != nil {
		return err
	}
	if len(work) > 0 {
		start := time.Now()
		r.d.before(PointLoad)
		loaded, err := load(ctx, tx, work)
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
		if err := r.awaitCounts(ctx, work); err != nil {
			return err
		}
		r.d.before(PointCommit)
		if err := tx.Commit(ctx, loaded); err != nil {
			return err
		}
		landed = append(landed, loaded...)
	}
	r.d.before(PointLanded)
	return r.landed(ctx, a.work, landed)
}

// split takes those packages out of the work that are in already: by a COMMIT of
// this attempt whose answer was lost, or by an earlier run.
func (a *attempt) split(ctx context.Context, in []string) (work []*unit, landed []ledger.Loaded, err error) {
	if len(in) == 0 {
		return a.work, nil, nil
	}
	var contents *ledger.Contents
	for _, u := range a.work {
		if !slices.Contains(in, u.pkg.ID) {
			work = append(work, u)
			continue
		}
		if l, ok := a.sent[u.pkg.ID]; ok {
			landed = append(landed, l)
			continue
		}
		if contents == nil {
			if contents, err = a.run.d.Target.Ledger(ctx, a.run.p.Migration); err != nil {
				return nil, nil, err
			}
		}
		i := slices.IndexFunc(contents.Loaded, func(l ledger.Loaded) bool { return l.ID == u.pkg.ID })
		if i < 0 {
			return nil, nil, &providers.Error{Kind: providers.Transient, Op: "claim", Table: u.table.plan.Source.Name,
				Err: fmt.Errorf("package %s was in when it was claimed, and is gone from the ledger", u.pkg.ID)}
		}
		landed = append(landed, contents.Loaded[i])
	}
	return work, landed, nil
}

func (a *attempt) tables() []*catalog.Table {
	out := make([]*catalog.Table, 0, len(a.work))
	for _, t := range tablesOf(a.work) {
		out = append(out, t.source)
	}
	return out
}

// tablesOf returns each table of the work once, in order.
func tablesOf(work []*unit) []*table {
	var out []*table
	for _, u := range work {
		if len(out) == 0 || out[len(out)-1] != u.table {
			out = append(out, u.table)
		}
	}
	return out
}

// claims are in order of package id, as the work is.
func (a *attempt) claims() []ledger.Loaded {
	out := make([]ledger.Loaded, len(a.work))
	for i, u := range a.work {
		out[i] = a.run.loadedRow(u)
	}
	return out
}

// loadedRow is the package's ledger row before its rows are known.
func (r *run) loadedRow(u *unit) ledger.Loaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ledger.Loaded{
		Migration: r.p.Migration, ID: u.pkg.ID, Source: u.table.plan.Source.Name, Generation: u.pkg.Generation,
		ReadAt: r.snapshot.Time(), Snapshot: u.table.row.Snapshot, Run: r.d.Owner.ID,
	}
}

// landed takes note of packages whose COMMIT succeeded. State comes after the target, never before.
func (r *run) landed(ctx context.Context, work []*unit, landed []ledger.Loaded) error {
	byID := make(map[string]*unit, len(work))
	for _, u := range work {
		byID[u.pkg.ID] = u
	}
	packages := make([]state.Package, 0, len(landed))
	for _, l := range landed {
		u := byID[l.ID]
		r.mu.Lock()
		u.table.in = u.table.in.with(l)
		u.table.copiedHere = true
		r.mu.Unlock()
		r.progress.landed(u.pkg, l)
		packages = append(packages, state.Package{ID: l.ID, Source: l.Source.String(), Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds})
		r.emit(report.Event{Event: report.PackageDone, Phase: plan.Downtime, Table: u.table.name(), Package: l.ID, Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds})
	}
	if r.d.State == nil {
		return nil
	}
	back, cancel := cleanup(ctx)
	defer cancel()
	if err := r.d.State.RecordPackages(back, r.d.Owner.ID, packages); err != nil {
		r.stateFailed(err)
	}
	return nil
}
