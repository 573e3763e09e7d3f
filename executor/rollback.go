package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

// Undone lists what Rollback did.
type Undone struct {
	Dropped []catalog.Name  `json:"dropped"`           // tables on the target that dmoctl had made
	Emptied []catalog.Name  `json:"emptied"`           // tables that it had only loaded
	Removed []ledger.Object `json:"removed,omitempty"` // schemas, types and sequences that it had made
	Left    []Left          `json:"left,omitempty"`
	Again   bool            `json:"again,omitempty"` // the ledger stays and remembers what is in use
}

// Left is an object that dmoctl made once and that Rollback leaves where it is.
type Left struct {
	Object ledger.Object `json:"object"`
	Why    string        `json:"why"`
}

// Rollback falls back. With emptyTarget it drops the tables that dmoctl made, and
// empties those that it only loaded; without, the target stays for inspection. It
// needs no source. It can be repeated. The error is an *Outcome. Where there is a State
// it says from then on that nothing is loaded.
func Rollback(ctx context.Context, migration string, emptyTarget bool, d Deps) (*Undone, error) {
	out := &Undone{}
	if !emptyTarget {
		return out, nil
	}
	err := control.Guard(func() error { return rollback(ctx, migration, d, out) })
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
	return out, &Outcome{
		Exit: report.Error, ID: diag.RollbackFailed, Summary: "Rollback failed", Err: err, Fix: "Once the cause is fixed, run rollback again.",
	}
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
	own.Token, own.Owner, own.Sessions = control.Random(16), d.Owner, nil
	session, err := d.Target.Lock(ctx, own, func(what string) {
		d.control().Emit(report.Event{Event: report.Waiting, Message: what})
	})
	if err != nil {
		return err
	}
	defer session.Close()
	c, err := session.Read(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	b := &back{target: d.Target, session: session, c: c, out: out}
	if err := b.look(ctx); err != nil {
		return err
	}
	// A new serial, so that no plan from before the rollback can be applied.
	led := *c.Run
	led.Serial++
	led.Plan, led.Closed = "", false
	if err := session.Record(ctx, ledger.Change{Run: &led}); err != nil {
		return fmt.Errorf("record the rollback: %w", err)
	}
	if err := b.dropTables(ctx); err != nil {
		return err
	}
	if err := b.emptyLoaded(ctx); err != nil {
		return err
	}
	if err := session.Record(ctx, ledger.Change{RemoveTables: namesOf(c.Tables)}); err != nil {
		return err
	}
	return b.dropRest(ctx)
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
			Run: d.Owner.ID, At: d.control().Now(), Emptied: &state.Emptied{By: d.Owner, Tables: undone},
		})
	}
	if err == nil {
		return nil
	}
	return &Outcome{Exit: report.Error, ID: diag.UnwrittenState, Summary: "State cannot be written", Err: err,
		Fix: "The target is empty. " + cmp.Or(state.Advice(err), "Make sure that the state's directory is writable.") +
			" Until then \"dmoctl status\" shows the last apply. To record the rollback, run rollback again."}
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
	c, err := db.Catalog(ctx, providers.Selector{Schemas: work.SchemasOf(names), Tables: names, StructureOnly: true})
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
	c       *ledger.Contents
	ours    map[catalog.Name]*catalog.Table // tables that dmoctl made, as they are
	now     map[catalog.Name]*catalog.Table // those that were there before
	keys    []providers.DDL                 // foreign keys between tables of ours
	out     *Undone
}

// look reads what is there of the migration, and refuses where others have built on it.
func (b *back) look(ctx context.Context) error {
	made := make(map[catalog.Name]ledger.Object)
	for _, o := range b.c.Made {
		if o.Kind == ledger.KindTable {
			made[o.Name] = o
		}
	}
	var before []ledger.Table
	for _, row := range b.c.Tables {
		if _, ours := made[row.Target]; !ours {
			before = append(before, row)
		}
	}
	var err error
	if b.now, err = existing(ctx, b.target, before); err != nil {
		return fmt.Errorf("read the target: %w", err)
	}
	return b.lookAtMade(ctx, made)
}

func (b *back) lookAtMade(ctx context.Context, made map[catalog.Name]ledger.Object) error {
	b.ours = make(map[catalog.Name]*catalog.Table)
	names := slices.SortedFunc(maps.Keys(made), catalog.Name.Compare)
	if len(names) == 0 {
		return nil
	}
	seen := drop{target: b.target, gone: make(map[catalog.Name]bool), again: func(catalog.Dependent) bool { return false }}
	// First what is still ours: a table that somebody made in its place is theirs, with all that hangs on it.
	var now []*catalog.Table
	for part := range slices.Chunk(names, inspectedTables) {
		c, err := b.target.Catalog(ctx, providers.Selector{
			Schemas: work.SchemasOf(part), Tables: part, StructureOnly: true, Dependents: true,
		})
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		now = append(now, c.Tables...)
	}
	for _, t := range now {
		if made[t.Name].ID == t.ID {
			b.ours[t.Name], seen.gone[t.Name] = t, true
		} else {
			b.leave(made[t.Name], "another table now has its name, or it was altered")
		}
	}
	var lost []string
	for _, t := range b.ours {
		keys, others := seen.sort(t)
		b.keys = append(b.keys, keys...)
		lost = append(lost, others...)
		for _, p := range t.Partitions {
			if _, ours := made[p.Name]; !ours {
				lost = append(lost, fmt.Sprintf("partition %s of %s", p.Name, t.Name))
			}
		}
	}
	slices.Sort(lost)
	return inUse(lost)
}

func (b *back) leave(o ledger.Object, why string) {
	b.out.Left = append(b.out.Left, Left{Object: o, Why: why})
}

// dropTables drops the tables that dmoctl made: those that refer to others first.
func (b *back) dropTables(ctx context.Context) error {
	byName := make(map[catalog.Name]ledger.Object)
	var gone []providers.DDL // partitions that went with their table, and what somebody else has dropped
	for _, o := range b.c.Made {
		byName[o.Name] = o
		theirs := slices.ContainsFunc(b.out.Left, func(l Left) bool { return l.Object == o })
		if o.Kind == ledger.KindTable && b.ours[o.Name] == nil && !theirs {
			gone = append(gone, providers.Drop{Object: o})
		}
	}
	order := dropOrder(b.ours)
	size := work.BundleTables
	if b.target.Limits().InlineKeys {
		size = max(1, len(order)) // keys between tables go with all of them only
	}
	if len(b.keys) > 0 {
		if err := b.session.Alter(ctx, b.keys); err != nil {
			return fmt.Errorf("drop foreign keys: %w", err)
		}
	}
	for part := range slices.Chunk(order, size) {
		var ddl []providers.DDL
		for _, name := range part {
			ddl = append(ddl, providers.Drop{Object: byName[name]})
		}
		if err := b.session.Alter(ctx, ddl); err != nil {
			return fmt.Errorf("drop tables: %w", err)
		}
		b.out.Dropped = append(b.out.Dropped, part...)
	}
	for part := range slices.Chunk(gone, work.BundleTables) {
		if err := b.session.Alter(ctx, part); err != nil {
			return fmt.Errorf("drop tables: %w", err)
		}
	}
	return nil
}

// dropRest drops sequences, types and schemas that dmoctl made, and at the end its ledger. What
// others use stays, and so does the ledger then: it remembers what to drop when they do not any more.
func (b *back) dropRest(ctx context.Context) error {
	var rest []ledger.Object
	for _, kind := range []string{ledger.KindSequence, ledger.KindType, ledger.KindSchema} {
		for _, o := range b.c.Made {
			if o.Kind == kind {
				rest = append(rest, o)
			}
		}
	}
	used := make(map[ledger.Object]error)
	for before := -1; len(rest) != before; { // a type may be made of types that come later
		before = len(rest)
		var again []ledger.Object
		for _, o := range rest {
			err := b.session.Alter(ctx, []providers.DDL{providers.Drop{Object: o}})
			switch {
			case err == nil:
				b.out.Removed = append(b.out.Removed, o)
			case providers.KindOf(err) == providers.InUse:
				again, used[o] = append(again, o), err
			case providers.KindOf(err) == providers.Exists:
				b.leave(o, "a different one now has its name")
			default:
				return fmt.Errorf("drop %s %s: %w", o.Kind, o.Name, err)
			}
		}
		rest = again
	}
	for _, o := range rest {
		b.leave(o, "it is in use: "+cause(used[o]))
	}
	if b.out.Again = len(rest) > 0; b.out.Again {
		return nil
	}
	if err := b.session.Alter(ctx, []providers.DDL{providers.DropLedger{}}); err != nil {
		return fmt.Errorf("drop the ledger: %w", err)
	}
	return nil
}

// cause is what a server said, without where it was asked.
func cause(err error) string {
	var e *providers.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
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
	loaded := loadedTables(b.c)
	for _, row := range b.c.Tables {
		t := b.now[row.Target]
		if t == nil {
			continue
		}
		for _, f := range t.Pending {
			if f.Dropped {
				again = append(again, providers.AddForeignKey{Table: t, ForeignKey: f})
			}
		}
		if row.State == ledger.Planned && !loaded[row.Source] {
			continue // what is in it is not ours
		}
		reload = append(reload, providers.ReloadTable{Source: row.Source, Target: work.WithoutFiles(t)})
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
		return fmt.Errorf("recreate foreign keys: %w", err)
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
