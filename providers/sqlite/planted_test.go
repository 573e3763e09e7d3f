package sqlite_test

import (
	"testing"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

func TestPlantedLedgerRefused(t *testing.T) {
	// Done: undo: a ledger that somebody else planted, or added something to, is refused before anything runs in it, on SQLite
	for name, c := range map[string]struct {
		sql  string
		kind providers.Kind
	}{
		"a trigger":           {"CREATE TABLE caught (a); CREATE TRIGGER act AFTER INSERT ON dmo_run BEGIN INSERT INTO caught VALUES (1); END", providers.Exists},
		"a trigger of LOADED": {"CREATE TABLE caught (a); CREATE TRIGGER act BEFORE DELETE ON DMO_LOADED BEGIN SELECT RAISE(IGNORE); END", providers.Exists},
		"an index":            {"CREATE UNIQUE INDEX more ON dmo_made (id)", providers.Exists},
		"a view":              {"ALTER TABLE dmo_run RENAME TO was; CREATE VIEW dmo_run AS SELECT * FROM was", providers.Exists},
		"another column":      {"ALTER TABLE dmo_planned ADD more", providers.Exists},
		"an older one":        {"DROP TABLE dmo_made; CREATE TABLE dmo_made (a PRIMARY KEY) WITHOUT ROWID /* dmoctl ledger 1 */", providers.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			target := openTarget(t, f)
			run := ledger.Run{Migration: "test", Token: "a"}
			s, err := target.Lock(t.Context(), run, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.TryExec(c.sql); err != nil {
				t.Fatal(err)
			}
			if _, err := target.Ledger(t.Context(), "test"); providers.KindOf(err) != c.kind {
				t.Errorf("Ledger: %q, %v", providers.KindOf(err), err)
			}
			run.Token = "b"
			if _, err := target.Lock(t.Context(), run, nil); providers.KindOf(err) != c.kind {
				t.Errorf("Lock: %q, %v", providers.KindOf(err), err)
			}
		})
	}
}
