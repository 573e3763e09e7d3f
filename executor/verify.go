package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// verifyStep compares tables of the target with the ledger, at their levels.
func (r *run) verifyStep(ctx context.Context, s *plan.Step) error {
	r.d.before(PointVerify)
	var changed, compare []*table
	for _, t := range r.sound(s) {
		switch {
		case t.plan.Action == plan.Structure || t.plan.Verify == plan.LevelNone:
		case !left.Complete(t.row.State):
			r.fail(report.Failure{Table: t.name(), Step: s.ID}, fmt.Errorf("%s cannot be verified: %d of %d packages are not in", t.name(), t.left(), len(t.plan.Packages)))
		default:
			compare = append(compare, t)
		}
	}
	for start := 0; start < len(compare); start += bundleTables {
		if r.ending(ctx) {
			return errStopped
		}
		part := compare[start:min(start+bundleTables, len(compare))]
		var found []verdict
		err := r.retry(ctx, "read the target back", func(ctx context.Context) (err error) {
			found, err = r.judge(ctx, part)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the target back: %w", err)
		}
		changed = append(changed, r.verdicts(part, found)...)
	}
	return r.recordTables(ctx, changed)
}

// verdict is what was found out about a table.
type verdict struct {
	result string
	detail string
}

// judge reads tables of the target back in one view.
func (r *run) judge(ctx context.Context, tables []*table) ([]verdict, error) {
	list := make([]*catalog.Table, len(tables))
	for i, t := range tables {
		list[i] = t.target
	}
	out, large, err := r.judgeIn(ctx, list, tables)
	if err != nil {
		return nil, err
	}
	for _, i := range large {
		have, err := r.contentOf(ctx, list[i], tables[i].loadedRows())
		if err != nil {
			return nil, err
		}
		out[i] = judgeContent(tables[i], have)
	}
	return out, nil
}

// judgeIn reads tables back in one view; large are those whose content is left to
// several readers.
func (r *run) judgeIn(ctx context.Context, list []*catalog.Table, tables []*table) (out []verdict, large []int, err error) {
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
		if out[i].result != report.Equal || t.plan.Verify != plan.LevelContent {
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
func judgeCount(t *table, target int64) verdict {
	loaded := t.loadedRows()
	source := t.row.Count
	if source < 0 {
		source = loaded
	}
	if target == loaded && loaded == source {
		return verdict{result: report.Equal, detail: fmt.Sprintf("%d rows", target)}
	}
	detail := fmt.Sprintf("source %d rows, loaded %d, target %d", source, loaded, target)
	if excuses(t, source, target) {
		return verdict{result: report.Excepted, detail: detail + "; " + t.plan.Exception.Rule + ": " + t.plan.Exception.Reason}
	}
	return verdict{result: report.Unequal, detail: detail}
}

// judgeContent holds the target's digest against the sum of the packages'.
func judgeContent(t *table, have digest.Sum) verdict {
	var want digest.Sum
	for _, l := range t.in {
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
func (r *run) verdicts(tables []*table, found []verdict) []*table {
	var changed []*table
	for i, t := range tables {
		v := found[i]
		if v.result == report.Unequal {
			r.differs(t, v.detail)
			continue
		}
		r.mu.Lock()
		t.result, t.detail = v.result, v.detail
		state := ledger.Counted
		if v.result == report.Excepted {
			state = ledger.Excused
		}
		if t.plan.Verify == plan.LevelContent && v.result == report.Equal {
			state = ledger.Compared
		}
		if t.row.State != state {
			t.row.State = state
			changed = append(changed, t)
		}
		r.mu.Unlock()
		r.emit(report.Event{Event: report.TableVerified, Phase: plan.Verify, Table: t.name(), Rows: t.row.Count, Kind: v.result, Message: v.detail})
	}
	return changed
}
