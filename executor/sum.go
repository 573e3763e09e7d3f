package executor

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/providers"
)

// sumOfRange digests one range of a table in a view.
func sumOfRange(ctx context.Context, view providers.View, t *catalog.Table, rng catalog.Range, how providers.ReadOptions) (digest.Sum, error) {
	var total digest.Sum
	hasher, err := digest.New(t.Columns, nil)
	if err != nil {
		return total, err
	}
	reader, err := view.Read(ctx, t, rng, how)
	if err != nil {
		return total, err
	}
	defer reader.Close()
	err = drain(ctx, reader.Next, func(rec arrow.RecordBatch) error {
		sum, err := hasher.Sum(rec)
		total = total.Add(sum)
		return err
	})
	if err != nil {
		return total, err
	}
	return total, view.Confirm(ctx)
}

// drain hands every batch to take, which does not own it.
func drain(ctx context.Context, next func(context.Context) (arrow.RecordBatch, error), take func(arrow.RecordBatch) error) error {
	for {
		rec, err := next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = take(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
}
