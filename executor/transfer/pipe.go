package transfer

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// pipe reads and writes in one go.
type pipe struct {
	in      *intake
	counts  *counter
	reading *reading.Reading
}

// NewPipe returns a transport that holds nothing between source and target.
func NewPipe(r Room) Transport {
	return &pipe{in: newIntake(r), counts: newCounter(r, r.Target.PutTables), reading: r.Reading}
}

func (p *pipe) Transfer(ctx context.Context, units []*work.Unit) error {
	a := &attempt{in: p.in, units: units}
	return p.in.ctl.Retry(ctx, "copy "+units[0].Package.ID, func(ctx context.Context) error {
		return p.in.target.Write(ctx, func(ctx context.Context) error { return p.once(ctx, a) })
	})
}

// once is one try: reader and writer at work on one transaction.
func (p *pipe) once(ctx context.Context, a *attempt) error {
	p.in.ctl.Before(control.PointBegin)
	if err := p.in.set.InEpoch(a.units); err != nil {
		return err
	}
	view, err := a.units[0].Table.Group.Begin(ctx, work.TablesOf(a.units))
	if err != nil {
		return err
	}
	defer view.Close()
	if err := p.counts.count(ctx, view, a.units); err != nil {
		return err
	}
	return a.transact(ctx, func(ctx context.Context, tx providers.Tx, units []*work.Unit) ([]ledger.Loaded, error) {
		m := &pump{in: p.in, units: units, source: &viewSource{reading: p.reading, view: view}, tx: tx}
		loaded, err := m.run(ctx)
		if err != nil {
			return nil, err
		}
		return loaded, view.Confirm(ctx)
	})
}

func (p *pipe) Enter(context.Context, *work.Group) error { return nil }

func (p *pipe) Restart(context.Context, []*work.Table) error { return nil }

func (p *pipe) Covers(*work.Table) int { return 0 }

func (p *pipe) Complete(context.Context, []*work.Table) error { return nil }

func (p *pipe) Finish(context.Context) error { return nil }

func (p *pipe) Close() {}
