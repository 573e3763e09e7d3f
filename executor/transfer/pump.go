package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// rowSource opens the rows of packages, in the types that the target takes.
type rowSource interface {
	// open returns a package's batches. One is open at a time.
	open(ctx context.Context, u *work.Unit) (reading.Stream, error)
}

// viewSource reads packages from a view of the source.
type viewSource struct {
	reading *reading.Reading
	view    providers.View
}

func (s *viewSource) open(ctx context.Context, u *work.Unit) (reading.Stream, error) {
	return s.reading.Rows(ctx, s.view, u.Table.Source, u.Table.Target, u.Package.Range)
}

// pump moves packages from a source into one transaction: the reader's goroutine
// is at most reading.Depth batches ahead of the writer.
type pump struct {
	in     *intake
	units  []*work.Unit
	source rowSource
	tx     providers.Tx
}

// parcel is what goes through the pipe: a batch of a package, or its end.
type parcel struct {
	batch arrow.RecordBatch // nil at the end of the package
	bytes int64
	sum   digest.Sum // at the end
	total int64      // bytes, at the end
	// taken, where it is not nil, is closed once the batch is given up: a wide row
	// travels alone.
	taken chan struct{}
}

// run loads all packages and returns their ledger rows. The error is that of
// the side that failed first.
func (p *pump) run(ctx context.Context) ([]ledger.Loaded, error) {
	parcels := make(chan parcel, reading.Depth)
	group, ctx := control.NewGroup(ctx, 0)
	group.Go(func() error {
		defer close(parcels)
		return p.read(ctx, parcels)
	})
	var loaded []ledger.Loaded
	group.Go(func() (err error) {
		loaded, err = p.write(ctx, parcels)
		return err
	})
	err := group.Wait()
	for left := range parcels {
		if left.batch != nil {
			left.batch.Release()
		}
	}
	if err != nil {
		for _, u := range p.units {
			p.in.watch.Dropped(u.Package)
		}
		return nil, err
	}
	return loaded, nil
}

// read is the reader's side.
func (p *pump) read(ctx context.Context, parcels chan<- parcel) error {
	for _, u := range p.units {
		if err := p.readPackage(ctx, u, parcels); err != nil {
			return err
		}
	}
	return nil
}

func (p *pump) readPackage(ctx context.Context, u *work.Unit, parcels chan<- parcel) error {
	rows, err := p.source.open(ctx, u)
	if err != nil {
		return err
	}
	defer rows.Close()
	hasher, err := digest.New(u.Table.Target.Columns, nil)
	if err != nil {
		return err
	}
	var end parcel
	for {
		rec, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return send(ctx, parcels, end)
		}
		if err != nil {
			return err
		}
		sum, err := hasher.Sum(rec)
		if err != nil {
			rec.Release()
			return err
		}
		end.sum = end.sum.Add(sum)
		part := parcel{batch: rec, bytes: batch.Bytes(rec)}
		end.total += part.bytes
		if part.bytes > p.in.wide && rec.NumRows() == 1 {
			part.taken = make(chan struct{})
		}
		if err := send(ctx, parcels, part); err != nil {
			rec.Release()
			return err
		}
		if part.taken == nil {
			continue
		}
		select {
		case <-part.taken:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func send(ctx context.Context, parcels chan<- parcel, p parcel) error {
	select {
	case parcels <- p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write is the writer's side.
func (p *pump) write(ctx context.Context, parcels <-chan parcel) ([]ledger.Loaded, error) {
	var loaded []ledger.Loaded
	for len(loaded) < len(p.units) {
		l, err := p.writePackage(ctx, p.units[len(loaded)], parcels)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, l)
	}
	return loaded, nil
}

func (p *pump) writePackage(ctx context.Context, u *work.Unit, parcels <-chan parcel) (ledger.Loaded, error) {
	l := p.in.entry(u)
	started(p.in.ctl, u)
	w, err := p.tx.Writer(ctx, u.Table.Target, u.Package.Range)
	if err != nil {
		return l, err
	}
	defer w.Close()
	for {
		part, err := receive(ctx, parcels)
		if err != nil {
			return l, err
		}
		if part.batch == nil {
			return p.endPackage(ctx, w, l, part)
		}
		err = w.Write(ctx, part.batch)
		rows := part.batch.NumRows()
		part.batch.Release()
		if part.taken != nil {
			close(part.taken)
		}
		if err != nil {
			return l, err
		}
		p.in.watch.Moved(u.Package, rows, part.bytes)
	}
}

// endPackage finishes the load; the target has to have taken every row that was read.
func (p *pump) endPackage(ctx context.Context, w providers.Writer, l ledger.Loaded, end parcel) (ledger.Loaded, error) {
	took, err := w.Finish(ctx)
	if err != nil {
		return l, err
	}
	if took != end.sum.Rows {
		return l, &providers.Error{Kind: providers.Internal, Op: "load", Table: l.Source,
			Err: fmt.Errorf("%d rows of package %s were read, but the target received %d", end.sum.Rows, l.ID, took)}
	}
	l.Rows, l.Bytes, l.Digest = end.sum.Rows, end.total, end.sum.String()
	return l, nil
}

func receive(ctx context.Context, parcels <-chan parcel) (parcel, error) {
	select {
	case part, open := <-parcels:
		if !open {
			// The reader failed, and its error is the one that counts.
			<-ctx.Done()
			return parcel{}, context.Cause(ctx)
		}
		return part, nil
	case <-ctx.Done():
		return parcel{}, context.Cause(ctx)
	}
}
