package transfer

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// files moves packages through a staging on one host: what the exporter writes, the importer
// loads.
type files struct {
	*store
	exporter *exporter
	importer *importer
}

// NewFiles returns a transport through a staging, whose journal it takes over for the lineage.
func NewFiles(ctx context.Context, r Room, staging providers.Staging, lineage string) (Transport, error) {
	s, err := openStore(ctx, r, staging, lineage)
	if err != nil {
		return nil, err
	}
	record := func(ctx context.Context, tables []*work.Table) error {
		return r.Target.Write(ctx, func(ctx context.Context) error { return r.Target.PutTables(ctx, tables) })
	}
	return &files{
		store:    s,
		exporter: &exporter{store: s, reading: r.Reading, counts: newCounter(r, record)},
		importer: &importer{store: s, in: newIntake(r), budget: r.Reading.Options.Budget},
	}, nil
}

// Transfer exports the packages that no manifest names yet, and imports them all.
// Files that are not what was written are exported once more.
func (f *files) Transfer(ctx context.Context, units []*work.Unit) error {
	f.hold(+1)
	defer f.hold(-1)
	for again := false; ; again = true {
		if err := f.exporter.export(ctx, units); err != nil {
			return err
		}
		err := f.importer.load(ctx, units)
		if providers.KindOf(err) != providers.Corrupt || again || ctx.Err() != nil {
			return err
		}
		f.ctl.Emit(report.Event{
			Event: report.Retry, Phase: plan.Downtime, Package: units[0].Package.ID, Kind: string(providers.Corrupt),
			Message: err.Error() + ": exported again",
		})
		if err := f.void(ctx, units); err != nil {
			return err
		}
	}
}

// Close frees what export files are compressed with.
func (f *files) Close() { f.codec.Close() }
