package transfer

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/journal"
	"github.com/dmoctl/dmoctl/providers"
)

// fileBytes is the size of export files where the spec names none.
const fileBytes = 256 << 20

// exporter writes packages of the source into the staging. It knows no target.
type exporter struct {
	*store
	reading *reading.Reading
	counts  *counter
}

// export writes the packages that no usable manifest names, in one attempt. While
// the staging has no room and others are being imported from it, it waits.
func (f *exporter) export(ctx context.Context, units []*work.Unit) error {
	var missing []*work.Unit
	for _, u := range units {
		if _, ok := f.usable(u); !ok {
			missing = append(missing, u)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return f.ctl.Retry(ctx, "export "+missing[0].Package.ID, func(ctx context.Context) error {
		for alone := false; ; {
			err := f.exportOnce(ctx, missing)
			if providers.KindOf(err) != providers.Full {
				return err
			}
			f.hold(-1)
			waited := f.awaitRoom(ctx)
			f.hold(+1)
			if !waited && alone {
				return err
			}
			// Where nobody else has objects, those who had may just have given up theirs.
			alone = !waited
		}
	})
}

// exportOnce is one attempt.
func (f *exporter) exportOnce(ctx context.Context, units []*work.Unit) error {
	if err := f.set.InEpoch(units); err != nil {
		return err
	}
	view, err := units[0].Table.Group.Begin(ctx, work.TablesOf(units))
	if err != nil {
		return err
	}
	defer view.Close()
	if err := f.counts.count(ctx, view, units); err != nil {
		return err
	}
	a := &exportAttempt{files: f.store, id: control.Random(6), pkg: units[0].Package.ID}
	defer a.abort(ctx)
	source := &viewSource{reading: f.reading, view: view}
	for _, u := range units {
		if err := a.export(ctx, source, u); err != nil {
			return err
		}
	}
	if err := a.commitObject(ctx); err != nil {
		return err
	}
	if err := view.Confirm(ctx); err != nil {
		return err
	}
	if err := f.set.AwaitCounts(ctx, units); err != nil {
		return err
	}
	f.ctl.Before(control.PointManifest)
	m := a.manifest()
	a.kept = true // from here on nobody knows without looking whether the manifest is there
	if err := f.append(ctx, append(f.beginnings(units), journal.Record{Manifest: &m})...); err != nil {
		return err
	}
	f.adopt(m)
	return nil
}
