package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/executor/compare"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
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
	defer r.verifying.compare.Close()
	err := control.Guard(func() error { return r.verifying.verifyOnly(ctx, how) })
	return r.closing.finish(ctx, err)
}

func (r *verifying) verifyOnly(ctx context.Context, how VerifyOptions) error {
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
	found, err := r.auditing.compareStructures(ctx, named)
	if err != nil {
		return fmt.Errorf("compare structures: %w", err)
	}
	r.auditing.misshapen(found, report.Different)
	if how.Structure {
		r.onlyStructures(named)
		return nil
	}
	tables := r.chosen(named, len(how.Tables) > 0)
	r.set.Lock()
	if len(how.Tables) > 0 {
		r.set.Order = tables // the report is about these
	}
	for _, t := range tables { // what an earlier run found is not an answer
		t.Row.State = ledger.Complete
	}
	r.set.Unlock()
	if how.Content {
		return r.compareSides(ctx, tables)
	}
	group, ctx := control.NewGroup(ctx, r.processes(true))
	for _, part := range compare.Portions(tables) {
		group.Go(func() error { return r.judgeApart(ctx, part) })
	}
	return group.Wait()
}

// judgeApart judges tables, one by one where they cannot be read together, so that one
// that was dropped or altered is a difference and hides no other.
func (r *verifying) judgeApart(ctx context.Context, tables []*work.Table) error {
	found, err := r.compare.Judge(ctx, tables)
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
func (r *verifying) named(names []catalog.Name) ([]*work.Table, error) {
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
func (r *verifying) onlyStructures(tables []*work.Table) {
	r.set.Lock()
	defer r.set.Unlock()
	differ := make(map[catalog.Name]bool)
	for _, d := range r.report.Structure {
		differ[d.Table] = true
	}
	r.set.Order = slices.DeleteFunc(slices.Clone(tables), func(t *work.Table) bool {
		return t.Plan.Action == plan.Forget || t.Target == nil
	})
	for _, t := range r.set.Order {
		as := *t.Plan
		as.Verify = report.Structure
		if t.Plan, t.Result = &as, report.Equal; differ[t.Target.Name] {
			t.Result = report.Unequal
		}
	}
}

// chosen returns the tables that rows travel of, and lists those that are not all in.
func (r *verifying) chosen(tables []*work.Table, byName bool) []*work.Table {
	var out []*work.Table
	for _, t := range tables {
		switch {
		case t.Plan.Action == plan.Structure, t.Plan.Action == plan.Forget, t.Plan.Verify == plan.LevelNone && !byName:
		case !t.Row.State.Complete():
			r.fails.differs(t, fmt.Sprintf("it is not complete: %d packages are loaded", len(t.In)))
		default:
			out = append(out, t)
		}
	}
	return out
}

// compareSides reads source and target again. A live source's rows are those of now,
// so what it has written since the copy shows as a difference.
func (r *verifying) compareSides(ctx context.Context, tables []*work.Table) error {
	group, ctx := control.NewGroup(ctx, r.processes(true))
	for _, t := range tables {
		group.Go(func() error {
			found, err := r.compare.Sides(ctx, t)
			switch {
			case err == nil:
				r.verdicts([]*work.Table{t}, []compare.Verdict{found})
			case altered(err):
				r.fails.differs(t, err.Error())
			default:
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// Explain finds the rows of a table that differ between source and target. Both
// sides are read twice: once into 4,096 buckets of hash(key), once for the rows of
// the buckets that differ. The error is an *Outcome with exit code 3 where rows differ.
func Explain(ctx context.Context, p *plan.Plan, name catalog.Name, d Deps) (*report.Explanation, error) {
	r := newRun(p, d)
	defer r.verifying.compare.Close()
	t := r.set.ByName[name]
	if t == nil {
		return nil, &Outcome{
			Exit: report.Error, ID: diag.UnknownTable, Summary: "Unknown table", Err: fmt.Errorf("the migration has no table %s", name),
		}
	}
	var out *report.Explanation
	err := control.Guard(func() (err error) {
		out, err = r.verifying.compare.Explain(ctx, t)
		return err
	})
	if err != nil {
		if o := ofKind(err); o != nil {
			return nil, o
		}
		return nil, &Outcome{Exit: report.Error, ID: diag.UncomparedRows, Summary: "Rows could not be compared", Err: err}
	}
	if out.Differing > 0 {
		return out, &Outcome{Exit: report.Different, ID: diag.RowsDiffer, Summary: "Rows differ", Err: errors.New(t.Name())}
	}
	return out, nil
}

// verifying compares rows and takes note of what was found.
type verifying struct {
	*frame
	compare  *compare.Comparison
	auditing *auditing
}

// verifyStep compares tables of the target with the ledger, at their levels.
func (r *verifying) verifyStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointVerify)
	var changed, due []*work.Table
	for _, t := range r.sound(s) {
		switch {
		case t.Plan.Action == plan.Structure || t.Plan.Verify == plan.LevelNone:
		case !t.Row.State.Complete():
			r.fails.fail(
				report.Failure{Table: t.Name(), Step: s.ID},
				fmt.Errorf("%s cannot be verified: %d of %d packages are not loaded", t.Name(), t.Left(), len(t.Plan.Packages)),
			)
		default:
			due = append(due, t)
		}
	}
	for start := 0; start < len(due); start += work.BundleTables {
		if r.ending(ctx) {
			return control.ErrStopped
		}
		part := due[start:min(start+work.BundleTables, len(due))]
		var found []compare.Verdict
		err := r.ctl.Retry(ctx, "read the target back", func(ctx context.Context) (err error) {
			found, err = r.compare.Judge(ctx, part)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the target back: %w", err)
		}
		changed = append(changed, r.verdicts(part, found)...)
	}
	return r.target.RecordTables(ctx, changed)
}

// verdicts takes note of what was found and returns the tables whose ledger rows it changes.
func (r *verifying) verdicts(tables []*work.Table, found []compare.Verdict) []*work.Table {
	var changed []*work.Table
	for i, t := range tables {
		v := found[i]
		if v.Result == report.Unequal {
			r.fails.differs(t, v.Detail)
			continue
		}
		r.set.Lock()
		t.Result, t.Detail = v.Result, v.Detail
		state := ledger.Counted
		if v.Result == report.Excepted {
			state = ledger.Excused
		}
		if t.Plan.Verify == plan.LevelContent && v.Result == report.Equal {
			state = ledger.Compared
		}
		if t.Row.State != state {
			t.Row.State = state
			changed = append(changed, t)
		}
		r.set.Unlock()
		r.ctl.Emit(report.Event{
			Event: report.TableVerified, Phase: plan.Verify, Table: t.Name(), Rows: t.Row.Count, Kind: v.Result,
			Message: v.Detail,
		})
	}
	return changed
}
