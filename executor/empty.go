package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// emptying takes out of the target what does not count.
type emptying struct{ *frame }

// emptyAll empties tables together; where that fails for good, one by one, so that the
// others are copied. A table that could not be emptied is stopped: nothing tries again.
func (r emptying) emptyAll(ctx context.Context, step string, tables []*work.Table) error {
	err := r.empty(ctx, tables)
	if err == nil || ctx.Err() != nil || errors.Is(err, control.ErrStopped) || hopeless(err) {
		return err
	}
	return r.oneByOne(ctx, step, tables, err, func(t *work.Table) error { return r.empty(ctx, []*work.Table{t}) })
}

// empty empties tables on the target, together with their rows in loaded.
func (r emptying) empty(ctx context.Context, tables []*work.Table) error {
	if len(tables) == 0 {
		return nil
	}
	if err := r.transport.Restart(ctx, tables); err != nil {
		return fmt.Errorf("restart tables in the staging: %w", err)
	}
	r.ctl.Before(control.PointEmpty)
	if err := r.dropForeignKeys(ctx, tables); err != nil {
		return fmt.Errorf("drop foreign keys of tables to empty: %w", err)
	}
	reload, err := r.reloads(ctx, tables)
	if err != nil {
		return err
	}
	err = r.ctl.Retry(ctx, "empty tables", func(ctx context.Context) error {
		return r.target.Write(ctx, func(ctx context.Context) error { return r.target.Session.Reload(ctx, reload) })
	})
	if err != nil {
		return fmt.Errorf("empty tables: %w", err)
	}
	r.set.Lock()
	for _, t := range tables {
		t.In = nil
		t.Row.State, t.Row.Serial, t.Row.Count, t.Row.Changes, t.Row.Snapshot = ledger.Empty, r.led.Serial, -1, "", ""
	}
	r.progress.adopt(r.set.Order)
	r.set.Unlock()
	return r.target.RecordTables(ctx, tables)
}

// reloads says what is emptied. A table that has another name by now is emptied under the
// one that the ledger knows.
func (r emptying) reloads(ctx context.Context, tables []*work.Table) ([]providers.ReloadTable, error) {
	out := make([]providers.ReloadTable, len(tables))
	var former []catalog.Name
	r.set.Lock()
	for i, t := range tables {
		out[i] = providers.ReloadTable{Source: t.Plan.Source.Name, Target: t.Target}
		if t.Row.Target != t.Target.Name {
			out[i].Target = &catalog.Table{Name: t.Row.Target}
			former = append(former, t.Row.Target)
		}
	}
	r.set.Unlock()
	there, err := r.inspect(ctx, r.d.Target, former)
	if err != nil {
		return nil, fmt.Errorf("read tables to empty: %w", err)
	}
	for i := range out {
		if t := there[out[i].Target.Name]; t != nil {
			out[i].Target = work.WithoutFiles(t)
		}
	}
	return out, nil
}

// emptyStep empties what the ledger says does not count. What was read under a snapshot that
// is gone is emptied once the next one is there, see mustEmpty.
func (r emptying) emptyStep(ctx context.Context, s *plan.Step) error {
	var tables []*work.Table
	for _, t := range r.sound(s) {
		r.set.Lock()
		if t.Voided() {
			tables = append(tables, t)
		}
		r.set.Unlock()
	}
	return r.emptyAll(ctx, s.ID, tables)
}

// dropForeignKeys drops the foreign keys from and to tables that are about to be emptied,
// as far as the plan makes them again. With them a child could not be loaded before
// its parent, and emptying a parent would be refused or, by ON DELETE CASCADE, take
// rows along that the ledger counts as in.
func (r emptying) dropForeignKeys(ctx context.Context, emptied []*work.Table) error {
	if r.d.Target.Limits().InlineKeys {
		return nil
	}
	again := make(map[catalog.Name]bool)
	for _, s := range r.p.Steps {
		if s.Kind == plan.StepForeignKey {
			for _, n := range s.Tables {
				again[n] = true
			}
		}
	}
	gone := make(map[catalog.Name]bool, len(emptied))
	r.set.Lock()
	for _, t := range emptied {
		gone[t.Target.Name], gone[t.Row.Target] = true, true
	}
	r.set.Unlock()
	ddl, err := r.dropFormerForeignKeys(ctx, gone)
	if err != nil {
		return err
	}
	for _, t := range r.set.Order {
		for _, f := range t.Plan.DropForeignKeys {
			if gone[t.Target.Name] || gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name, Keep: &f})
			}
		}
		for _, f := range t.Plan.Unwanted {
			if gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: t.Target.Name, Name: f.Name})
			}
		}
		for _, f := range t.Target.ForeignKeys {
			if again[t.Plan.Source.Name] && !t.DropsForeignKey(f.Name) && (gone[t.Target.Name] || gone[f.Table]) {
				drop := providers.DropForeignKey{Table: t.Target.Name, Name: f.Name}
				if !t.Row.Created {
					drop.Keep = &f // a rollback makes it again, too
				}
				ddl = append(ddl, drop)
			}
		}
	}
	return r.target.Alter(ctx, ddl)
}

// dropFormerForeignKeys returns what drops the foreign keys of tables that have another name by now,
// and stand under the former one until they are dropped.
func (r emptying) dropFormerForeignKeys(ctx context.Context, gone map[catalog.Name]bool) ([]providers.DDL, error) {
	var former []catalog.Name
	r.set.Lock()
	for _, t := range r.set.Order {
		if t.Known && t.Row.Created && t.Plan.Predecessor != nil && t.Row.Target == *t.Plan.Predecessor {
			former = append(former, t.Row.Target)
		}
	}
	r.set.Unlock()
	there, err := r.inspect(ctx, r.d.Target, former)
	if err != nil {
		return nil, fmt.Errorf("read tables under their old names: %w", err)
	}
	var ddl []providers.DDL
	for _, n := range former {
		if there[n] == nil {
			continue
		}
		for _, f := range there[n].ForeignKeys {
			if gone[n] || gone[f.Table] {
				ddl = append(ddl, providers.DropForeignKey{Table: n, Name: f.Name})
			}
		}
	}
	return ddl, nil
}
