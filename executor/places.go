package executor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// namesListed is how many names one message lists.
const namesListed = 20

// places looks, under the lock, whether what the plan found on the target is still so: a
// table that is to be made is not there, one that is to be filled is there and empty. What
// somebody has made or filled since is never touched; the plan is stale.
func (r *run) places(ctx context.Context) error {
	r.mu.Lock()
	tables := r.toMake()
	vacated := r.vacated()
	r.mu.Unlock()
	var wrong []string
	for part := range slices.Chunk(tables, inspectedTables) {
		names := make([]catalog.Name, len(part))
		for i, t := range part {
			names[i] = t.target.Name
		}
		there, err := r.inspect(ctx, r.d.Target, names)
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		var filled []*table
		for _, t := range part {
			switch now := there[t.target.Name]; {
			case vacated[t.target.Name]:
			case now == nil && !t.plan.Create:
				wrong = append(wrong, t.target.String()+" is no longer on the target")
			case now == nil:
				t.gone = t.known && t.row.Target == t.target.Name
			case t.plan.Create && !t.plan.Drop && (t.nothing() || t.row.Target != t.target.Name):
				wrong = append(wrong, t.target.String()+" is on the target now, and dmoctl did not make it")
			case !t.plan.Create && t.nothing():
				filled = append(filled, t)
			}
		}
		more, err := r.filled(ctx, filled)
		if err != nil {
			return err
		}
		wrong = append(wrong, more...)
	}
	if len(wrong) == 0 {
		return nil
	}
	if n := len(wrong) - namesListed; n > 0 {
		wrong = append(wrong[:namesListed], fmt.Sprintf("and %d more", n))
	}
	return stale(fmt.Errorf("since the plan was made, %s", strings.Join(wrong, "; ")))
}

// toMake returns the tables that the plan makes, or of which nothing is made or loaded yet.
func (r *run) toMake() []*table {
	var out []*table
	for _, t := range r.order {
		if t.plan.Target == nil || t.plan.Action == plan.Forget || t.plan.Action == plan.Keep {
			continue
		}
		if t.plan.Create || t.nothing() {
			out = append(out, t)
		}
	}
	return out
}

// vacated are the names on the target that tables of ours give up under this plan.
func (r *run) vacated() map[catalog.Name]bool {
	out := make(map[catalog.Name]bool)
	for _, t := range r.order {
		if t.known && t.row.Created && t.plan.Predecessor != nil && t.row.Target == *t.plan.Predecessor {
			out[t.row.Target] = true
		}
	}
	return out
}

// filled says which tables hold rows, of those that must be empty.
func (r *run) filled(ctx context.Context, tables []*table) ([]string, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	snapshot, err := r.d.Target.Snapshot(ctx, providers.SnapshotOptions{Readers: 1, Quiet: true})
	if err != nil {
		return nil, fmt.Errorf("count tables of the target: %w", err)
	}
	defer snapshot.Close()
	var out []string
	for part := range slices.Chunk(tables, bundleTables) {
		list := make([]*catalog.Table, len(part))
		for i, t := range part {
			list[i] = t.target
		}
		view, err := snapshot.Begin(ctx, list)
		if err != nil {
			return nil, fmt.Errorf("count tables of the target: %w", err)
		}
		counts, err := view.Count(ctx, list)
		view.Close()
		if err != nil {
			return nil, fmt.Errorf("count tables of the target: %w", err)
		}
		for i, c := range counts {
			if c.Rows > 0 {
				out = append(out, fmt.Sprintf("%s on the target holds %d rows that dmoctl did not load", list[i].Name, c.Rows))
			}
		}
	}
	return out, nil
}
