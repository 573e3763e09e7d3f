package fenced

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// most is how many rows are handed over at once: their texts are in memory several times
// meanwhile, and a plan of a hundred thousand tables is recorded at once.
const most = 5000

// Contents reads all that the ledger says about a migration.
func Contents(ctx context.Context, tx Rows, migration string) (*ledger.Contents, error) {
	c := &ledger.Contents{}
	var err error
	if c.Run, err = readRun(ctx, tx, migration); err != nil {
		return nil, err
	}
	var pool catalog.Pool // of few different texts
	err = tx.Read(ctx, Tables(), migration, func(r Row) error {
		c.Tables = append(c.Tables, ledger.Table{Migration: migration, Source: r.Name(1), Target: r.Name(2),
			Structure: r.Text(3), File: r.Text(4), Count: r.Int(5), Changes: r.Text(6), Snapshot: pool.Text(r.Text(7)),
			State: ledger.State(pool.Text(r.Text(8))), Serial: r.Int(9), Created: r.Bool(10), Edition: r.Int(11)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Tables = sorted(c.Tables, func(a, b ledger.Table) int { return a.Source.Compare(b.Source) })
	err = tx.Read(ctx, Planned(), migration, func(r Row) error {
		p := ledger.Package{Migration: migration, ID: r.Text(1), Source: sourceOf(c.Tables, r.Name(2)), Generation: r.Text(4)}
		c.Packages = append(c.Packages, p)
		return decode(r.Text(3), &c.Packages[len(c.Packages)-1].Range, "range of package "+p.ID)
	})
	if err != nil {
		return nil, err
	}
	c.Packages = sorted(c.Packages, func(a, b ledger.Package) int { return cmp.Compare(a.ID, b.ID) })
	err = tx.Read(ctx, Loaded(), migration, func(r Row) (err error) {
		l := ledger.Loaded{Migration: migration, ID: r.Text(1), Source: r.Name(2), Generation: r.Text(3), Rows: r.Int(4),
			Bytes: r.Int(5), Digest: r.Text(6), Snapshot: pool.Text(r.Text(8)), Run: pool.Text(r.Text(9)), Seconds: r.Float(10)}
		shareTexts(c.Packages, &l)
		if l.ReadAt, err = time.Parse(time.RFC3339Nano, r.Text(7)); err != nil {
			err = unreadable(fmt.Errorf("time of package %s: %w", l.ID, err))
		}
		c.Loaded = append(c.Loaded, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Loaded = sorted(c.Loaded, func(a, b ledger.Loaded) int { return cmp.Compare(a.ID, b.ID) })
	err = tx.Read(ctx, Made(), migration, func(r Row) error {
		c.Made = append(c.Made, ledger.Object{Migration: migration, Kind: pool.Text(r.Text(1)), Name: r.Name(2),
			ID: r.Text(3)})
		return nil
	})
	c.Made = sorted(c.Made, func(a, b ledger.Object) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name))
	})
	return c, err
}

// sourceOf returns a table's name, in the texts that its own row has: what the rows say, they
// say of each other's tables and packages, and there may be 100,000.
func sourceOf(tables []ledger.Table, n catalog.Name) catalog.Name {
	i, there := slices.BinarySearchFunc(tables, n, func(t ledger.Table, n catalog.Name) int { return t.Source.Compare(n) })
	if !there {
		return n
	}
	return tables[i].Source
}

// shareTexts has a loaded package share the texts of the planned one.
func shareTexts(planned []ledger.Package, l *ledger.Loaded) {
	i, there := slices.BinarySearchFunc(planned, l.ID, func(p ledger.Package, id string) int {
		return cmp.Compare(p.ID, id)
	})
	if !there {
		return
	}
	p := planned[i]
	if l.ID = p.ID; l.Source == p.Source {
		l.Source = p.Source
	}
	if l.Generation == p.Generation {
		l.Generation = p.Generation
	}
}

// sorted orders a list, and frees the room that it grew by: there may be 100,000 tables.
func sorted[E any](list []E, compare func(a, b E) int) []E {
	if list == nil {
		return nil
	}
	if !slices.IsSortedFunc(list, compare) { // most engines keep rows in the order of their keys
		slices.SortFunc(list, compare)
	}
	return append(make([]E, 0, len(list)), list...)
}

// readRun reads the row of one migration; nil where there is none.
func readRun(ctx context.Context, tx Rows, migration string) (run *ledger.Run, err error) {
	err = tx.Read(ctx, Run(), migration, func(r Row) error {
		run = &ledger.Run{Migration: migration, Lineage: r.Text(1), Serial: r.Int(2), Plan: r.Text(3), Token: r.Text(4),
			Spec: r.Text(7), Closed: r.Bool(8)}
		return errors.Join(decode(r.Text(5), &run.Owner, "owner of the run"),
			decode(r.Text(6), &run.Sessions, "sessions of the run"))
	})
	return run, err
}

// Token is that of the migration's run, for engines whose Begin has no quicker way.
func Token(ctx context.Context, tx Rows, migration string) (string, error) {
	run, err := readRun(ctx, tx, migration)
	if run == nil {
		return "", err
	}
	return run.Token, err
}

func writeRun(ctx context.Context, tx Rows, r ledger.Run) error {
	return tx.Write(ctx, Run(), [][]any{{r.Migration, r.Lineage, r.Serial, r.Plan, r.Token, encode(r.Owner),
		encode(r.Sessions), r.Spec, r.Closed}})
}

// Apply writes what a change says of tables and packages. Its run is not written.
func Apply(ctx context.Context, tx Rows, migration string, c ledger.Change) error {
	for _, r := range []Relation{Tables(), Planned(), Loaded()} {
		if err := removeSources(ctx, tx, r, migration, c.RemoveTables); err != nil {
			return err
		}
	}
	if err := removeSources(ctx, tx, Planned(), migration, c.RemovePackages); err != nil {
		return err
	}
	err := write(ctx, tx, Tables(), c.Tables, func(t ledger.Table) []any {
		return []any{migration, t.Source, t.Target, t.Structure, t.File, t.Count, t.Changes, t.Snapshot, string(t.State),
			t.Serial, t.Created, t.Edition}
	})
	if err != nil {
		return err
	}
	return write(ctx, tx, Planned(), c.Packages, func(p ledger.Package) []any {
		return []any{migration, p.ID, p.Source, encode(p.Range), p.Generation}
	})
}

func write[E any](ctx context.Context, tx Rows, r Relation, list []E, row func(E) []any) error {
	for some := range slices.Chunk(list, most) {
		if err := tx.Write(ctx, r, rowsOf(some, row)); err != nil {
			return err
		}
	}
	return nil
}

func rowsOf[E any](list []E, row func(E) []any) [][]any {
	out := make([][]any, len(list))
	for i, e := range list {
		out[i] = row(e)
	}
	return out
}

func removeSources(ctx context.Context, tx Rows, r Relation, migration string, sources []catalog.Name) error {
	for some := range slices.Chunk(sources, most) {
		keys := rowsOf(some, func(n catalog.Name) []any { return []any{migration, n} })
		if err := tx.Remove(ctx, r, []string{ColMigration, colSource}, keys); err != nil {
			return err
		}
	}
	return nil
}

// setState says of tables what has become of them.
func setState(ctx context.Context, tx Rows, migration string, state ledger.State, sources []catalog.Name) error {
	for some := range slices.Chunk(sources, most) {
		rows := rowsOf(some, func(n catalog.Name) []any { return []any{string(state), migration, n} })
		if _, err := tx.Update(ctx, Tables(), []string{colState}, []string{ColMigration, colSource}, rows); err != nil {
			return err
		}
	}
	return nil
}

// RecordMade notes objects that were made, with their identities, in the transaction that made them.
func RecordMade(ctx context.Context, tx Rows, made ...ledger.Object) error {
	return write(ctx, tx, Made(), made, func(o ledger.Object) []any { return []any{o.Migration, o.Kind, o.Name, o.ID} })
}

// ForgetMade removes objects that are gone from what any migration has made.
func ForgetMade(ctx context.Context, tx Rows, gone ...ledger.Object) error {
	if len(gone) == 0 {
		return nil
	}
	keys := rowsOf(gone, func(o ledger.Object) []any { return []any{o.Kind, o.Name} })
	return tx.Remove(ctx, Made(), []string{ColKind, ColName}, keys)
}

// MadeForAll reads what was made for no migration in particular, such as the ledger's schema.
func MadeForAll(ctx context.Context, tx Rows) (out []ledger.Object, err error) {
	err = tx.Read(ctx, Made(), "", func(r Row) error {
		out = append(out, ledger.Object{Kind: r.Text(1), Name: r.Name(2), ID: r.Text(3)})
		return nil
	})
	return out, err
}

// Forget removes all that the ledger says about a migration.
func Forget(ctx context.Context, tx Rows, migration string) error {
	for _, r := range Relations() {
		if err := tx.Remove(ctx, r, []string{ColMigration}, [][]any{{migration}}); err != nil {
			return err
		}
	}
	return nil
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("fenced: marshal: " + err.Error()) // plain data always marshals
	}
	return string(b)
}

func decode(s string, v any, what string) error {
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return unreadable(fmt.Errorf("%s: %w", what, err))
	}
	return nil
}

func unreadable(err error) error {
	return &providers.Error{Kind: providers.Corrupt, Op: opLedger, Err: err}
}
