package executor

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// record is a batch in the target's form. Who visits it does not own it.
type Batch = arrow.RecordBatch

// visit is called with every batch of a table.
type Visit func(Batch) error

// scanSource visits a table's rows on the source, policies applied.
func (s *sides) scanSource(ctx context.Context, t *work.Table, each Visit) error {
	view, end, err := s.source.begin(ctx, []*catalog.Table{t.Source})
	if err != nil {
		return err
	}
	defer end()
	whole := &work.Unit{Table: t, Package: &plan.Package{Range: catalog.Range{Rows: -1, Bytes: -1}}}
	rows, err := (&viewSource{run: s.run, view: view}).open(ctx, whole)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := drain(ctx, rows.next, each); err != nil {
		return err
	}
	return view.Confirm(ctx)
}

// scanTarget visits a table's rows on the target.
func (s *sides) scanTarget(ctx context.Context, t *work.Table, each Visit) error {
	view, end, err := s.run.readBack.begin(ctx, []*catalog.Table{t.Target})
	if err != nil {
		return err
	}
	defer end()
	reader, err := view.Read(ctx, t.Target, catalog.Range{Rows: -1, Bytes: -1}, s.run.readOptions())
	if err != nil {
		return err
	}
	defer reader.Close()
	return drain(ctx, reader.Next, each)
}
