package compare

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Verdict is what was found out about a table.
type Verdict struct {
	Result string // see report
	Detail string
}

// Judge reads tables of the target back in one view.
func (c *Comparison) Judge(ctx context.Context, tables []*work.Table) ([]Verdict, error) {
	list := make([]*catalog.Table, len(tables))
	for i, t := range tables {
		list[i] = t.Target
	}
	out, large, err := c.judgeIn(ctx, list, tables)
	if err != nil {
		return nil, err
	}
	for _, i := range large {
		have, err := c.content(ctx, list[i], tables[i].LoadedRows())
		if err != nil {
			return nil, err
		}
		out[i] = judgeContent(tables[i], have)
	}
	return out, nil
}

// judgeIn reads tables back in one view; large are those whose content is left to
// several readers.
func (c *Comparison) judgeIn(
	ctx context.Context, list []*catalog.Table, tables []*work.Table,
) (out []Verdict, large []int, err error) {
	view, end, err := c.target.Begin(ctx, list)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	counts, err := view.Count(ctx, list)
	if err != nil {
		return nil, nil, err
	}
	out = make([]Verdict, len(tables))
	for i, t := range tables {
		out[i] = judgeCount(t, counts[i].Rows)
		if out[i].Result != report.Equal || t.Plan.Verify != plan.LevelContent {
			continue
		}
		if counts[i].Rows > splitRows {
			large = append(large, i)
			continue
		}
		have, err := c.reading.Sum(ctx, view, list[i], catalog.WholeTable())
		if err != nil {
			return nil, nil, err
		}
		out[i] = judgeContent(t, have)
	}
	return out, large, nil
}

// judgeCount holds the target's count against the packages' and the source's.
func judgeCount(t *work.Table, target int64) Verdict {
	loaded := t.LoadedRows()
	source := t.Row.Count
	if source < 0 {
		source = loaded
	}
	if target == loaded && loaded == source {
		return Verdict{Result: report.Equal, Detail: fmt.Sprintf("%d rows", target)}
	}
	detail := fmt.Sprintf("source %d rows, loaded %d, target %d", source, loaded, target)
	if t.Excuses(source, target) {
		return Verdict{
			Result: report.Excepted, Detail: detail + "; " + string(t.Plan.Exception.Rule) + ": " + t.Plan.Exception.Reason,
		}
	}
	return Verdict{Result: report.Unequal, Detail: detail}
}

// judgeContent holds the target's digest against the sum of the packages'.
func judgeContent(t *work.Table, have digest.Sum) Verdict {
	var want digest.Sum
	for _, l := range t.In {
		s, err := digest.Parse(l.Digest)
		if err != nil {
			return Verdict{Result: report.Unequal, Detail: fmt.Sprintf("package %s: %v", l.ID, err)}
		}
		want = want.Add(s)
	}
	if have == want {
		return Verdict{Result: report.Equal, Detail: fmt.Sprintf("%d rows by content", have.Rows)}
	}
	return Verdict{Result: report.Unequal, Detail: "the row counts match, but the content differs"}
}

// Sides reads a table on both sides. A live source's rows are those of now, so what it has
// written since the copy shows as a difference.
func (c *Comparison) Sides(ctx context.Context, t *work.Table) (Verdict, error) {
	source, target, err := c.sums(ctx, t)
	if err != nil {
		return Verdict{}, err
	}
	return judgeSides(t, source, target), nil
}

func judgeSides(t *work.Table, source, target digest.Sum) Verdict {
	if source == target {
		return Verdict{Result: report.Equal, Detail: fmt.Sprintf("%d rows by content, both sides read again", source.Rows)}
	}
	detail := fmt.Sprintf("both sides have %d rows, but the content differs", source.Rows)
	if source.Rows != target.Rows {
		detail = fmt.Sprintf("source %d rows, target %d", source.Rows, target.Rows)
	}
	if t.Excuses(source.Rows, target.Rows) && source.Rows != target.Rows {
		return Verdict{
			Result: report.Excepted, Detail: detail + "; " + string(t.Plan.Exception.Rule) + ": " + t.Plan.Exception.Reason,
		}
	}
	return Verdict{Result: report.Unequal, Detail: detail}
}
