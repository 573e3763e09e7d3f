package hana_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
)

func TestErrorsNameRow(t *testing.T) {
	t.Run("duplicate key", func(t *testing.T) {
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
		b.exec(t, "INSERT INTO t VALUES (3, 'there')")
		e := failure(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a", "b", "c", "d", "e")), providers.Constraint)
		if e.Key != "3" || e.Code != "301" || e.Table != tb.Name {
			t.Errorf("table %s, key %q, code %s", e.Table, e.Key, e.Code)
		}
		if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "1" {
			t.Errorf("%s rows after a package that failed", got)
		}
	})
	t.Run("after a large object", func(t *testing.T) {
		// Trap: the driver counts rows from 0 again after a large object that it had to split.
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.Text})
		b.exec(t, "INSERT INTO t VALUES (4, 'there')")
		large := strings.Repeat("x", 3<<20)
		e := failure(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a", large, "c", large, "e", "f")), providers.Constraint)
		if e.Key != "4" {
			t.Errorf("the error names key %q", e.Key)
		}
	})
	t.Run("NULL", func(t *testing.T) {
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
		b.exec(t, `DROP TABLE t; CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY, v NVARCHAR(10) NOT NULL)`)
		e := failure(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a", nil)), providers.Constraint)
		if e.Key != "1" || e.Code != "287" {
			t.Errorf("key %q, code %s", e.Key, e.Code)
		}
	})
	t.Run("row limit", func(t *testing.T) {
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
		b.sim.SetRowLimit(2)
		e := failure(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a", "b", "c")), providers.Exhausted)
		if e.Code != "2055" || !strings.Contains(e.Fix, "partition block") {
			t.Errorf("code %s, fix %q", e.Code, e.Fix)
		}
	})
	t.Run("a lock", func(t *testing.T) {
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
		b.sim.Faults().Add(simulator.Fault{Match: insertT, Exec: true, Code: 131, Text: "transaction rolled back by lock wait timeout"})
		wantKind(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a")), providers.Transient)
		mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "a"))
	})
	t.Run("memory", func(t *testing.T) {
		b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
		b.sim.Faults().Add(simulator.Fault{Match: insertT, Exec: true, Code: 4, Text: "cannot allocate enough memory"})
		wantKind(t, loaded(t.Context(), s, tb, "t/0001", rowsOf(t, tb, "a")), providers.Full)
	})
}

func TestInterruptedReloadResumes(t *testing.T) {
	// Invariant 5: the ledger forgets the packages and says "emptying" before the table is emptied.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	name := catalog.Name{Schema: "S", Name: "t"}
	if err := s.Record(t.Context(), ledger.Change{Tables: []ledger.Table{{Migration: "m", Source: name, Target: tb.Name, State: ledger.Complete}}}); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "a", "b"))
	reload := []providers.ReloadTable{{Source: name, Target: tb}}
	b.sim.Faults().Add(simulator.Fault{Match: "TRUNCATE", DropBefore: true})
	wantKind(t, s.Reload(t.Context(), reload), providers.Disconnected)
	c, err := db.Ledger(t.Context(), "m")
	if err != nil || len(c.Loaded) != 0 || c.Tables[0].State != ledger.Emptying {
		t.Fatalf("in between the ledger says %+v, %v", c, err)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows before the table is emptied", got)
	}
	if err := s.Reload(t.Context(), reload); err != nil {
		t.Fatal(err)
	}
	if c, err = db.Ledger(t.Context(), "m"); err != nil || c.Tables[0].State != ledger.Empty {
		t.Errorf("then the ledger says %+v, %v", c, err)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows", got)
	}
}

func TestFencedTruncateRolledBack(t *testing.T) {
	// Invariant 2: TRUNCATE waits for a lock while another run takes over: it is part of a transaction that the next run waits for, or ends.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "a", "b"))
	b.sim.Faults().Add(simulator.Fault{Match: "TRUNCATE", DelayAfter: 3 * time.Second})
	emptied := make(chan error, 1)
	go func() {
		emptied <- s.Reload(context.WithoutCancel(t.Context()), []providers.ReloadTable{{Source: catalog.Name{Schema: "S", Name: "t"}, Target: tb}})
	}()
	time.Sleep(time.Second) // the TRUNCATE has run, its answer is held back
	b.exec(t, "ALTER SYSTEM DISCONNECT SESSION '"+b.holder(t)+"'")
	started := time.Now()
	next, err := b.target(t).Lock(t.Context(), ledger.Run{Migration: "m", Token: "token-b", Owner: ledger.Owner{ID: "b"}}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	took := time.Since(started)
	c, err := next.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = <-emptied
	rows := b.query(t, "SELECT COUNT(*) FROM t")
	if err == nil && (rows != "0" || took < time.Second) {
		t.Errorf("the older run says that it emptied the table; %s rows, and the next one waited %s", rows, took)
	}
	if len(c.Loaded) != 0 {
		t.Errorf("the next run reads %+v from the ledger", c.Loaded)
	}
	_ = db
}

// holder is the session that holds the run's lock.
func (b *environment) holder(t testing.TB) string {
	t.Helper()
	id, _, _ := strings.Cut(strings.TrimPrefix(b.query(t, `SELECT "SESSIONS" FROM "DMO"."RUN" WHERE "MIGRATION" = 'm'`), `["`), " ")
	return id
}

func TestRunLockReacquired(t *testing.T) {
	// Failure scenario: the session with the lock is cut off; nobody else came, so the run continues.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	before := b.holder(t)
	b.exec(t, "ALTER SYSTEM DISCONNECT SESSION '"+before+"'")
	time.Sleep(1100 * time.Millisecond) // it is looked at once a second
	mustLoad(t, s, tb, "t/0001", rowsOf(t, tb, "a"))
	if after := b.holder(t); after == before || after == "" {
		t.Errorf("the ledger names session %s, before it was %s", after, before)
	}
	_, err := b.target(t).Lock(t.Context(), ledger.Run{Migration: "m", Token: "x", Owner: ledger.Owner{ID: "x"}}, nil)
	wantKind(t, err, providers.Locked)
}

func TestUnlockEndsSessions(t *testing.T) {
	// Invariant 11: a holder that cannot be seen to die is disconnected, and its packages with it.
	b, db, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Claim(t.Context(), []ledger.Loaded{pack("t/0001", 0)}); err != nil {
		t.Fatal(err)
	}
	other := b.target(t)
	if err := other.Unlock(t.Context(), "m", "a"); err != nil {
		t.Fatal(err)
	}
	next := b.lock(t, other, "b")
	if _, err := next.Read(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(t.Context(), []ledger.Loaded{pack("t/0001", 0)}); err == nil {
		t.Error("the package of a run that was ended commits")
	}
	_, err = s.Read(t.Context())
	wantKind(t, err, providers.Fenced)
	_, _ = db, tb
}

func TestDeadRunTransactionsTerminated(t *testing.T) {
	// Failure scenario: a host lost power in the middle of a package; its session stays on the server, with a transaction that nobody ends.
	b, _, s, tb := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Claim(t.Context(), []ledger.Loaded{pack("t/0001", 0)}); err != nil {
		t.Fatal(err)
	}
	w, err := tx.Writer(t.Context(), tb, catalog.WholeTable())
	if err == nil {
		err = w.Write(t.Context(), rowsOf(t, tb, "a", "b"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	b.exec(t, "ALTER SYSTEM DISCONNECT SESSION '"+b.holder(t)+"'")
	db := b.target(t)
	hana.SetPatience(db, 1500*time.Millisecond)
	var said []string
	started := time.Now()
	next, err := db.Lock(t.Context(), ledger.Run{Migration: "m", Token: "next", Owner: ledger.Owner{ID: "b"}}, func(what string) { said = append(said, what) })
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if took := time.Since(started); took < 1500*time.Millisecond || took > 10*time.Second || len(said) == 0 {
		t.Errorf("it waited %s, and said %q", took, said)
	}
	if len(said) > 0 && (!strings.Contains(said[0], "run a of ana@db1") || !strings.Contains(said[0], "session ")) {
		t.Errorf("it waits for %q", said[0])
	}
	c, err := next.Read(t.Context())
	if err != nil || len(c.Loaded) != 0 {
		t.Errorf("the next run finds %+v, %v", c, err)
	}
	if got := b.query(t, "SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows of a package that was ended", got)
	}
}

func TestUserTableWithLedgerNameRefused(t *testing.T) {
	b := newBed(t)
	b.exec(t, `CREATE SCHEMA "DMO"`)
	b.exec(t, `CREATE COLUMN TABLE "DMO"."RUN" ("A" BIGINT)`)
	db := b.target(t)
	_, err := db.Ledger(t.Context(), "m")
	wantKind(t, err, providers.Exists)
	_, err = db.Lock(t.Context(), ledger.Run{Migration: "m"}, nil)
	wantKind(t, err, providers.Exists)
}

func TestPartialLedgerCompleted(t *testing.T) {
	// Failure scenario: killed while the ledger is made: the next run makes the rest.
	b := newBed(t)
	db := b.target(t)
	b.sim.Faults().Add(simulator.Fault{Match: `CREATE COLUMN TABLE "DMO"."PLANNED"`, DropBefore: true})
	_, err := db.Lock(t.Context(), ledger.Run{Migration: "m", Token: "t", Owner: ledger.Owner{ID: "a"}}, nil)
	wantKind(t, err, providers.Disconnected)
	if c, err := db.Ledger(t.Context(), "m"); err != nil || c.Run != nil {
		t.Errorf("a ledger that is half made says %+v, %v", c, err)
	}
	b.lock(t, db, "a")
}

func TestStructuresFromOtherEngine(t *testing.T) {
	b := newBed(t)
	v := b.Values()
	v["partition"] = []schema.Values{{"tables": []string{"/BIC/*"}, "by": "hash", "parts": int64(4)},
		{"tables": []string{"R?"}, "by": "range", "columns": []string{"Y"}, "ranges": []string{"2000", "2010", "2020"}}}
	v["group"] = []schema.Values{{"tables": []string{"/BIC/*"}, "type": "sap.bw", "subtype": "cube", "name": "g"}}
	db, err := open(v)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := b.lock(t, db, "a")
	column := func(n string, k catalog.Type) catalog.Column { return catalog.Column{Name: n, Type: k} }
	src := &catalog.Table{Name: catalog.Name{Schema: "SAPSR3", Name: "/BIC/AFOO"}, Columns: []catalog.Column{
		column("MANDT", catalog.Type{Kind: catalog.String, Length: 3}), column("NR", catalog.Type{Kind: catalog.Decimal, Precision: 10}),
		{Name: "TXT", Type: catalog.Type{Kind: catalog.String, Length: 40}, Default: "' '"}, {Name: "AT", Type: catalog.Type{Kind: catalog.Timestamp}, Nullable: true}},
		Key: &catalog.Key{Name: "/BIC/AFOO~0", Columns: []string{"MANDT", "NR"}, Index: true},
		Indexes: []catalog.Index{{Name: "/BIC/AFOO~A", Columns: []catalog.IndexColumn{{Name: "TXT"}, {Name: "NR", Desc: true}}},
			{Name: "/BIC/AFOO~U", Columns: []catalog.IndexColumn{{Name: "NR"}}, Unique: true}, {Name: "/BIC/AFOO~V", Columns: []catalog.IndexColumn{{Name: "AT"}}, Unique: true}},
		Uniques: []catalog.Key{{Name: "U1", Columns: []string{"TXT", "AT"}}}}
	policies := catalog.DefaultPolicies()
	policies.Blank = "abap"
	m := hana.Driver().MapTable(src, providers.MapOptions{Engine: "oracle", To: catalog.Name{Schema: testSchema, Name: src.Name.Name}, Policies: policies})
	ranged := hana.Driver().MapTable(&catalog.Table{Name: catalog.Name{Schema: testSchema, Name: "R1"}, Columns: []catalog.Column{column("Y", catalog.Type{Kind: catalog.Int32})}},
		providers.MapOptions{Engine: "oracle", To: catalog.Name{Schema: testSchema, Name: "R1"}, Policies: policies})
	for range 2 { // again is not a change
		err := s.Alter(t.Context(), []providers.DDL{providers.CreateTable{Table: m.Table}, providers.CreateTable{Table: ranged.Table},
			providers.AddKey{Table: m.Table, Key: *m.Table.Key}, providers.AddKey{Table: m.Table, Key: m.Table.Uniques[0]},
			providers.CreateIndex{Table: m.Table, Index: m.Table.Indexes[0]}, providers.CreateIndex{Table: m.Table, Index: m.Table.Indexes[1]},
			providers.CreateIndex{Table: m.Table, Index: m.Table.Indexes[2]}, providers.Analyze{Table: m.Table.Name}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := b.query(t, `SELECT "AUTO_MERGE_ON", "IS_COLUMN_TABLE", "HAS_PRIMARY_KEY" FROM "SYS"."TABLES" WHERE "TABLE_NAME" = '/BIC/AFOO'`); got != "TRUE|TRUE|TRUE" {
		t.Errorf("automatic merges, column table, primary key: %s", got)
	}
	var texts []string
	for _, x := range b.sim.Statements() {
		if strings.HasPrefix(x, "CREATE COLUMN TABLE \""+testSchema) {
			texts = append(texts, x)
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{`"TXT" NVARCHAR(40) DEFAULT '' NOT NULL`, `"AT" SECONDDATE`, `PRIMARY KEY ("MANDT", "NR")`, `NO AUTO MERGE PARTITION BY HASH ("MANDT", "NR") PARTITIONS 4`,
		`GROUP TYPE "sap.bw" GROUP SUBTYPE "cube" GROUP NAME "g"`, `RANGE ("Y") (PARTITION '2000' <= VALUES < '2010', PARTITION '2010' <= VALUES < '2020', PARTITION OTHERS)`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	if len(texts) != 2 {
		t.Errorf("%d tables were made:\n%s", len(texts), all)
	}
}

func TestPreflightFindings(t *testing.T) {
	srv, err := simulator.Start(simulator.Options{Users: []simulator.User{{Name: "LOADER", Password: "Loader-1"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	b := &environment{sim: srv, addr: srv.Addr(), user: "LOADER", password: "Loader-1", tls: "disable"}
	db, err := open(b.Values())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Preflight(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	stop := false
	for _, f := range found {
		fmt.Fprintln(&text, f.Summary, f.Detail)
		stop = stop || f.Stop
	}
	for _, want := range []string{"CREATE SCHEMA", "CATALOG READ", "SESSION ADMIN"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no word of %s:\n%s", want, text.String())
		}
	}
	if !stop {
		t.Error("the run is not stopped")
	}
	_, err = db.Lock(t.Context(), ledger.Run{Migration: "m", Owner: ledger.Owner{ID: "a"}}, nil)
	e := failure(t, err, providers.Permission)
	if !strings.Contains(e.Fix, "hana.md") {
		t.Errorf("fix %q", e.Fix)
	}

	admin := newBed(t)
	if found, err := admin.target(t).Preflight(t.Context(), nil); err != nil || len(found) != 1 || found[0].Stop || !strings.Contains(found[0].Summary, "SYSTEM") {
		t.Errorf("an administrator is told %+v, %v", found, err)
	}
}

func TestSplitCoversTable(t *testing.T) {
	b, db, s, _ := ready(t, catalog.Type{Kind: catalog.String, Length: 10})
	src := &catalog.Table{Name: catalog.Name{Schema: testSchema, Name: "k"}, Columns: []catalog.Column{
		{Name: "MANDT", Type: catalog.Type{Kind: catalog.String, Length: 3}}, {Name: "N", Type: catalog.Type{Kind: catalog.Decimal, Precision: 12, Scale: 2}},
		{Name: "T", Type: catalog.Type{Kind: catalog.Timestamp9, Precision: 7}}, {Name: "B", Type: catalog.Type{Kind: catalog.Binary, Length: 4}}},
		Key: &catalog.Key{Columns: []string{"MANDT", "N", "T", "B"}, Primary: true}}
	tb := hana.Driver().MapTable(src, providers.MapOptions{Engine: "other", To: src.Name, Policies: catalog.DefaultPolicies()}).Table
	made(t, s, tb)
	for i := range 300 {
		b.exec(t, fmt.Sprintf("INSERT INTO k VALUES ('100', %d.%02d, '2024-01-01 00:00:00.%07d', X'%08x')", i/7-10, i%7, i%3, i))
	}
	ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: "auto", Parts: 5})
	if err != nil || len(ranges) < 4 {
		t.Fatalf("%d ranges, %s, %v", len(ranges), reason, err)
	}
	snap, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	view, err := snap.Begin(t.Context(), []*catalog.Table{tb})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	total := int64(0)
	for _, r := range ranges {
		part := int64(0)
		readRange(t, view, tb, r, func(rec arrow.RecordBatch) { part += rec.NumRows() })
		if part > 150 {
			t.Errorf("one of %d ranges holds %d of 300 rows", len(ranges), part)
		}
		total += part
	}
	if total != 300 {
		t.Errorf("the ranges hold %d rows", total)
	}
}

func TestUniqueIndexCreatedOnce(t *testing.T) {
	// Invariant 7: a run was killed after its unique index was made: the next one finds it, although it is read back as a key.
	s := newBed(t)
	session := s.lock(t, s.target(t), "a")
	tb := benchTable()
	made(t, session, tb)
	index := providers.CreateIndex{Table: tb, Index: catalog.Index{Name: "t~G", Unique: true, Columns: []catalog.IndexColumn{{Name: "a"}}}}
	for range 2 {
		if err := session.Alter(t.Context(), []providers.DDL{index}); err != nil {
			t.Fatal(err)
		}
	}
}
