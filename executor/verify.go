package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// verifyStep compares tables of the target with the ledger, at their levels.
func (r *run) verifyStep(ctx context.Context, s *plan.Step) error {
	r.ctl.Before(control.PointVerify)
	var changed, compare []*work.Table
	for _, t := range r.sound(s) {
		switch {
		case t.Plan.Action == plan.Structure || t.Plan.Verify == plan.LevelNone:
		case !left.Complete(t.Row.State):
			r.fails.fail(report.Failure{Table: t.Name(), Step: s.ID}, fmt.Errorf("%s cannot be verified: %d of %d packages are not in", t.Name(), t.Left(), len(t.Plan.Packages)))
		default:
			compare = append(compare, t)
		}
	}
	for start := 0; start < len(compare); start += bundleTables {
		if r.ending(ctx) {
			return control.ErrStopped
		}
		part := compare[start:min(start+bundleTables, len(compare))]
		var found []verdict
		err := r.ctl.Retry(ctx, "read the target back", func(ctx context.Context) (err error) {
			found, err = r.judge(ctx, part)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the target back: %w", err)
		}
		changed = append(changed, r.verdicts(part, found)...)
	}
	return r.target.RecordTables(ctx, changed)
}

// verdict is what was found out about a table.
type verdict struct {
	result string
	detail string
}

// judge reads tables of the target back in one view.
func (r *run) judge(ctx context.Context, tables []*work.Table) ([]verdict, error) {
	list := make([]*catalog.Table, len(tables))
	for i, t := range tables {
		list[i] = t.Target
	}
	out, large, err := r.judgeIn(ctx, list, tables)
	if err != nil {
		return nil, err
	}
	for _, i := range large {
		have, err := r.contentOf(ctx, list[i], tables[i].LoadedRows())
		if err != nil {
			return nil, err
		}
		out[i] = judgeContent(tables[i], have)
	}
	return out, nil
}

// judgeIn reads tables back in one view; large are those whose content is left to
// several readers.
func (r *run) judgeIn(ctx context.Context, list []*catalog.Table, tables []*work.Table) (out []verdict, large []int, err error) {
	view, end, err := r.readBack.begin(ctx, list)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	counts, err := view.Count(ctx, list)
	if err != nil {
		return nil, nil, err
	}
	out = make([]verdict, len(tables))
	for i, t := range tables {
		out[i] = judgeCount(t, counts[i].Rows)
		if out[i].result != report.Equal || t.Plan.Verify != plan.LevelContent {
			continue
		}
		if counts[i].Rows > splitRows {
			large = append(large, i)
			continue
		}
		have, err := sumOfRange(ctx, view, list[i], catalog.Range{Rows: -1, Bytes: -1}, r.readOptions())
		if err != nil {
			return nil, nil, err
		}
		out[i] = judgeContent(t, have)
	}
	return out, large, nil
}

// judgeCount holds the target's count against the packages' and the source's.
func judgeCount(t *work.Table, target int64) verdict {
	loaded := t.LoadedRows()
	source := t.Row.Count
	if source < 0 {
		source = loaded
	}
	if target == loaded && loaded == source {
		return verdict{result: report.Equal, detail: fmt.Sprintf("%d rows", target)}
	}
	detail := fmt.Sprintf("source %d rows, loaded %d, target %d", source, loaded, target)
	if t.Excuses(source, target) {
		return verdict{result: report.Excepted, detail: detail + "; " + t.Plan.Exception.Rule + ": " + t.Plan.Exception.Reason}
	}
	return verdict{result: report.Unequal, detail: detail}
}

// judgeContent holds the target's digest against the sum of the packages'.
func judgeContent(t *work.Table, have digest.Sum) verdict {
	var want digest.Sum
	for _, l := range t.In {
		s, err := digest.Parse(l.Digest)
		if err != nil {
			return verdict{result: report.Unequal, detail: fmt.Sprintf("package %s: %v", l.ID, err)}
		}
		want = want.Add(s)
	}
	if have == want {
		return verdict{result: report.Equal, detail: fmt.Sprintf("%d rows by content", have.Rows)}
	}
	return verdict{result: report.Unequal, detail: "the counts agree and the content does not"}
}

// verdicts takes note of what was found and returns the tables whose ledger rows it changes.
func (r *run) verdicts(tables []*work.Table, found []verdict) []*work.Table {
	var changed []*work.Table
	for i, t := range tables {
		v := found[i]
		if v.result == report.Unequal {
			r.fails.differs(t, v.detail)
			continue
		}
		r.set.Lock()
		t.Result, t.Detail = v.result, v.detail
		state := ledger.Counted
		if v.result == report.Excepted {
			state = ledger.Excused
		}
		if t.Plan.Verify == plan.LevelContent && v.result == report.Equal {
			state = ledger.Compared
		}
		if t.Row.State != state {
			t.Row.State = state
			changed = append(changed, t)
		}
		r.set.Unlock()
		r.ctl.Emit(report.Event{Event: report.TableVerified, Phase: plan.Verify, Table: t.Name(), Rows: t.Row.Count, Kind: v.result, Message: v.detail})
	}
	return changed
}
