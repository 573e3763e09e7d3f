package transfer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// intake is the target's side: packages go in whole, in transactions that claim them in the
// ledger. It knows no source.
type intake struct {
	ctl    *control.Control
	plan   *plan.Plan
	owner  ledger.Owner
	set    *work.Set
	target *work.Target
	ledger func(context.Context) (*ledger.Contents, error)
	watch  Watch
	wide   int64 // bytes from which on a row travels alone
}

func newIntake(r Room) *intake {
	return &intake{
		ctl: r.Control, plan: r.Plan, owner: r.Owner, set: r.Set, target: r.Target, watch: r.Watch,
		wide: r.Plan.Processes.BatchBytes,
		ledger: func(ctx context.Context) (*ledger.Contents, error) {
			return r.Reading.Target.Ledger(ctx, r.Plan.Migration)
		},
	}
}

// entry is the package's ledger row before its rows are known.
func (in *intake) entry(u *work.Unit) ledger.Loaded {
	l := in.set.Entry(u)
	l.Migration, l.Run = in.plan.Migration, in.owner.ID
	return l
}

// started says that a package's rows have begun to move.
func started(ctl *control.Control, u *work.Unit) {
	ctl.Emit(report.Event{
		Event: report.PackageStarted, Phase: plan.Downtime, Table: u.Table.Name(), Package: u.Package.ID,
	})
}

// attempt is the copying of some packages in one transaction, tried until it is in.
type attempt struct {
	in    *intake
	units []*work.Unit
	// sent is what a COMMIT without an answer would have brought in.
	sent map[string]ledger.Loaded
}

// load brings the rows of packages into a transaction, and returns their ledger rows.
type load func(context.Context, providers.Tx, []*work.Unit) ([]ledger.Loaded, error)

// transact claims the packages, loads those that are not in, and commits.
func (a *attempt) transact(ctx context.Context, load load) error {
	ctl := a.in.ctl
	tx, err := a.in.target.Session.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		back, cancel := control.Cleanup(ctx)
		defer cancel()
		// After Commit it is a no-op; before, the connection's end rolls back what this cannot.
		_ = tx.Rollback(back)
	}()
	ctl.Before(control.PointClaim)
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
		ctl.Before(control.PointLoad)
		loaded, err := load(ctx, tx, units)
		if err != nil {
			return err
		}
		for i := range loaded {
			loaded[i].Seconds = time.Since(start).Seconds() / float64(len(loaded))
		}
		a.sent = make(map[string]ledger.Loaded, len(loaded))
		for _, l := range loaded {
			a.sent[l.ID] = l
		}
		if err := a.in.set.AwaitCounts(ctx, units); err != nil {
			return err
		}
		ctl.Before(control.PointCommit)
		if err := tx.Commit(ctx, loaded); err != nil {
			return err
		}
		landed = append(landed, loaded...)
	}
	ctl.Before(control.PointLanded)
	return a.in.watch.Landed(ctx, a.units, landed)
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
			if contents, err = a.in.ledger(ctx); err != nil {
				return nil, nil, err
			}
		}
		i := slices.IndexFunc(contents.Loaded, func(l ledger.Loaded) bool { return l.ID == u.Package.ID })
		if i < 0 {
			return nil, nil, &providers.Error{Kind: providers.Transient, Op: "claim", Table: u.Table.Plan.Source.Name,
				Err: fmt.Errorf("package %s was already loaded when it was claimed, but is no longer in the ledger", u.Package.ID)}
		}
		landed = append(landed, contents.Loaded[i])
	}
	return units, landed, nil
}

// claims are in order of package id, as the work is.
func (a *attempt) claims() []ledger.Loaded {
	out := make([]ledger.Loaded, len(a.units))
	for i, u := range a.units {
		out[i] = a.in.entry(u)
	}
	return out
}
