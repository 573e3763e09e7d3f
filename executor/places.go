package executor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// namesListed is how many names one message lists.
const namesListed = 20

// places looks, under the lock, whether what the plan found on the target is still so: a
// table that is to be made is not there, one that is to be filled is there and empty. What
// somebody has made or filled since is never touched; the plan is stale.
func (r opening) places(ctx context.Context) error {
	r.set.Lock()
	tables := r.acting()
	vacated := r.vacated()
	r.set.Unlock()
	wrong := r.outdated()
	for part := range slices.Chunk(tables, inspectedTables) {
		names := make([]catalog.Name, len(part))
		for i, t := range part {
			names[i] = t.Target.Name
		}
		there, err := r.identified(ctx, names)
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		var filled []*work.Table
		for _, t := range part {
			switch now := there[t.Target.Name]; {
			case vacated[t.Target.Name]:
			case now != nil && r.replaced(t, now) && t.Plan.Drop && t.Plan.Foreign:
				t.Gone = true
			case now != nil && r.replaced(t, now):
				wrong = append(wrong, "another table has replaced "+t.Target.String())
			case now == nil && !t.Plan.Create && (t.Known && t.Row.Target == t.Target.Name || t.Nothing()):
				wrong = append(wrong, t.Target.String()+" is no longer on the target")
			case now == nil:
				t.Gone = t.Known && t.Row.Target == t.Target.Name
			case t.Plan.Create && !t.Plan.Drop && (t.Nothing() || t.Row.Target != t.Target.Name):
				wrong = append(wrong, t.Target.String()+" is now on the target, and dmoctl did not create it")
			case !t.Plan.Create && t.Nothing():
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

// outdated names the tables of which the plan keeps what is in, and of which something is left that
// it does not do: a run has marked them to be copied again since, or has begun to.
func (r opening) outdated() []string {
	r.set.Lock()
	defer r.set.Unlock()
	compared := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		for _, n := range s.Tables {
			compared[n] = compared[n] || s.Kind == plan.StepVerify
		}
	}
	var out []string
	for _, t := range r.set.Order {
		a := t.Plan.Action
		if a != plan.Keep && a != plan.Resume {
			continue
		}
		gone := slices.ContainsFunc(t.Plan.Packages, func(p *plan.Package) bool { return p.In && !t.Has(p) })
		if t.Voided() || gone {
			out = append(out, "the loaded packages of "+t.Name()+" are no longer valid")
			continue
		}
		for _, i := range left.Of(t.Want(), t.Ledger(r.p.Migration)) {
			if a == plan.Keep && (i.Kind != left.Verification || !compared[t.Plan.Source.Name]) {
				out = append(out, t.Name()+" was restarted")
				break
			}
		}
	}
	return out
}

// acting returns the tables that the plan does something to.
func (r opening) acting() []*work.Table {
	named := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		for _, n := range s.Tables {
			named[n] = true
		}
	}
	var out []*work.Table
	for _, t := range r.set.Order {
		if t.Plan.Target == nil || t.Plan.Action == plan.Forget || t.Plan.Action == plan.Keep && !named[t.Plan.Source.Name] {
			continue
		}
		out = append(out, t)
	}
	return out
}

// vacated are the names on the target that tables of ours give up under this plan.
func (r opening) vacated() map[catalog.Name]bool {
	out := make(map[catalog.Name]bool)
	for _, t := range r.set.Order {
		if t.Known && t.Row.Created && t.Plan.Predecessor != nil && t.Row.Target == *t.Plan.Predecessor {
			out[t.Row.Target] = true
		}
	}
	return out
}

// filled says which tables hold rows, of those that must be empty.
func (r opening) filled(ctx context.Context, tables []*work.Table) ([]string, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	snapshot, err := r.d.Target.Snapshot(ctx, providers.SnapshotOptions{Readers: 1, Quiet: true})
	if err != nil {
		return nil, fmt.Errorf("count tables of the target: %w", err)
	}
	defer snapshot.Close()
	var out []string
	for part := range slices.Chunk(tables, work.BundleTables) {
		list := make([]*catalog.Table, len(part))
		for i, t := range part {
			list[i] = t.Target
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
