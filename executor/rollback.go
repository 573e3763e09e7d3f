package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// Undone lists what Rollback did.
type Undone struct {
	Dropped []catalog.Name `json:"dropped"` // tables on the target that dmoctl had made
	Emptied []catalog.Name `json:"emptied"` // tables that it had only loaded
}

// Rollback falls back. With emptyTarget it drops the tables that dmoctl made, and
// empties those that it only loaded; without, the target stays for inspection. It
// needs no source. It can be repeated. The error is an *Outcome. Where there is a State
// it says from then on that nothing is in.
func Rollback(ctx context.Context, migration string, emptyTarget bool, d Deps) (*Undone, error) {
	out := &Undone{}
	if !emptyTarget {
		return out, nil
	}
	err := guard(func() error { return rollback(ctx, migration, d, out) })
	if err == nil && d.State != nil {
		err = recordEmptied(ctx, migration, d, out)
	}
	var o *Outcome
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &o):
		return out, o
	}
	if o := ofKind(err); o != nil {
		return out, o
	}
	return out, &Outcome{Exit: report.Error, Summary: "Rollback failed", Err: err, Fix: "When the cause is gone, run it again."}
}

func rollback(ctx context.Context, migration string, d Deps, out *Undone) error {
	before, err := d.Target.Ledger(ctx, migration)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	if before == nil || before.Run == nil {
		return nil
	}
	own := *before.Run
	own.Token, own.Owner, own.Sessions = random(16), d.Owner, nil
	session, err := d.Target.Lock(ctx, own, func(what string) {
		if d.Events != nil {
			d.Events.Emit(report.Event{Version: report.EventVersion, Time: d.now(), Event: report.Waiting, Message: what})
		}
	})
	if err != nil {
		return err
	}
	defer session.Close()
	c, err := session.Read(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	now, err := existing(ctx, d.Target, c.Tables)
	if err != nil {
		return fmt.Errorf("read the target: %w", err)
	}
	// A new serial, so that no plan from before the rollback can be applied.
	led := *c.Run
	led.Serial++
	led.Plan, led.Closed = "", false
	if err := session.Record(ctx, ledger.Change{Run: &led}); err != nil {
		return fmt.Errorf("record the rollback: %w", err)
	}
	b := &back{target: d.Target, session: session, rows: c.Tables, loaded: loadedTables(c), now: now, out: out}
	if err := b.dropMade(ctx); err != nil {
		return err
	}
	if err := b.emptyLoaded(ctx); err != nil {
		return err
	}
	return session.Record(ctx, ledger.Change{RemoveTables: namesOf(c.Tables)})
}

// recordEmptied replaces the progress of the last apply, whose rows are gone. State
// comes after the target, never before.
func recordEmptied(ctx context.Context, migration string, d Deps, out *Undone) error {
	undone := len(out.Dropped) + len(out.Emptied)
	before, err := d.State.Progress(ctx, migration)
	if err == nil && before != nil && before.Emptied != nil && undone == 0 {
		return nil // an earlier rollback did it, and is recorded
	}
	if err == nil {
		err = d.State.RecordProgress(ctx, migration, state.Progress{
			Run: d.Owner.ID, At: d.now(), Emptied: &state.Emptied{By: d.Owner, Tables: undone},
		})
	}
	if err == nil {
		return nil
	}
	return &Outcome{Exit: report.Error, Summary: "State cannot be written", Err: err,
		Fix: "The target is empty. " + cmp.Or(state.Advice(err), "See to it that the state's folder can be written.") +
			" Until then \"dmoctl status\" shows the last apply. To record the rollback, run it again."}
}

func existing(ctx context.Context, db providers.Target, rows []ledger.Table) (map[catalog.Name]*catalog.Table, error) {
	names := make([]catalog.Name, len(rows))
	for i, t := range rows {
		names[i] = t.Target
	}
	out := make(map[catalog.Name]*catalog.Table)
	if len(names) == 0 {
		return out, nil
	}
	c, err := db.Catalog(ctx, providers.Selector{Schemas: schemasOf(names), Tables: names, StructureOnly: true})
	if err != nil {
		return nil, err
	}
	for _, t := range c.Tables {
		out[t.Name] = t
	}
	return out, nil
}

// back is one rollback.
type back struct {
	target  providers.Target
	session providers.Session
	rows    []ledger.Table
	loaded  map[catalog.Name]bool           // by source name, where packages are in
	now     map[catalog.Name]*catalog.Table // by name, as they are on the target
	out     *Undone
}

// countPlanned counts the rows of tables that were planned and never recorded as made.
func (b *back) countPlanned(ctx context.Context) (map[catalog.Name]int64, error) {
	var tables []*catalog.Table
	for _, row := range b.rows {
		if t := b.now[row.Target]; t != nil && row.State == ledger.Planned && row.Created {
			tables = append(tables, t)
		}
	}
	out := make(map[catalog.Name]int64)
	if len(tables) == 0 {
		return out, nil
	}
	snap, err := b.target.Snapshot(ctx, providers.SnapshotOptions{Readers: 1, Quiet: true})
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	for part := range slices.Chunk(tables, bundleTables) {
		view, err := snap.Begin(ctx, part)
		if err != nil {
			return nil, err
		}
		counts, err := view.Count(ctx, part)
		view.Close()
		if err != nil {
			return nil, err
		}
		for i, t := range part {
			out[t.Name] = counts[i].Rows
		}
	}
	return out, nil
}

// dropMade drops the tables that dmoctl made: those that refer to others first.
// A table that was planned and never recorded as made may be somebody else's, so it
// is only dropped while it is empty.
func (b *back) dropMade(ctx context.Context) error {
	rows, now, out, s := b.rows, b.now, b.out, b.session
	full, err := b.countPlanned(ctx)
	if err != nil {
		return fmt.Errorf("count tables: %w", err)
	}
	ours := make(map[catalog.Name]*catalog.Table)
	for _, row := range rows {
		t := now[row.Target]
		if t != nil && row.Created && (row.State != ledger.Planned || full[row.Target] == 0) {
			ours[row.Target] = t
		}
	}
	var ddl []providers.DDL
	for _, name := range dropOrder(ours) {
		ddl = append(ddl, providers.DropTable{Table: name})
		out.Dropped = append(out.Dropped, name)
	}
	if len(ddl) == 0 {
		return nil
	}
	if err := s.Alter(ctx, ddl); err != nil {
		return fmt.Errorf("drop tables: %w", err)
	}
	return nil
}

// dropOrder puts tables that refer to others before these.
func dropOrder(tables map[catalog.Name]*catalog.Table) []catalog.Name {
	var out []catalog.Name
	seen := make(map[catalog.Name]bool)
	var visit func(t *catalog.Table)
	visit = func(t *catalog.Table) {
		if seen[t.Name] {
			return
		}
		seen[t.Name] = true
		for _, k := range t.ForeignKeys {
			if other := tables[k.Table]; other != nil {
				visit(other)
			}
		}
		out = append(out, t.Name)
	}
	for _, name := range sortedNames(tables) {
		visit(tables[name])
	}
	// Depth first puts referred tables before those that refer to them.
	slices.Reverse(out)
	return out
}

// emptyLoaded empties the tables that were there before, as far as rows of ours are in,
// and makes the foreign keys again that a run had dropped from them.
func (b *back) emptyLoaded(ctx context.Context) error {
	var reload []providers.ReloadTable
	var again []providers.DDL
	for _, row := range b.rows {
		t := b.now[row.Target]
		if t == nil || row.Created {
			continue
		}
		for _, f := range t.Pending {
			if f.Dropped {
				again = append(again, providers.AddForeignKey{Table: t, ForeignKey: f})
			}
		}
		if row.State == ledger.Planned && !b.loaded[row.Source] {
			continue // what is in it is not ours
		}
		reload = append(reload, providers.ReloadTable{Source: row.Source, Target: withoutFiles(t)})
		b.out.Emptied = append(b.out.Emptied, row.Target)
	}
	if len(reload) > 0 {
		if err := b.session.Reload(ctx, reload); err != nil {
			return fmt.Errorf("empty tables: %w", err)
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := b.session.Alter(ctx, again); err != nil {
		return fmt.Errorf("make foreign keys again: %w", err)
	}
	return nil
}

func loadedTables(c *ledger.Contents) map[catalog.Name]bool {
	out := make(map[catalog.Name]bool)
	for _, l := range c.Loaded {
		out[l.Source] = true
	}
	return out
}

func namesOf(rows []ledger.Table) []catalog.Name {
	out := make([]catalog.Name, len(rows))
	for i, t := range rows {
		out[i] = t.Source
	}
	return out
}

func sortedNames(tables map[catalog.Name]*catalog.Table) []catalog.Name {
	out := make([]catalog.Name, 0, len(tables))
	for name := range tables {
		out = append(out, name)
	}
	slices.SortFunc(out, catalog.Name.Compare)
	return out
}
