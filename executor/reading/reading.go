// Package reading opens the rows of both sides, in the form that the target takes.
//
// A Reading says how rows are read and within which memory; it is safe for concurrent use. A
// Shared is a snapshot that several readers have in common.
package reading

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// Reading is how the rows of a migration are read.
type Reading struct {
	Source  providers.Database
	Target  providers.Target
	Options providers.ReadOptions
	Quiet   bool // nobody writes to the source, by the user's word

	policies catalog.Policies
}

// New returns how p's rows are read, with a budget for all of its readers.
func New(p *plan.Plan, source providers.Database, target providers.Target) *Reading {
	return &Reading{
		Source: source, Target: target, Quiet: p.Quiet, policies: p.Policies,
		Options: providers.ReadOptions{
			BatchRows: batch.Rows, BatchBytes: p.Processes.BatchBytes, LOBMax: p.Policies.LOBMax,
			InvalidDate: p.Policies.InvalidDate, Budget: newBudget(p.Processes),
		},
	}
}

// Stream yields batches in the target's form; io.EOF at the end. The caller owns each batch.
type Stream interface {
	Next(ctx context.Context) (arrow.RecordBatch, error)
	io.Closer
}

// Rows reads a range of a table in a view of the source, with the policies applied.
func (r *Reading) Rows(
	ctx context.Context, view providers.View, source, target *catalog.Table, rng catalog.Range,
) (Stream, error) {
	transform, err := batch.Compile(source.Columns, target.Columns, r.policies)
	if err != nil {
		return nil, err
	}
	reader, err := view.Read(ctx, source, rng, r.Options)
	if err != nil {
		return nil, err
	}
	return &stream{reader: reader, transform: transform, table: source}, nil
}

// stream reads a range and applies the policies.
type stream struct {
	reader    providers.Reader
	transform *batch.Transform
	table     *catalog.Table
}

func (s *stream) Next(ctx context.Context) (arrow.RecordBatch, error) {
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

func (s *stream) Close() error { return s.reader.Close() }

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

// Sum digests one range of a table in a view.
func (r *Reading) Sum(
	ctx context.Context, view providers.View, t *catalog.Table, rng catalog.Range,
) (digest.Sum, error) {
	var total digest.Sum
	hasher, err := digest.New(t.Columns, nil)
	if err != nil {
		return total, err
	}
	reader, err := view.Read(ctx, t, rng, r.Options)
	if err != nil {
		return total, err
	}
	defer reader.Close()
	err = Drain(ctx, reader.Next, func(rec arrow.RecordBatch) error {
		sum, err := hasher.Sum(rec)
		total = total.Add(sum)
		return err
	})
	if err != nil {
		return total, err
	}
	return total, view.Confirm(ctx)
}

// Drain hands every batch to take, which does not own it.
func Drain(
	ctx context.Context, next func(context.Context) (arrow.RecordBatch, error), take func(arrow.RecordBatch) error,
) error {
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
