package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/compare"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// verifying compares rows and takes note of what was found.
type verifying struct{ *run }

// verifyStep compares tables of the target with the ledger, at their levels.
func (r verifying) verifyStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointVerify)
	var changed, due []*work.Table
	for _, t := range r.sound(s) {
		switch {
		case t.Plan.Action == plan.Structure || t.Plan.Verify == plan.LevelNone:
		case !left.Complete(t.Row.State):
			r.fails.fail(
				report.Failure{Table: t.Name(), Step: s.ID},
				fmt.Errorf("%s cannot be verified: %d of %d packages are not in", t.Name(), t.Left(), len(t.Plan.Packages)),
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
func (r verifying) verdicts(tables []*work.Table, found []compare.Verdict) []*work.Table {
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
