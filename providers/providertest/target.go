package providertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Target runs the suite of a target. Each test has databases of its own.
func Target(t *testing.T, h Harness) {
	run(t, h, []test{
		{"Types", targetTypes},
		{"NeutralTypes", targetNeutralTypes},
		{"Policies", targetPolicies},
		{"Names", targetNames},
		{"Structures", targetStructures},
		{"RecordsWhatItMakes", targetRecordsWhatItMakes},
		{"ExistsByDefinition", targetExistsByDefinition},
		{"KeysExistByDefinition", targetKeysExistByDefinition},
		{"ForeignKeysExistByDefinition", targetForeignKeysExistByDefinition},
		{"SequencesExistByDefinition", targetSequencesExistByDefinition},
		{"KnowsOwnTables", targetKnowsOwnTables},
		{"DropsOwnTablesOnly", targetDropsOwnTablesOnly},
		{"DropsItsLedger", targetDropsItsLedger},
		{"AllNamesKnown", targetAllNamesKnown},
		{"KeysChecked", targetKeysChecked},
		{"SequencesOnlyRise", targetSequencesOnlyRise},
		{"LedgerRoundTrip", targetLedgerRoundTrip},
		{"LockKeepsRun", targetLockKeepsRun},
		{"RowsAndLedgerTogether", targetRowsAndLedgerTogether},
		{"AbortLeavesNothing", targetAbortLeavesNothing},
		{"ClaimTwice", targetClaimTwice},
		{"CommitTwice", targetCommitTwice},
		{"FailedCommit", targetFailedCommit},
		{"UnfinishedLoad", targetUnfinishedLoad},
		{"ConflictFixes", targetConflictFixes},
		{"RecordKeepsOwner", targetRecordKeepsOwner},
		{"LedgerOrder", targetLedgerOrder},
		{"Reload", targetReload},
		{"Cancel", targetCancel},
		{"SecondRunLocked", targetSecondRunLocked},
		{"FencedRunChangesNothing", targetFencedRunChangesNothing},
		{"NextRunWaits", targetNextRunWaits},
		{"Unlock", targetUnlock},
		{"UnlockEndedRun", targetUnlockEndedRun},
	})
}

const migration = "conformance"

// owned is a run with an owner of that id.
func owned(id string) ledger.Run {
	return ledger.Run{Migration: migration, Lineage: "lineage", Serial: 1, Plan: "plan", Token: "token-" + id,
		Owner: ledger.Owner{ID: id, User: "ana", Host: "db1", PID: 412, Started: time.Unix(1_700_000_000, 0).UTC()}}
}

// lock takes the lock and gives it back with the test.
func lock(t testing.TB, db providers.Target, id string) providers.Session {
	t.Helper()
	s, err := db.Lock(t.Context(), owned(id), nil)
	if err != nil {
		t.Fatalf("lock: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && providers.KindOf(err) != providers.Fenced {
			t.Errorf("close session: %v", err)
		}
	})
	return s
}

func alter(t testing.TB, s providers.Session, ddl ...providers.DDL) {
	t.Helper()
	if err := s.Alter(t.Context(), ddl); err != nil {
		t.Fatalf("alter: %v", err)
	}
}

// pack is the ledger row of a package.
func pack(table catalog.Name, id string) ledger.Loaded {
	return ledger.Loaded{Migration: migration, ID: id, Source: table, Generation: "g1", Digest: "v1:0", Run: "a",
		ReadAt: time.Unix(1_700_000_000, 123_456_000).UTC(), Snapshot: "s", Bytes: 9, Seconds: 0.5}
}

// pump writes every batch of a reader, transformed into the target's form.
func pump(ctx context.Context, rd providers.Reader, w providers.Writer, transform *batch.Transform) (int64, error) {
	for {
		b, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return w.Finish(ctx)
		}
		if err != nil {
			return 0, err
		}
		err = write(ctx, w, b, transform)
		b.Release()
		if err != nil {
			return 0, err
		}
	}
}

func write(ctx context.Context, w providers.Writer, b arrow.RecordBatch, transform *batch.Transform) error {
	if transform == nil {
		return w.Write(ctx, b)
	}
	out, err := transform.Apply(b)
	if err != nil {
		return err
	}
	defer out.Release()
	return w.Write(ctx, out)
}

// move copies a table of one database into another, as a run does, and returns its mapping.
func move(t testing.TB, from providers.Database, src *catalog.Table, s providers.Session, d providers.Driver) providers.Mapping {
	t.Helper()
	m := d.MapTable(src, providers.MapOptions{Engine: d.Type, To: src.Name, Policies: catalog.DefaultPolicies(),
		Names: map[catalog.Name]catalog.Name{src.Name: src.Name}})
	if len(m.Refusals) > 0 {
		t.Fatalf("refused: %+v", m.Refusals)
	}
	asked := *src
	asked.Columns = append([]catalog.Column(nil), src.Columns...)
	for i, c := range m.Table.Columns {
		if c.Type.Kind == catalog.Native {
			asked.Columns[i].Type = c.Type
		}
	}
	transform, err := batch.Compile(asked.Columns, m.Table.Columns, catalog.DefaultPolicies())
	if err != nil {
		t.Fatal(err)
	}
	alter(t, s, providers.CreateTable{Table: m.Table})
	inView(t, snapshot(t, from, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{src}, func(v providers.View) {
		rd, err := v.Read(t.Context(), &asked, catalog.WholeTable(), providers.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, rd)
		p := pack(src.Name, src.Name.String()+"/0001")
		load(t, s, m.Table, p, func(w providers.Writer) (int64, error) { return pump(t.Context(), rd, w, transform) })
	})
	return m
}

// load runs one package's transaction.
func load(t testing.TB, s providers.Session, tb *catalog.Table, p ledger.Loaded, rows func(providers.Writer) (int64, error)) {
	t.Helper()
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("rollback: %v", err)
		}
	}()
	if in, err := tx.Claim(t.Context(), []ledger.Loaded{p}); err != nil || len(in) > 0 {
		t.Fatalf("claim: %v, %v", in, err)
	}
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, w)
	if p.Rows, err = rows(w); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), []ledger.Loaded{p}); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// plain is a table for tests that are about transactions: id and note.
func plain(h Harness, name string) *catalog.Table {
	src := &catalog.Table{Name: catalog.Name{Schema: h.Schema, Name: name}, Columns: []catalog.Column{
		{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint"},
		{Name: "note", Type: catalog.Type{Kind: catalog.String, Length: 40}, Declared: "varchar(40)", Nullable: true},
	}, Key: &catalog.Key{Columns: []string{"id"}, Primary: true}}
	return h.Driver.MapTable(src, providers.MapOptions{Engine: "other", To: src.Name, Policies: catalog.DefaultPolicies()}).Table
}

// targetTypes copies every type of the engine onto itself: the independent client
// prints the same on both sides, and so does the provider.
func targetTypes(t *testing.T, h Harness) {
	from, onto := newBench(t, h), newBench(t, h)
	src, dst := from.source(t), onto.target(t)
	s := lock(t, dst, "a")
	for i, c := range h.Types {
		t.Run(c.Declared, func(t *testing.T) {
			name := fmt.Sprintf("m%d", i)
			from.matrix(t, name, c)
			tb := from.table(t, src, name)
			m := move(t, src, tb, s, h.Driver)
			whole := "SELECT * FROM " + name + " ORDER BY id"
			onto.wantQuery(t, whole, from.query(t, whole))
			if want, ok := from.shown(t, name, c.Type); ok {
				if got, _ := onto.shown(t, name, c.Type); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("target prints\n%.500q, source\n%.500q", got, want)
				}
			}
			asked := *tb
			asked.Columns = m.Table.Columns
			if got, want := fmt.Sprint(readAll(t, dst, m.Table)), fmt.Sprint(readAll(t, src, &asked)); got != want {
				t.Errorf("read back %.500s, want %.500s", got, want)
			}
			found := onto.table(t, dst, name)
			if got := found.Column("v"); got.Type.String() != tb.Column("v").Type.String() || got.Declared != tb.Column("v").Declared {
				t.Errorf("the target's column is %s %q, the source's %s %q", got.Type, got.Declared, tb.Column("v").Type, tb.Column("v").Declared)
			}
		})
	}
}

func targetNames(t *testing.T, h Harness) {
	from, onto := newBench(t, h), newBench(t, h)
	src, dst := from.source(t), onto.target(t)
	s := lock(t, dst, "a")
	for i, n := range h.hostileNames() {
		t.Run(n, func(t *testing.T) {
			q := h.Quote(n)
			from.exec(t, fmt.Sprintf("CREATE TABLE %s (%s %s NOT NULL PRIMARY KEY, %s %s)", q, q, h.BigInt, h.Quote(n+"v"), h.Varchar))
			from.exec(t, fmt.Sprintf("INSERT INTO %s VALUES (%d, 'a')", q, i))
			from.exec(t, fmt.Sprintf("CREATE INDEX %s ON %s (%s)", h.Quote(n+"ix"), q, h.Quote(n+"v")))
			m := move(t, src, from.table(t, src, n), s, h.Driver)
			for range 2 {
				alter(t, s, providers.AddKey{Table: m.Table, Key: *m.Table.Key},
					providers.CreateIndex{Table: m.Table, Index: m.Table.Indexes[0]}, providers.Analyze{Table: m.Table.Name})
			}
			onto.wantQuery(t, "SELECT * FROM "+q, fmt.Sprintf("%d|a", i))
			if err := s.Reload(t.Context(), []providers.ReloadTable{{Source: m.Table.Name, Target: m.Table}}); err != nil {
				t.Fatal(err)
			}
			alter(t, s, providers.DropTable{Table: m.Table.Name}, providers.DropTable{Table: m.Table.Name})
		})
	}
}
