package executor

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// VerifyOptions say what Verify compares.
type VerifyOptions struct {
	Tables []catalog.Name // source names; empty is every table of the plan
	// Content reads both sides again. Without it the target is read back, each table
	// at the level that its spec asks for, and compared with the ledger.
	Content bool
	// Structure: structures are compared, and no row is read. Otherwise both are.
	Structure bool
}

// Verify compares source and target on its own, at any time, without a lock; it
// changes nothing. P names the tables and how they are mapped. The report lists
// every table; the error is an *Outcome.
func Verify(ctx context.Context, p *plan.Plan, how VerifyOptions, d Deps) (*report.Report, error) {
	r := newRun(p, d)
	defer r.closeViews()
	err := control.Guard(func() error { return r.verifyOnly(ctx, how) })
	return r.finish(ctx, err)
}

func (r *run) verifyOnly(ctx context.Context, how VerifyOptions) error {
	r.closed = true // there is no step that could be missing
	if err := r.refuseSame(ctx); err != nil {
		return err
	}
	contents, err := r.d.Target.Ledger(ctx, r.p.Migration)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	if contents == nil || contents.Run == nil {
		return fmt.Errorf("nothing to verify: the target has no ledger of migration %q", r.p.Migration)
	}
	r.report.Lineage, r.report.Serial = contents.Run.Lineage, contents.Run.Serial
	r.adopt(contents)
	named, err := r.named(how.Tables)
	if err != nil {
		return err
	}
	found, err := r.compareStructures(ctx, named)
	if err != nil {
		return fmt.Errorf("compare structures: %w", err)
	}
	r.misshapen(found, report.Different)
	if how.Structure {
		r.onlyStructures(named)
		return nil
	}
	tables := r.chosen(named, len(how.Tables) > 0)
	r.set.Lock()
	if len(how.Tables) > 0 {
		r.set.Order = tables // the report is about these
	}
	for _, t := range tables { // what an earlier run found is no answer
		t.Row.State = ledger.Complete
	}
	r.set.Unlock()
	if how.Content {
		return r.compareSides(ctx, tables)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.processes(true))
	for _, part := range portions(tables) {
		group.Go(func() error {
			return control.Guard(func() error { return r.judgeApart(ctx, part) })
		})
	}
	return group.Wait()
}

// judgeApart judges tables, one by one where they cannot be read together, so that one
// that was dropped or altered is a difference and hides no other.
func (r *run) judgeApart(ctx context.Context, tables []*work.Table) error {
	found, err := r.judge(ctx, tables)
	switch {
	case err == nil:
		r.verdicts(tables, found)
	case !altered(err):
		return err
	case len(tables) == 1:
		r.fails.differs(tables[0], err.Error())
	default:
		for i := range tables {
			if err := r.judgeApart(ctx, tables[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// altered says whether a table, or a column of it, is no longer there.
func altered(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Changed || kind == providers.NotFound
}

// named returns the tables of those names; without any all of the plan.
func (r *run) named(names []catalog.Name) ([]*work.Table, error) {
	if len(names) == 0 {
		return r.set.Order, nil
	}
	var out []*work.Table
	for _, n := range names {
		t := r.set.ByName[n]
		if t == nil {
			return nil, fmt.Errorf("the migration has no table %s", n)
		}
		out = append(out, t)
	}
	return out, nil
}

// onlyStructures makes the report one about structures.
func (r *run) onlyStructures(tables []*work.Table) {
	r.set.Lock()
	defer r.set.Unlock()
	differ := make(map[catalog.Name]bool)
	for _, d := range r.report.Structure {
		differ[d.Table] = true
	}
	r.set.Order = slices.DeleteFunc(slices.Clone(tables), func(t *work.Table) bool { return t.Plan.Action == plan.Forget || t.Target == nil })
	for _, t := range r.set.Order {
		as := *t.Plan
		as.Verify = report.Structure
		if t.Plan, t.Result = &as, report.Equal; differ[t.Target.Name] {
			t.Result = report.Unequal
		}
	}
}

// chosen returns the tables that rows travel of, and lists those that are not all in.
func (r *run) chosen(tables []*work.Table, byName bool) []*work.Table {
	var out []*work.Table
	for _, t := range tables {
		switch {
		case t.Plan.Action == plan.Structure, t.Plan.Action == plan.Forget, t.Plan.Verify == plan.LevelNone && !byName:
		case !left.Complete(t.Row.State):
			r.fails.differs(t, fmt.Sprintf("it is not complete: %d packages are in", len(t.In)))
		default:
			out = append(out, t)
		}
	}
	return out
}

// portions cuts tables into parts that one reader takes: many small ones, or one large.
func portions(tables []*work.Table) [][]*work.Table {
	var out [][]*work.Table
	var part []*work.Table
	for _, t := range tables {
		if t.LoadedRows() > splitRows/10 {
			out = append(out, []*work.Table{t})
			continue
		}
		if part = append(part, t); len(part) == bundleTables {
			out, part = append(out, part), nil
		}
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out
}

// sides is how a table is read on both sides, in the target's form.
type sides struct {
	run    *run
	source *shared
}

func newSides(r *run) *sides {
	return &sides{run: r, source: newShared(r.d.Source, providers.SnapshotOptions{Readers: r.processes(true), Quiet: r.p.Quiet})}
}

func (s *sides) close() { s.source.close() }

// compareSides reads source and target again. A live source's rows are those of now,
// so what it has written since the copy shows as a difference.
func (r *run) compareSides(ctx context.Context, tables []*work.Table) error {
	s := newSides(r)
	defer s.close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.processes(true))
	for _, t := range tables {
		group.Go(func() error {
			return control.Guard(func() error {
				source, target, err := s.sums(ctx, t)
				switch {
				case err == nil:
					r.verdicts([]*work.Table{t}, []verdict{judgeSides(t, source, target)})
				case altered(err):
					r.fails.differs(t, err.Error())
				default:
					return err
				}
				return nil
			})
		})
	}
	return group.Wait()
}

func judgeSides(t *work.Table, source, target digest.Sum) verdict {
	if source == target {
		return verdict{result: report.Equal, detail: fmt.Sprintf("%d rows by content, both sides read again", source.Rows)}
	}
	detail := fmt.Sprintf("both sides have %d rows, and their content differs", source.Rows)
	if source.Rows != target.Rows {
		detail = fmt.Sprintf("source %d rows, target %d", source.Rows, target.Rows)
	}
	if t.Excuses(source.Rows, target.Rows) && source.Rows != target.Rows {
		return verdict{result: report.Excepted, detail: detail + "; " + t.Plan.Exception.Rule + ": " + t.Plan.Exception.Reason}
	}
	return verdict{result: report.Unequal, detail: detail}
}

// sums digests a table on both sides at once.
func (s *sides) sums(ctx context.Context, t *work.Table) (source, target digest.Sum, err error) {
	group, ctx := errgroup.WithContext(ctx)
	sum := func(into *digest.Sum, scan func(context.Context, *work.Table, Visit) error) func() error {
		return func() error {
			hasher, err := digest.New(t.Target.Columns, nil)
			if err != nil {
				return err
			}
			return scan(ctx, t, func(rec Batch) error {
				part, err := hasher.Sum(rec)
				*into = into.Add(part)
				return err
			})
		}
	}
	group.Go(sum(&source, s.scanSource))
	group.Go(sum(&target, s.scanTarget))
	return source, target, group.Wait()
}
