package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
	"github.com/dmoctl/dmoctl/providers"
)

func TestABAPKeys(t *testing.T) {
	b := newBed(t, nil)
	b.exec(t, `CREATE TABLE "/BIC/AFOO" (MANDT VARCHAR2(9) DEFAULT '000' NOT NULL, DOCNO VARCHAR2(30) DEFAULT ' ' NOT NULL, ALT VARCHAR2(3) NOT NULL, OPEN1 NUMBER(5))`,
		`CREATE UNIQUE INDEX "/BIC/AFOO~0" ON "/BIC/AFOO" (MANDT, DOCNO)`,
		`CREATE UNIQUE INDEX "/BIC/AFOO~A" ON "/BIC/AFOO" (ALT)`,
		`CREATE UNIQUE INDEX "/BIC/AFOO~B" ON "/BIC/AFOO" (OPEN1)`,
		`CREATE INDEX "/BIC/AFOO~C" ON "/BIC/AFOO" (ALT DESC, MANDT)`,
		`CREATE INDEX "/BIC/AFOO~D" ON "/BIC/AFOO" (UPPER(ALT))`,
		`CREATE TABLE NOKEY (A NUMBER(5))`)
	db := b.source(t, nil)
	tb := b.table(t, db, "/BIC/AFOO")
	if tb.Key == nil || tb.Key.Name != "/BIC/AFOO~0" || tb.Key.Primary || !tb.Key.Index || !slices.Equal(tb.Key.Columns, []string{"MANDT", "DOCNO"}) {
		t.Errorf("key %+v", tb.Key)
	}
	var names []string
	for _, x := range tb.Indexes {
		names = append(names, fmt.Sprintf("%s %v %v %v", x.Name, x.Unique, x.Special, x.Columns))
	}
	got := strings.Join(names, "; ")
	for _, want := range []string{"/BIC/AFOO~A true false [{ALT false}]", "/BIC/AFOO~B true false [{OPEN1 false}]", "/BIC/AFOO~C false false [{ALT true} {MANDT false}]", "/BIC/AFOO~D false true"} {
		if !strings.Contains(got, want) {
			t.Errorf("indexes %s, want %s", got, want)
		}
	}
	if c := tb.Column("DOCNO"); c.Nullable || c.Default != "' '" || c.Declared != "VARCHAR2(30 BYTE)" {
		t.Errorf("column %+v", c)
	}
	if k := b.table(t, db, "NOKEY").Key; k != nil {
		t.Errorf("key of a table without one: %+v", k)
	}
}

func TestUnmigratedObjectsListed(t *testing.T) {
	b := newBed(t, nil)
	b.exec(t, "CREATE TABLE T (ID NUMBER(10) GENERATED ALWAYS AS IDENTITY PRIMARY KEY, A NUMBER(5), TWICE NUMBER GENERATED ALWAYS AS (A * 2) VIRTUAL, F BFILE)",
		"CREATE TABLE OFF (ID NUMBER(10), CONSTRAINT OFF_PK PRIMARY KEY (ID) DISABLE)",
		"CREATE GLOBAL TEMPORARY TABLE TMP (ID NUMBER(10))",
		"CREATE VIEW V AS SELECT ID FROM T",
		"CREATE SEQUENCE Q START WITH 7 CACHE 20")
	db := b.source(t, nil)
	c, err := db.Catalog(t.Context(), providers.Selector{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tables) != 2 || len(c.Sequences) != 1 || c.Sequences[0].Name.Name != "Q" || c.Sequences[0].Last != 7 {
		t.Errorf("%d tables, sequences %+v", len(c.Tables), c.Sequences)
	}
	tb := c.Find(catalog.Name{Schema: testUser, Name: "T"})
	if id := tb.Column("ID"); id.Identity != catalog.IdentityAlways || id.Sequence == nil || id.Default != "" {
		t.Errorf("identity %+v", id)
	}
	if v := tb.Column("TWICE"); v.Copied() || !v.Virtual || v.Generated == "" {
		t.Errorf("virtual column %+v", v)
	}
	if f := tb.Column("F"); f.Type.Kind != catalog.Refused || f.Type.Name != "BFILE" {
		t.Errorf("BFILE is %+v", f.Type)
	}
	listed := func(list []catalog.Object, kind, name string) bool {
		return slices.ContainsFunc(list, func(o catalog.Object) bool { return o.Kind == kind && o.Name == name })
	}
	off := c.Find(catalog.Name{Schema: testUser, Name: "OFF"})
	if !listed(c.NotMigrated, "view", "V") || !listed(c.NotMigrated, "temporary table", "TMP") || !listed(off.NotMigrated, "constraint", "OFF_PK") || off.Key != nil {
		t.Errorf("not migrated: %+v, %+v", c.NotMigrated, off.NotMigrated)
	}
}

func TestCatalogStatementCountConstant(t *testing.T) {
	b := newBed(t, nil)
	db := b.source(t, nil)
	cost := func(sel providers.Selector) int {
		before := len(b.srv.Statements())
		if _, err := db.Catalog(t.Context(), sel); err != nil {
			t.Fatal(err)
		}
		return len(b.srv.Statements()) - before
	}
	few := cost(providers.Selector{})
	for i := range 50 {
		b.exec(t, fmt.Sprintf("CREATE TABLE T%d (ID NUMBER(10) NOT NULL PRIMARY KEY, V VARCHAR2(10) DEFAULT ' ' NOT NULL, L CLOB)", i))
	}
	if many := cost(providers.Selector{}); many != few || many > 40 {
		t.Errorf("%d statements for 50 tables, %d for none", many, few)
	}
	before := b.seen("SEGMENTS")
	if structure := cost(providers.Selector{StructureOnly: true}); structure >= few || b.seen("SEGMENTS") != before {
		t.Errorf("%d statements for structures only, %d with sizes", structure, few)
	}
}

func TestPartitionReads(t *testing.T) {
	b := newBed(t, nil)
	b.exec(t, "CREATE TABLE P (ID NUMBER(10) NOT NULL, V VARCHAR2(10)) PARTITION BY RANGE (ID) (PARTITION P1 VALUES LESS THAN (100), PARTITION P2 VALUES LESS THAN (MAXVALUE))")
	ids := make([]int64, 300)
	for i := range ids {
		ids[i] = int64(i)
	}
	if _, err := b.db.Exec("INSERT INTO P VALUES (:1, 'x')", ids); err != nil {
		t.Fatal(err)
	}
	db := b.source(t, nil)
	tb := b.table(t, db, "P")
	if tb.PartitionBy != `RANGE ("ID")` || len(tb.Partitions) != 2 || tb.Partitions[0].File == tb.Partitions[1].File || tb.Partitions[0].Bound != "100" {
		t.Fatalf("partitions %q %+v", tb.PartitionBy, tb.Partitions)
	}
	for _, how := range []catalog.SplitSpec{{By: "partition"}, {By: "rowid", Parts: 6}} {
		ranges, reason, err := db.Split(t.Context(), tb, how)
		if err != nil || len(ranges) < 2 {
			t.Fatalf("%d ranges (%s), %v", len(ranges), reason, err)
		}
		total := 0
		inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
			for _, r := range ranges {
				part, err := rows(t.Context(), v, tb, r, providers.ReadOptions{})
				if err != nil {
					t.Errorf("%+v: %v", r, err)
				}
				total += len(part)
			}
		})
		if total != 300 {
			t.Errorf("%d ranges by %s hold %d rows of 300", len(ranges), how.By, total)
		}
	}
	b.exec(t, "ALTER TABLE P TRUNCATE PARTITION P1")
	s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Begin(t.Context(), []*catalog.Table{tb})
	wantKind(t, err, providers.Changed)
	if err == nil || !strings.Contains(err.Error(), "P1") {
		t.Errorf("the error does not name the partition: %v", err)
	}
}

func TestReadWithoutDictionaryAccess(t *testing.T) {
	// A user with CREATE SESSION and SELECT ANY TABLE only: sizes, extents and checks are missing, rows are not.
	b := newBed(t, nil)
	b.numbers(t, 500)
	b.srv.CreateUser("READER", "secret", "CREATE SESSION", "SELECT ANY TABLE", "FLASHBACK ANY TABLE", "EXECUTE ON DBMS_FLASHBACK", "EXEMPT REDACTION POLICY")
	db := b.source(t, schema.Values{"user": "READER"})
	tb := b.table(t, db, "N")
	ranges, reason, err := db.Split(t.Context(), tb, catalog.SplitSpec{By: "rowid", Parts: 4})
	if err != nil || len(ranges) < 2 {
		t.Fatalf("%d ranges (%s), %v", len(ranges), reason, err)
	}
	total := 0
	inView(t, db, providers.SnapshotOptions{Readers: 1}, []*catalog.Table{tb}, func(v providers.View) {
		for _, r := range ranges {
			part, err := rows(t.Context(), v, tb, r, providers.ReadOptions{})
			if err != nil {
				t.Error(err)
			}
			total += len(part)
		}
	})
	if total != 500 || b.seen("DBA_EXTENTS") != 0 {
		t.Errorf("%d ranges hold %d rows of 500; DBA_EXTENTS asked %d times", len(ranges), total, b.seen("DBA_EXTENTS"))
	}
	found, err := db.Preflight(t.Context(), []*catalog.Table{tb})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Stop {
			t.Errorf("stopped: %+v", f)
		}
	}
	b.srv.CreateUser("NOBODY", "secret", "CREATE SESSION", "EXECUTE ON DBMS_FLASHBACK")
	poor := b.source(t, schema.Values{"user": "NOBODY"})
	if found, err = poor.Preflight(t.Context(), []*catalog.Table{tb}); err != nil || !slices.ContainsFunc(found, func(f providers.Finding) bool {
		return f.Stop && f.Summary == "Tables cannot be read" && strings.Contains(f.Detail, testUser+".N")
	}) {
		t.Errorf("a table that cannot be read: %+v, %v", found, err)
	}
}

func TestSnapshotLost(t *testing.T) {
	b := newBed(t, nil)
	b.numbers(t, 10)
	db := b.source(t, nil)
	tb := b.table(t, db, "N")
	s, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, "UPDATE N SET V = 'new'")
	b.srv.ForgetUndo()
	v, err := s.Begin(t.Context(), []*catalog.Table{tb})
	if err == nil {
		_, err = rows(t.Context(), v, tb, catalog.WholeTable(), providers.ReadOptions{})
		if e := v.Close(); e != nil {
			t.Error(e)
		}
	}
	wantKind(t, err, providers.SnapshotLost)
	b.exec(t, "TRUNCATE TABLE N")
	_, err = s.Begin(t.Context(), []*catalog.Table{tb})
	wantKind(t, err, providers.Changed)
}

func TestQuietSourceWritesDetected(t *testing.T) {
	// Done: view: quiet on Oracle: MAX(ORA_ROWSCN), which needs no privilege, shows every write
	b := newBed(t, nil)
	b.numbers(t, 10)
	db := b.source(t, schema.Values{"consistency": "quiet"})
	tb := b.table(t, db, "N")
	count := func() (c providers.Counted) {
		inView(t, db, providers.SnapshotOptions{Readers: 1, Quiet: true}, []*catalog.Table{tb}, func(v providers.View) {
			n, err := v.Count(t.Context(), []*catalog.Table{tb})
			if err != nil {
				t.Fatal(err)
			}
			c = n[0]
		})
		return c
	}
	before := count()
	if again := count(); before.Changes == "" || again != before {
		t.Errorf("counted %+v, then %+v", before, again)
	}
	compare := func() (what string) {
		inView(t, db, providers.SnapshotOptions{Readers: 1, Quiet: true}, []*catalog.Table{tb}, func(v providers.View) {
			out, err := v.Compare(t.Context(), []*catalog.Table{tb}, []providers.Counted{before})
			if err != nil {
				t.Fatal(err)
			}
			what = out[0]
		})
		return what
	}
	if what := compare(); what != "" {
		t.Errorf("nothing was written: %s", what)
	}
	b.exec(t, "UPDATE N SET V = 'new' WHERE ID = 3")
	if compare() == "" {
		t.Error("an update goes unnoticed")
	}
}

func TestConnectErrors(t *testing.T) {
	b := newBed(t, &simulator.Options{})
	for name, c := range map[string]struct {
		other schema.Values
		kind  providers.Kind
	}{
		"password": {schema.Values{"password": "wrong-one"}, providers.Auth},
		"service":  {schema.Values{"service": "NOWHERE"}, providers.NotFound},
		"port":     {schema.Values{"port": int64(1)}, providers.Unreachable},
		"tls":      {schema.Values{"tls": "verify"}, providers.Unreachable}, // which this listener does not answer
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := b.open(ctx, c.other)
		cancel()
		wantKind(t, err, c.kind)
		var e *providers.Error
		if !errors.As(err, &e) || strings.Contains(err.Error(), "wrong-one") || e.Fix == "" {
			t.Errorf("%s: %v, fix %q", name, err, e.Fix)
		}
	}
}

func TestSessionParametersPinned(t *testing.T) {
	// Done: settings: each setting is pinned at connect, in every session of Oracle's.
	b := newBed(t, nil)
	db := b.source(t, nil)
	sn, err := db.Snapshot(t.Context(), providers.SnapshotOptions{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	for range 2 {
		v, err := sn.Begin(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
	}
	for _, setting := range []string{"NLS_TERRITORY='AMERICA'", "NLS_DATE_FORMAT=", "NLS_CALENDAR='GREGORIAN'", "NLS_COMP='BINARY'", "QUERY_REWRITE_ENABLED=FALSE", "TIME_ZONE='+00:00'", "ROW ARCHIVAL VISIBILITY = ALL"} {
		if n := b.seen(setting); n < 2 || n != b.seen("ROW ARCHIVAL VISIBILITY = ALL") {
			t.Errorf("%s was set in %d sessions, the rest in %d", setting, n, b.seen("ROW ARCHIVAL VISIBILITY = ALL"))
		}
	}
}
