package hana_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
)

func target(t *testing.T, b *environment) providers.Target {
	t.Helper()
	db, err := hana.Driver().OpenTarget(t.Context(), b.Values(), providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test", Readers: 2, Writers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPlantedLedgerRefused(t *testing.T) {
	// Done: undo: a ledger that somebody else planted, or added something to, is refused before anything runs in it, on SAP HANA
	for name, c := range map[string]struct {
		sql  []string
		kind providers.Kind
	}{
		"a trigger":            {[]string{`CREATE TRIGGER "DMO"."ACT" AFTER INSERT ON "DMO"."RUN" FOR EACH ROW BEGIN END`}, providers.Exists},
		"another column":       {[]string{`ALTER TABLE "DMO"."PLANNED" ADD ("MORE" INTEGER)`}, providers.Exists},
		"a user's schema":      {[]string{`DROP SCHEMA "DMO" CASCADE`, `CREATE USER EVIL PASSWORD "Evil1234"`, `CREATE SCHEMA "DMO" OWNED BY EVIL`}, providers.Permission},
		"a table without sign": {[]string{`DROP TABLE "DMO"."MADE"`, `CREATE COLUMN TABLE "DMO"."MADE" ("A" INTEGER)`}, providers.Exists},
		"an older one":         {[]string{`DROP TABLE "DMO"."MADE"`, `CREATE COLUMN TABLE "DMO"."MADE" ("A" INTEGER) COMMENT 'dmoctl ledger, format 1'`}, providers.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			db := target(t, b)
			run := ledger.Run{Migration: "test", Token: "a"}
			s, err := db.Lock(t.Context(), run, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Ledger(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			for _, sql := range c.sql {
				b.exec(t, sql)
			}
			if _, err := db.Ledger(t.Context(), "test"); providers.KindOf(err) != c.kind {
				t.Errorf("Ledger: %q, %v", providers.KindOf(err), err)
			}
			run.Token = "b"
			if _, err := db.Lock(t.Context(), run, nil); providers.KindOf(err) != c.kind {
				t.Errorf("Lock: %q, %v", providers.KindOf(err), err)
			}
		})
	}
}

func TestPreflightStopsOnTriggers(t *testing.T) {
	// Done: undo: enabled triggers on tables to be loaded stop the preflight, by name, on SAP HANA
	b := newBed(t)
	b.exec(t, `CREATE COLUMN TABLE "`+testSchema+`"."T" ("ID" INTEGER)`)
	b.exec(t, `CREATE COLUMN TABLE "`+testSchema+`"."U" ("ID" INTEGER)`)
	b.exec(t, `CREATE TRIGGER "`+testSchema+`"."INS" AFTER INSERT ON "`+testSchema+`"."T" FOR EACH ROW BEGIN END`)
	b.exec(t, `CREATE TRIGGER "`+testSchema+`"."UPD" AFTER UPDATE ON "`+testSchema+`"."U" FOR EACH ROW BEGIN END`)
	db := target(t, b)
	stops := func(table string) (out []string) {
		t.Helper()
		found, err := db.Preflight(t.Context(), []*catalog.Table{{Name: catalog.Name{Schema: testSchema, Name: table}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Stop {
				out = append(out, f.Detail)
			}
		}
		return out
	}
	if got := stops("T"); len(got) != 1 || !strings.Contains(got[0], testSchema+".INS on "+testSchema+".T") {
		t.Errorf("the preflight says %q", got)
	}
	if got := stops("U"); len(got) != 0 {
		t.Errorf("the preflight stops for an update: %q", got)
	}
	b.exec(t, `DROP TRIGGER "`+testSchema+`"."INS"`)
	if got := stops("T"); len(got) != 0 {
		t.Errorf("the preflight says %q", got)
	}
}
