package histories_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers/memory"
	"github.com/dmoctl/dmoctl/providers/objects"
)

// fixture is everything that a history changes, and what the test knows of it.
type fixture struct {
	t      *rapid.T
	source *memdb.Server
	target *memdb.Server
	store  *objects.Store
	spec   spec

	versions []*memdb.Data     // of the source; the last is now
	runs     map[string][2]int // the first and the last version that a run could read, by owner
	epochs   map[string]int    // the version at which the first run of a quiet epoch began
	begun    int               // processes
	floor    *memdb.Data       // the source when the migration began: where free sequences stood

	saved   *savedPlan
	stopped []*process // alive, and not continuing

	theirs   map[catalog.Name]*memdb.Table // tables of somebody else's on the target, as they have to stay
	lent     map[catalog.Name]bool         // those of them that an apply has loaded into
	views    []catalog.Dependent           // views of somebody else's on tables of ours
	indexes  map[catalog.Name][]string     // of somebody else's on tables of ours
	tampered map[catalog.Name]tamper       // tables of ours whose rows somebody has changed

	structural bool // somebody changed a structure on the source
	dirty      bool // something is in the way, or was: an apply may refuse, by name
	unquiet    bool // the source changed while packages of a quiet one were in
	disturbed  bool // the source changed while the run was at work

	directory string // of the state file; empty: it is lost before every run

	lines []string
}

// tamper says how far a table was verified when somebody changed its rows.
type tamper struct {
	state  ledger.State
	loaded []string // what the ledger said to be in
	counts bool     // the number of rows is another one
}

// savedPlan is what "plan --out" wrote.
type savedPlan struct {
	plan *plan.Plan
	from int  // version of the source
	all  bool // no --table
}

func newWorld(t *rapid.T) *fixture {
	w := &fixture{t: t, store: objects.NewStore(), spec: firstSpec(), runs: make(map[string][2]int), epochs: make(map[string]int),
		theirs: make(map[catalog.Name]*memdb.Table), lent: make(map[catalog.Name]bool), indexes: make(map[catalog.Name][]string), tampered: make(map[catalog.Name]tamper)}
	w.source = memdb.New("source", memdb.Options{Schema: sourceSchema})
	o := memdb.Options{Schema: targetSchema, SelfCommitting: rapid.Bool().Draw(t, "self-committing")}
	if rapid.IntRange(0, 3).Draw(t, "one writer") == 0 {
		o.Writers = 1
	}
	o.InlineKeys = rapid.IntRange(0, 3).Draw(t, "keys are made with tables") == 3
	w.target = memdb.New("target", o)
	n := rapid.IntRange(1, 4).Draw(t, "tables")
	w.source.Do(func(d *memdb.Data) {
		for _, name := range []string{"a", "b", "c", "d"}[:n] {
			drawTable(t, d, name, tablesOf(d))
		}
		if rapid.Bool().Draw(t, "sequence") {
			d.Sequences = []catalog.Sequence{{Name: sourceName("free"), Increment: 1, Start: 1, Min: 1, Max: 1 << 40, Last: 7, Called: true}}
		}
	})
	w.versions = []*memdb.Data{w.source.Data()}
	w.floor = w.source.Data()
	w.spec.Level = rapid.SampledFrom([]string{levelContent, levelContent, levelCount, none}).Draw(t, "level")
	w.spec.File, w.spec.Quiet = rapid.Bool().Draw(t, "file"), rapid.Bool().Draw(t, "quiet")
	w.spec.Parts = rapid.IntRange(1, 3).Draw(t, "parts")
	w.spec.Processes = rapid.IntRange(1, 2).Draw(t, "processes")
	w.spec.Retain = rapid.SampledFrom([]string{"until_imported", "until_verified", "always"}).Draw(t, "retain")
	if rapid.IntRange(0, 15).Draw(t, "state file") == 15 { // it costs files on a disk
		w.keepState()
	}
	w.logf("target %+v, state file %v; source:", o, w.directory != "")
	for _, name := range w.tables() {
		tb := w.source.Data().Tables[sourceName(name)]
		w.logf("  %s: %d rows, key %v, %d uniques, %d indexes, foreign keys to %v, identity %q", name, len(tb.Rows), tb.Key != nil, len(tb.Uniques), len(tb.Indexes), parents(&tb.Table), tb.Columns[colID].Identity)
	}
	if rapid.IntRange(0, 3).Draw(t, "a table is there") == 3 {
		w.spec.Existing = rapid.SampledFrom([]string{"recreate", "recreate", "load"}).Draw(t, "existing")
		w.somebodyDoes(rapid.SampledFrom([]string{"create", "prepare"}).Draw(t, "how"), "a")
	}
	w.logf("spec: %s", w.spec)
	return w
}

// keepState gives the history a state file, which is gone after it.
func (w *fixture) keepState() {
	directory, err := os.MkdirTemp("", "histories")
	if err != nil {
		w.fatalf("make a directory: %v", err)
	}
	w.directory = directory
	w.t.Cleanup(func() { os.RemoveAll(directory) })
}

// loseState removes the state file.
func (w *fixture) loseState() {
	if w.directory == "" {
		return
	}
	w.logf("the state file is lost")
	files, err := os.ReadDir(w.directory)
	for _, f := range files {
		if rm := os.Remove(filepath.Join(w.directory, f.Name())); rm != nil {
			err = rm
		}
	}
	if err != nil {
		w.fatalf("lose the state: %v", err)
	}
}

func parents(t *catalog.Table) (out []string) {
	for _, f := range t.ForeignKeys {
		out = append(out, f.Table.Name)
	}
	return out
}

func (w *fixture) logf(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

// fatalf ends the history with all that happened in it.
func (w *fixture) fatalf(format string, args ...any) {
	for _, p := range w.stopped {
		p.kill()
	}
	w.t.Fatalf("%s\n\nafter this history:\n%s", fmt.Sprintf(format, args...), strings.Join(w.lines, "\n"))
}

// contents are what the target's ledger says, as nobody's run reads it.
func contents(w *fixture) *ledger.Contents {
	c, err := memory.Open(w.target, nil).Ledger(context.Background(), migration)
	if err != nil {
		w.fatalf("read the ledger: %v", err)
	}
	return c
}

// has says whether the source has a table.
func (w *fixture) has(table string) bool { return w.source.Data().Tables[sourceName(table)] != nil }

// migrated says whether the spec takes a table, and whether with its rows.
func (w *fixture) migrated(table string) (taken, rows bool) {
	content, excluded := w.spec.Excludes[table]
	return content != none || !excluded, !excluded
}
