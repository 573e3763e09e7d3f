package executor

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// record is a batch in the target's form. Who visits it does not own it.
type record = arrow.RecordBatch

// visit is called with every batch of a table.
type visit func(record) error

// scanSource visits a table's rows on the source, policies applied.
func (s *sides) scanSource(ctx context.Context, t *table, each visit) error {
	view, end, err := s.source.begin(ctx, []*catalog.Table{t.source})
	if err != nil {
		return err
	}
	defer end()
	whole := &unit{table: t, pkg: &plan.Package{Range: catalog.Range{Rows: -1, Bytes: -1}}}
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
func (s *sides) scanTarget(ctx context.Context, t *table, each visit) error {
	view, end, err := s.run.readBack.begin(ctx, []*catalog.Table{t.target})
	if err != nil {
		return err
	}
	defer end()
	reader, err := view.Read(ctx, t.target, catalog.Range{Rows: -1, Bytes: -1}, s.run.readOptions())
	if err != nil {
		return err
	}
	defer reader.Close()
	return drain(ctx, reader.Next, each)
}
