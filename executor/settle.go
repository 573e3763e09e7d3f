package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// settler ends copy steps: it looks once more at tables whose last package is in.
// Steps that end while it looks are settled together, so that thousands of small
// tables cost a few looks and not one each.
func (r *run) settler(ctx context.Context, in <-chan *node, ended chan<- *node) {
	for n := range in {
		batch := []*node{n}
	more:
		for {
			select {
			case n, open := <-in:
				if !open {
					break more
				}
				batch = append(batch, n)
			default:
				break more
			}
		}
		tables := r.full(batch)
		if err := guard(func() error { return r.settle(ctx, tables) }); err != nil && !whole(err) {
			for _, t := range tables {
				r.mu.Lock()
				if t.broken == nil {
					t.broken = err
				}
				r.mu.Unlock()
			}
			r.fail(report.Failure{Step: batch[0].step.ID}, err)
		} else if err != nil {
			r.fatal(err)
		}
		for _, n := range batch {
			ended <- n
		}
	}
}

// full returns the tables of the steps whose packages are all in and that have
// not been looked at since.
func (r *run) full(steps []*node) []*table {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := make(map[*table]bool)
	var out []*table
	for _, n := range steps {
		for _, id := range n.step.Packages {
			u := r.packages[id]
			if u == nil || seen[u.table] {
				continue
			}
			t := u.table
			seen[t] = true
			if t.ready && !t.stopped && t.broken == nil && t.left() == 0 && !left.Complete(t.row.State) {
				out = append(out, t)
			}
		}
	}
	return out
}

// settle compares tables with what they were when they were begun, and records
// those that are complete.
func (r *run) settle(ctx context.Context, tables []*table) error {
	if len(tables) == 0 || ctx.Err() != nil {
		return nil
	}
	now, err := r.inspect(ctx, r.d.Source, sources(tables))
	if err != nil {
		return fmt.Errorf("read structures again: %w", err)
	}
	if r.p.Quiet {
		begun := slices.DeleteFunc(slices.Clone(tables), func(t *table) bool { return t.row.Count < 0 })
		if err := r.compareAgain(ctx, r.beginRound, begun); err != nil {
			return err
		}
	}
	var complete []*table
	for _, t := range tables {
		if err := r.unchanged(ctx, t, now[t.plan.Source.Name]); err != nil {
			r.stopTable(t, "", err)
			continue
		}
		r.mu.Lock()
		if t.broken == nil && !t.stopped {
			t.row.State = ledger.Complete
			complete = append(complete, t)
		}
		r.mu.Unlock()
	}
	if len(complete) == 0 {
		return nil
	}
	if err := r.files.complete(ctx, complete); err != nil {
		return err
	}
	r.d.before(PointComplete)
	return r.recordTables(ctx, complete)
}

// unchanged looks at one table after its last package.
func (r *run) unchanged(ctx context.Context, t *table, now *catalog.Table) error {
	if err := t.counting.wait(ctx); err != nil {
		return err
	}
	if t.stopped {
		return nil
	}
	if now == nil {
		return changed(t, "it vanished from the source while it was copied")
	}
	if now.StructureDigest() != t.plan.SourceStructure {
		return changed(t, "its structure changed while it was copied")
	}
	if now.FileIdentity() != t.row.File {
		return changed(t, "its stored rows were rewritten while it was copied")
	}
	if !r.counts(t) || t.row.Count < 0 {
		return nil
	}
	if got := t.loadedRows(); got != t.row.Count && !excuses(t, t.row.Count, got) {
		r.differs(t, fmt.Sprintf("the source counted %d rows, its packages hold %d", t.row.Count, got))
	}
	return nil
}

// beginRound opens a view of the round's snapshot.
func (r *run) beginRound(ctx context.Context, tables []*table) (providers.View, func(), error) {
	view, err := r.snapshot.Begin(ctx, asked(tables))
	if err != nil {
		return nil, nil, err
	}
	return view, func() { view.Close() }, nil
}

// bundleTables is how many tables one view holds at most.
const bundleTables = 100

// differs lists a table whose rows are not what the source has.
func (r *run) differs(t *table, detail string) {
	r.mu.Lock()
	t.result, t.detail = report.Unequal, detail
	if t.broken == nil {
		t.broken = fmt.Errorf("%s", detail)
	}
	r.codes = append(r.codes, report.Different)
	r.failures = append(r.failures, report.Failure{
		Table: t.name(), Step: plan.Verify, Kind: report.Unequal, Message: t.name() + ": " + detail,
		Fix: "To see which rows differ, run: dmoctl verify --explain " + t.name(),
	})
	r.mu.Unlock()
	r.progress.failed()
	r.emit(report.Event{Event: report.TableVerified, Phase: plan.Verify, Table: t.name(), Kind: report.Unequal, Message: detail})
}

// excuses says whether the table's exception allows the difference.
func excuses(t *table, source, target int64) bool {
	e := t.plan.Exception
	if e == nil {
		return false
	}
	return e.Rule == "igncount" || e.Rule == "ignlargercount" && target > source
}
