package executor_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/journal"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/local"
)

// newQuietEnvironment is newFileEnvironment with a source that nobody writes to, by word.
func newQuietEnvironment(t *testing.T, retain plan.Retain) *environment {
	t.Helper()
	b := newFileEnvironment(t, numbered(1_000))
	b.quiet = true
	b.tweak = func(p *plan.Plan) {
		p.Transfer.Retain = retain
		p.Processes.Downtime = 1
	}
	b.open()
	return b
}

func (b *environment) rollback() {
	b.t.Helper()
	if _, err := executor.Rollback(b.t.Context(), "m", true, b.deps()); err != nil {
		b.t.Fatal(err)
	}
}

// change writes to the source and leaves the number of rows as it was.
func (b *environment) change(what string) {
	execute(b.t, b.path("source.db"), fmt.Sprintf("UPDATE orders SET name = name || '%[1]s' WHERE id %% 3 = 0; UPDATE loose SET b = b || '%[1]s' WHERE a = 3", what))
}

// newTarget takes the target away: what the ledger knew is gone.
func (b *environment) newTarget() {
	b.t.Helper()
	if err := b.target.Close(); err != nil {
		b.t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(b.path("target.db" + suffix)); err != nil && !os.IsNotExist(err) {
			b.t.Fatal(err)
		}
	}
	b.open()
}

// again applies a new plan; the target has to be what the source is now.
func (b *environment) again() {
	b.t.Helper()
	b.open()
	if _, exit := b.apply(b.plan(), b.deps()); exit != report.OK {
		b.t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
}

func TestStaleExportFilesIgnored(t *testing.T) {
	for _, retain := range []string{"", "until_verified", "always"} {
		t.Run("rolled back after a whole run, retain "+retain, func(t *testing.T) {
			// Done: staging: export files from before a rollback never count
			t.Parallel()
			b := newQuietEnvironment(t, plan.Retain(retain))
			b.again()
			b.rollback()
			b.change("new")
			b.again()
			b.rollback()
			execute(t, b.path("source.db"), "DELETE FROM orders WHERE id < 10; INSERT INTO orders (name) VALUES ('one more')")
			b.again()
		})
		t.Run("killed between export and import, rolled back, retain "+retain, func(t *testing.T) {
			// Done: staging: killed between export and import, then rolled back: old files never count
			t.Parallel()
			b := newQuietEnvironment(t, plan.Retain(retain))
			if !b.crash(b.plan(), control.PointBegin, 2) {
				t.Fatal("it was not killed")
			}
			b.open()
			b.rollback()
			b.change("new")
			b.again()
		})
		t.Run("changed between kill and resume, retain "+retain, func(t *testing.T) {
			// Done: staging: a change between kill and resume: what was exported before is exported again
			t.Parallel()
			b := newQuietEnvironment(t, plan.Retain(retain))
			p := b.plan()
			if !b.crash(p, control.PointBegin, 1) {
				t.Fatal("it was not killed")
			}
			if len(b.objects()) == 0 && len(b.contents().Loaded) > 0 {
				t.Fatal("nothing was exported, or something is in")
			}
			b.change("new")
			b.open()
			if _, exit := b.apply(p, b.deps()); exit != report.OK {
				t.Fatalf("exit %d\n%s", exit, b.events)
			}
			b.same("orders", "loose", "hollow")
		})
		t.Run("a new empty target, retain "+retain, func(t *testing.T) {
			// Done: staging: for a new empty target old files never count
			t.Parallel()
			b := newQuietEnvironment(t, plan.Retain(retain))
			b.again()
			b.newTarget()
			b.change("new")
			b.again()
			b.newTarget()
			if !b.crash(b.plan(), control.PointBegin, 1) {
				t.Fatal("it was not killed")
			}
			b.newTarget()
			b.change("newer")
			b.again()
		})
	}
}

func TestChangeBeforeResumeStopsLoadedTable(t *testing.T) {
	// Done: staging: a change between kill and resume: where rows are in already, the table stops by name
	b := newQuietEnvironment(t, "")
	p := b.plan()
	if !b.crash(p, control.PointBegin, 3) {
		t.Fatal("it was not killed")
	}
	if n := query(t, b.path("target.db"), "SELECT count(*) FROM loose"); n == "0" {
		t.Fatal("nothing is loaded")
	}
	b.change("new")
	b.open()
	rep, exit := b.apply(p, b.deps())
	if exit != report.Stale || len(rep.Failures) == 0 || !strings.Contains(rep.Failures[0].Message, "quiet") {
		t.Fatalf("exit %d, %+v", exit, rep.Failures)
	}
	b.rollback()
	b.again()
}

func TestUnchangedQuietExportReused(t *testing.T) {
	b := newQuietEnvironment(t, "")
	p := b.plan()
	if !b.crash(p, control.PointBegin, 3) {
		t.Fatal("it was not killed")
	}
	before := strings.Join(b.objects(), "\n")
	if before == "" {
		t.Fatal("nothing was exported")
	}
	b.open()
	d := b.deps()
	exported := 0
	d.Hooks.Before = func(point string) {
		if point == control.PointManifest {
			exported++
		}
	}
	if _, exit := b.apply(p, d); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
	packages := 0
	for _, pt := range p.Tables {
		packages += len(pt.Packages)
	}
	if exported >= packages-2 {
		t.Errorf("%d of %d packages were exported again", exported, packages)
	}
}

func TestDamagedFileRestartsLostSnapshotTable(t *testing.T) {
	// Done: staging: rows of two snapshots are never mixed where a file of the first is damaged
	for _, parts := range []int{1, 3} {
		b := newFileEnvironment(t, numbered(3_000))
		b.parts = parts
		b.tweak = func(p *plan.Plan) { p.Processes.Downtime = 1 }
		p := b.plan()
		if !b.crash(p, control.PointBegin, 2*parts+1) {
			t.Fatal("it was not killed")
		}
		if len(b.objects()) == 0 {
			t.Fatal("nothing is exported")
		}
		for _, o := range b.objects() {
			text := read(t, o)
			text[len(text)/2] ^= 1
			replace(t, o, text)
		}
		b.change("new")
		b.open()
		if _, exit := b.apply(p, b.deps()); exit != report.OK {
			t.Fatalf("%d parts: exit %d\n%s", parts, exit, b.events)
		}
		b.same("orders")
	}
}

func TestQuietExportNotReusedUnderSnapshot(t *testing.T) {
	// Done: staging: what was exported from a quiet source does not count under a snapshot, nor the other way round
	for _, quiet := range []bool{true, false} {
		b := newQuietEnvironment(t, "always")
		b.quiet = quiet
		b.open()
		if !b.crash(b.plan(), control.PointBegin, 1) {
			t.Fatal("it was not killed")
		}
		b.change("new")
		b.quiet = !quiet
		b.open()
		b.holds(b.plan())
		b.rollback()
		b.again()
	}
}

func TestNewerOwnerObjectsKept(t *testing.T) {
	// Done: staging: objects of a newer owner are never deleted
	b := newQuietEnvironment(t, "")
	newer := b.path("staging/data/t/99-0123456789ab/1")
	d := b.deps()
	d.Hooks.Before = func(point string) {
		if point != control.PointVerify {
			return
		}
		if err := os.MkdirAll(filepath.Dir(newer), 0o700); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(newer, []byte("rows"), 0o600); err != nil {
			t.Error(err)
		}
	}
	if _, exit := b.apply(b.plan(), d); exit != report.OK {
		t.Fatalf("exit %d\n%s", exit, b.events)
	}
	if got := b.objects(); len(got) != 1 || got[0] != newer {
		t.Errorf("the staging holds %v", got)
	}
}

func TestFencedRunRemovesNothing(t *testing.T) {
	// Done: staging: a run that has lost the journal removes nothing
	b := newQuietEnvironment(t, "")
	d := b.deps()
	taken := false
	d.Hooks.Before = func(point string) {
		if point != control.PointReceipt || taken || len(b.objects()) == 0 {
			return
		}
		taken = true
		for _, o := range b.objects() { // what the next owner still needs
			if err := os.Link(o, filepath.Join(b.dir, "kept-"+filepath.Base(filepath.Dir(o)))); err != nil {
				t.Error(err)
			}
		}
		o := journal.Owner{By: ledger.Owner{ID: "next", User: "ben"}, For: journal.HandOver{
			Migration: "m", Source: must(b.source.Identity(t.Context()))(t), Target: must(b.target.Identity(t.Context()))(t), Lineage: b.contents().Run.Lineage,
		}}
		if _, _, err := journal.Take(t.Context(), b.store, journal.Source, o); err != nil {
			t.Error(err)
		}
	}
	if _, exit := b.apply(b.plan(), d); exit != report.Locked || !taken {
		t.Fatalf("exit %d, taken %v\n%s", exit, taken, b.events)
	}
	kept, err := filepath.Glob(filepath.Join(b.dir, "kept-*"))
	if err != nil || len(kept) == 0 || len(b.objects()) < len(kept) {
		t.Errorf("%d objects are left of %d, %v", len(b.objects()), len(kept), err)
	}
}

// directory says what is in the staging, to the byte.
func (b *environment) directory() string {
	b.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(b.path("staging"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		fmt.Fprintln(&out, path, info.Mode(), info.ModTime())
		if err == nil && e.Type().IsRegular() {
			fmt.Fprintf(&out, "%x\n", sha256.Sum256(read(b.t, path)))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

func TestForeignHandoverRefused(t *testing.T) {
	// Done: staging: a hand-over of another migration, source or target is refused and not touched
	b := newQuietEnvironment(t, "always")
	b.again()
	if err := b.store.Close(); err != nil { // its directory of temporary files goes with it
		t.Fatal(err)
	}
	before := b.directory()
	for what, other := range map[string]func(o *environment, p *plan.Plan){
		"of migration": func(_ *environment, p *plan.Plan) { p.Migration = "other" },
		"from another source": func(o *environment, p *plan.Plan) {
			execute(t, o.path("other.db"), numbered(100))
			p.Source.Identity = "other"
		},
		"to another target": func(_ *environment, p *plan.Plan) { p.Target.Identity = "other" },
	} {
		o := &environment{t: t, dir: t.TempDir(), parts: 3, file: true, quiet: true}
		execute(t, o.path("source.db"), numbered(100))
		o.open()
		p := o.plan()
		other(o, p)
		// The rest is the same, so that only this differs.
		first := b.plan()
		if what != "from another source" {
			p.Source.Identity = first.Source.Identity
		}
		if what != "to another target" {
			p.Target.Identity = first.Target.Identity
		}
		p.ID = plan.Identify(p)
		d := o.deps()
		d.Source, d.Target = &named{o.source, p.Source.Identity}, &namedTarget{o.target, p.Target.Identity}
		st, err := local.Driver().OpenStaging(t.Context(), map[string]any{"path": b.path("staging"), "quota": int64(0)}, o.env())
		if err != nil {
			t.Fatal(err)
		}
		d.Staging = st
		rep, exit := o.apply(p, d)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		if exit != report.Error || !strings.Contains(fmt.Sprint(o.outcome), what) {
			t.Errorf("%s: exit %d, %v, %+v", what, exit, o.outcome, rep.Failures)
		}
		if now := b.directory(); now != before {
			t.Errorf("%s: the staging was touched:\n%s\nbefore:\n%s", what, now, before)
		}
	}
}

func TestRandomHandovers(t *testing.T) {
	// Done: staging: random sequences of export, kill, rollback, change and new targets never end equal with old rows
	n, end := 0, time.Now().Add(30*time.Second)
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(end) {
			return
		}
		n++
		retain := rapid.SampledFrom([]string{"", "until_verified", "always"}).Draw(rt, "retain")
		b := newQuietEnvironment(t, plan.Retain(retain))
		points := []string{control.PointBegin, control.PointExport, control.PointManifest, control.PointCommit, control.PointReceipt,
			control.PointComplete, control.PointSnapshot, control.PointRegister, control.PointEmpty, control.PointVerify}
		p := b.plan()
		for i := range rapid.IntRange(2, 6).Draw(rt, "length") {
			switch op := rapid.SampledFrom([]string{"kill", "kill", "apply", "resume", "rollback", "change", "change", "target", "retain"}).Draw(rt, "operation"); op {
			case "kill":
				b.open()
				p = b.plan()
				b.crash(p, rapid.SampledFrom(points).Draw(rt, "point"), rapid.IntRange(1, 4).Draw(rt, "nth"))
			case "apply", "resume":
				b.open()
				if op == "apply" {
					p = b.plan()
				} else if c := b.contents(); c.Run != nil && c.Run.Closed && c.Run.Plan == p.ID {
					continue // it is done, says so, and reads nothing
				}
				b.holds(p)
			case "rollback":
				b.open()
				b.rollback()
			case "change":
				b.change(fmt.Sprint(i))
			case "target":
				b.newTarget()
			case "retain":
				retain = rapid.SampledFrom([]string{"", "until_verified", "always"}).Draw(rt, "retain")
				b.tweak = func(p *plan.Plan) { p.Transfer.Retain, p.Processes.Downtime = plan.Retain(retain), 1 }
			}
			if t.Failed() {
				rt.Fatal("see above")
			}
		}
		b.open()
		b.rollback()
		b.again()
	})
	t.Logf("%d sequences", n)
}

// holds applies p: where that ends well the target is what the source is.
func (b *environment) holds(p *plan.Plan) {
	b.t.Helper()
	if _, exit := b.apply(p, b.deps()); exit == report.OK {
		b.same("orders", "loose", "hollow")
	}
}

// named is a source of another identity.
type named struct {
	providers.Database
	id string
}

func (n *named) Identity(context.Context) (string, error) { return n.id, nil }

// namedTarget is a target of another identity.
type namedTarget struct {
	providers.Target
	id string
}

func (n *namedTarget) Identity(context.Context) (string, error) { return n.id, nil }
