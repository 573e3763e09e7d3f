package compare

import (
	"cmp"
	"context"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Bounds of what Explain holds in memory, whatever the table's size.
const (
	explainRows = 200_000 // rows of both sides that are looked at one by one
	explainKeys = 1_000   // keys that are listed
)

// Explain finds the rows of a table that differ between source and target. Both
// sides are read twice: once into 4,096 buckets of hash(key), once for the rows of
// the buckets that differ.
func (c *Comparison) Explain(ctx context.Context, t *work.Table) (*report.Explanation, error) {
	x := &explainer{comparison: c, table: t}
	return x.explain(ctx)
}

// explainer compares one table.
type explainer struct {
	comparison *Comparison
	table      *work.Table
	key        []string
	keyed      bool
}

// buckets is one side's digest by bucket of the key's hash.
type buckets [digest.Buckets]digest.Sum

func (x *explainer) explain(ctx context.Context) (*report.Explanation, error) {
	to := x.table.Target
	x.keyed = to.Key != nil && x.copied(to.Key.Columns)
	if x.keyed {
		x.key = to.Key.Columns
	} else {
		for _, c := range to.CopiedColumns() {
			x.key = append(x.key, c.Name)
		}
	}
	out := &report.Explanation{Table: x.table.Name(), Keyed: x.keyed, Key: x.key}
	var source, target buckets
	err := x.both(ctx,
		func(rec record, h *digest.Hasher) error { return source.add(rec, h) },
		func(rec record, h *digest.Hasher) error { return target.add(rec, h) })
	if err != nil {
		return nil, err
	}
	chosen := make(map[int]bool)
	var rows int64
	for i := range source {
		out.SourceRows += source[i].Rows
		out.TargetRows += target[i].Rows
		if source[i] == target[i] {
			continue
		}
		out.Differing++
		n := source[i].Rows + target[i].Rows
		if len(chosen) > 0 && rows+n > explainRows {
			continue
		}
		chosen[i] = true
		rows += n
	}
	out.LookedAt = len(chosen)
	if len(chosen) == 0 {
		return out, nil
	}
	return out, x.rows(ctx, chosen, out)
}

// copied says whether rows carry all of the columns.
func (x *explainer) copied(columns []string) bool {
	for _, name := range columns {
		if c := x.table.Target.Column(name); c == nil || !c.Copied() {
			return false
		}
	}
	return true
}

func (b *buckets) add(rec record, h *digest.Hasher) error {
	keys, err := h.Keys(rec)
	if err != nil {
		return err
	}
	at := make([]int, len(keys)) // the hasher's slices live until its next use
	for i, k := range keys {
		at[i] = k.Bucket()
	}
	rows, err := h.Rows(rec)
	if err != nil {
		return err
	}
	for i, row := range rows {
		b[at[i]] = b[at[i]].Add(digest.Sum{Rows: 1, Hi: row.Hi, Lo: row.Lo})
	}
	return nil
}

// both reads both sides at once.
func (x *explainer) both(ctx context.Context, source, target func(record, *digest.Hasher) error) error {
	group, ctx := control.NewGroup(ctx, 0)
	side := func(
		scan func(context.Context, *work.Table, visit) error, take func(record, *digest.Hasher) error,
	) func() error {
		return func() error {
			h, err := digest.New(x.table.Target.Columns, x.key)
			if err != nil {
				return err
			}
			return scan(ctx, x.table, func(rec record) error { return take(rec, h) })
		}
	}
	group.Go(side(x.comparison.scanSource, source))
	group.Go(side(x.comparison.scanTarget, target))
	return group.Wait()
}

// seen is what one side has of one key.
type seen struct {
	key string
	sum digest.Sum
}

// rows compares the rows of some buckets by key.
func (x *explainer) rows(ctx context.Context, chosen map[int]bool, out *report.Explanation) error {
	source, target := make(map[digest.Hash]*seen), make(map[digest.Hash]*seen)
	collect := func(into map[digest.Hash]*seen) func(record, *digest.Hasher) error {
		return func(rec record, h *digest.Hasher) error { return x.collect(rec, h, chosen, into) }
	}
	if err := x.both(ctx, collect(source), collect(target)); err != nil {
		return err
	}
	for hash, have := range source {
		other := target[hash]
		if other == nil {
			other = &seen{}
		}
		x.differ(out, have.key, have.sum, other.sum)
	}
	for hash, have := range target {
		if source[hash] == nil {
			x.differ(out, have.key, digest.Sum{}, have.sum)
		}
	}
	slices.SortFunc(out.Rows, func(a, b report.RowDifference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	if len(out.Rows) > explainKeys {
		out.Rows = out.Rows[:explainKeys]
	}
	return nil
}

func (x *explainer) collect(rec record, h *digest.Hasher, chosen map[int]bool, into map[digest.Hash]*seen) error {
	hashes, err := h.Keys(rec)
	if err != nil {
		return err
	}
	keys := make(map[int]digest.Hash)
	for i, k := range hashes {
		if chosen[k.Bucket()] {
			keys[i] = k
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := h.Rows(rec)
	if err != nil {
		return err
	}
	for i, k := range keys {
		s := into[k]
		if s == nil {
			s = &seen{key: batch.FormatKey(rec, i, x.key)}
			into[k] = s
		}
		s.sum = s.sum.Add(digest.Sum{Rows: 1, Hi: rows[i].Hi, Lo: rows[i].Lo})
	}
	return nil
}

func (x *explainer) differ(out *report.Explanation, key string, source, target digest.Sum) {
	d := report.RowDifference{Key: key, Source: source.Rows, Target: target.Rows}
	switch {
	case source == target:
		return
	case source.Rows > target.Rows:
		d.Kind = report.RowMissing
		out.Missing += source.Rows - target.Rows
	case source.Rows < target.Rows:
		d.Kind = report.RowExtra
		out.Extra += target.Rows - source.Rows
	default:
		d.Kind = report.RowChanged
		out.Changed += source.Rows
	}
	out.Rows = append(out.Rows, d)
}
