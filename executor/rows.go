package executor

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// viewSource reads packages from a view of the source.
type viewSource struct {
	run  *run
	view providers.View
}

func (s *viewSource) open(ctx context.Context, u *work.Unit) (rowStream, error) {
	transform, err := batch.Compile(u.Table.Source.Columns, u.Table.Target.Columns, s.run.p.Policies)
	if err != nil {
		return nil, err
	}
	reader, err := s.view.Read(ctx, u.Table.Source, u.Package.Range, s.run.readOptions())
	if err != nil {
		return nil, err
	}
	return &viewStream{reader: reader, transform: transform, table: u.Table.Source}, nil
}

func (r *run) readOptions() providers.ReadOptions {
	return providers.ReadOptions{
		BatchRows: batch.Rows, BatchBytes: r.p.Processes.BatchBytes, LOBMax: r.p.Policies.LOBMax, InvalidDate: r.p.Policies.InvalidDate, Budget: r.budget,
	}
}

// viewStream reads one package and applies the policies.
type viewStream struct {
	reader    providers.Reader
	transform *batch.Transform
	table     *catalog.Table
}

func (s *viewStream) next(ctx context.Context) (arrow.RecordBatch, error) {
	rec, err := s.reader.Next(ctx)
	if err != nil || s.transform.Identity() {
		return rec, err
	}
	defer rec.Release()
	out, err := s.transform.Apply(rec)
	var bad *batch.ValueError
	if errors.As(err, &bad) {
		return nil, &providers.Error{
			Kind: providers.Value, Op: "convert", Table: s.table.Name, Column: bad.Column,
			Key: batch.FormatKey(rec, bad.Row, keyColumns(s.table)), Fix: bad.Fix, Err: errors.New(bad.What),
		}
	}
	return out, err
}

func (s *viewStream) Close() error { return s.reader.Close() }

// keyColumns are the columns that name a row to people: its key's, else all.
func keyColumns(t *catalog.Table) []string {
	if t.Key != nil {
		return t.Key.Columns
	}
	var out []string
	for _, c := range t.CopiedColumns() {
		out = append(out, c.Name)
	}
	return out
}
