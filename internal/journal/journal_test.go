package journal

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/local"
)

func staging(t *testing.T) providers.Staging {
	t.Helper()
	st, err := local.Driver().OpenStaging(t.Context(), schema.Values{"path": t.TempDir()}, providers.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func owner(user string) Owner {
	return Owner{By: ledger.Owner{ID: user, User: user, Host: "db1", PID: 1}, For: HandOver{Migration: "erp", Source: "s", Target: "t", Lineage: "l"}}
}

// begin opens epoch 1 and begins table T in it.
func begin() []Record {
	return []Record{{Epoch: &Epoch{ID: "1"}}, {Begun: &Table{Table: catalog.Name{Name: "T"}, Epoch: "1"}}}
}

func take(t *testing.T, st providers.Staging, user string) (*Writer, *Contents) {
	t.Helper()
	w, c, err := Take(t.Context(), st, Source, owner(user))
	if err != nil {
		t.Fatal(err)
	}
	return w, c
}

// manifest names empty packages of table T.
func manifest(owner int64, attempt string, ids ...string) Record {
	m := &exportfile.Manifest{Owner: owner, Attempt: attempt}
	for _, id := range ids {
		m.Packages = append(m.Packages, exportfile.Package{ID: id, Table: catalog.Name{Name: "T"}, Generation: "g",
			Digest: digest.Sum{}.String(), Schema: "s", Epoch: "1"})
	}
	return Record{Manifest: m}
}

func all(t *testing.T, st providers.Staging) []Entry {
	t.Helper()
	var out []Entry
	for n := int64(1); ; n++ {
		e, ok, err := Read(t.Context(), st, Source, n)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, e)
	}
}

func TestAppendAndFollow(t *testing.T) {
	st := staging(t)
	w, c := take(t, st, "ana")
	if w.Owner() != 1 || c.Owner.By.User != "ana" {
		t.Errorf("after the first take: %+v", c)
	}
	plan := Record{Plan: &Plan{ID: "p1", Packages: []Planned{{ID: "T/1", Table: catalog.Name{Name: "T"}, Generation: "g"}}}}
	for _, records := range [][]Record{append(begin(), plan), {manifest(1, "a", "T/1"), manifest(1, "b", "T/2")},
		{{Table: &Table{Table: catalog.Name{Name: "T"}, Epoch: "1", Count: 0}}, {Done: &Done{Plan: "p1"}}}} {
		if err := w.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
	_, c = take(t, st, "ben")
	if len(c.Packages) != 2 || c.Packages["T/2"].Attempt != "b" ||
		c.Plan.ID != "p1" || len(c.Tables) != 1 || c.Owner.By.User != "ben" {
		t.Errorf("what a second run reads: %+v", c)
	}
	if diff := cmp.Diff([]int64{1, 1, 1, 1, 5}, owners(all(t, st))); diff != "" {
		t.Error(diff)
	}
}

func owners(entries []Entry) []int64 {
	var out []int64
	for _, e := range entries {
		out = append(out, e.Owner)
	}
	return out
}

func TestLostOwnership(t *testing.T) {
	// Failure scenario: two applies at once on one target, from one state or from two: in file mode the journal stops the older one by its owner's name.
	st := staging(t)
	first, _ := take(t, st, "ana")
	second, _ := take(t, st, "ben")
	err := first.Append(t.Context(), manifest(first.Owner(), "a", "T/1"))
	var lost *providers.Error
	if !errors.As(err, &lost) || lost.Kind != providers.Fenced || lost.Owner == nil || lost.Owner.User != "ben" {
		t.Fatalf("got %v", err)
	}
	if err := second.Append(t.Context(), manifest(second.Owner(), "a", "T/1")); err != nil {
		t.Errorf("the owner: %v", err)
	}
	if err := first.Append(t.Context(), manifest(first.Owner(), "a", "T/1")); providers.KindOf(err) != providers.Fenced {
		t.Errorf("once more: %v", err)
	}
	if got := all(t, st); len(got) != 3 {
		t.Errorf("%d entries", len(got))
	}
}

// flaky loses the replies of commits that it is told to lose.
type flaky struct {
	providers.Staging
	lose bool
}

func (f *flaky) Create(ctx context.Context, name string) (providers.ObjectWriter, error) {
	w, err := f.Staging.Create(ctx, name)
	return &flakyWriter{w, f}, err
}

type flakyWriter struct {
	providers.ObjectWriter
	f *flaky
}

func (w *flakyWriter) Commit(ctx context.Context) error {
	err := w.ObjectWriter.Commit(ctx)
	if err == nil && w.f.lose {
		w.f.lose = false
		return &providers.Error{Kind: providers.Disconnected, Op: "commit object", Err: errors.New("connection reset")}
	}
	return err
}

func TestLostReply(t *testing.T) {
	st := &flaky{Staging: staging(t)}
	w, _ := take(t, st, "ana")
	st.lose = true
	records := append(begin(), manifest(1, "a", "T/1"))
	if err := w.Append(t.Context(), records...); providers.KindOf(err) != providers.Disconnected {
		t.Fatalf("got %v", err)
	}
	if err := w.Append(t.Context(), records...); err != nil {
		t.Fatalf("again: %v", err)
	}
	if got := all(t, st); len(got) != 2 {
		t.Errorf("%d entries, the same records were written twice", len(got))
	}
	// Other records after a lost reply: both entries count.
	st.lose = true
	if err := w.Append(t.Context(), manifest(1, "b", "T/2")); err == nil {
		t.Fatal("the reply was not lost")
	}
	if err := w.Append(t.Context(), manifest(1, "c", "T/3")); err != nil {
		t.Fatal(err)
	}
	_, c := take(t, st, "ben")
	if len(c.Packages) != 3 || len(all(t, st)) != 5 {
		t.Errorf("%+v", c)
	}
	// The reply to the owner entry itself is lost.
	st.lose = true
	if _, _, err := Take(t.Context(), st, Source, owner("x")); err == nil {
		t.Fatal("the reply was not lost")
	}
	w, _ = take(t, st, "eve")
	if err := w.Append(t.Context(), manifest(w.Owner(), "d", "T/4")); err != nil {
		t.Error(err)
	}
}

func TestRestartVoidsTable(t *testing.T) {
	c := NewContents()
	c.Add(Entry{Number: 1, Records: append(begin(), manifest(1, "a", "T/1", "T/2"), Record{Table: &Table{Table: catalog.Name{Name: "T"}, Epoch: "1"}})})
	c.Packages["U/1"] = Exported{Package: exportfile.Package{ID: "U/1", Table: catalog.Name{Name: "U"}}}
	c.Add(Entry{Number: 2, Records: append(append([]Record{{Restart: &Restart{Table: catalog.Name{Name: "T"}}}}, begin()...), manifest(1, "b", "T/1"))})
	if len(c.Packages) != 2 || c.Packages["T/1"].Attempt != "b" || len(c.Tables) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestUnreadableEntries(t *testing.T) {
	for name, text := range map[string]string{
		"not supported by this dmoctl": `{"format":1,"number":1}`,
		"names no format":              `{"number":1}`,
		"unknown field":                `{"format":2,"number":1,"writer":"w","owner":1,"colour":1,"records":[{"owner":{"for":{"migration":"m"}}}]}`,
		"claims to be entry 2":         `{"format":2,"number":2,"writer":"w","owner":2,"at":"2020-01-01T00:00:00Z","records":[{"owner":{"for":{"migration":"m"}}}]}`,
		"has 0 records":                `{"format":2,"number":1,"writer":"w","owner":1,"records":[{}]}`,
		"has 2 records":                `{"format":2,"number":1,"writer":"w","owner":1,"records":[{"owner":{"for":{"migration":"m"}},"done":{"plan":"p"}}]}`,
		"no record":                    `{"format":2,"number":1,"writer":"w","owner":1,"records":[]}`,
		"after top-level":              `{"format":2,"number":1,"writer":"w","owner":1,"records":[{"owner":{"for":{"migration":"m"}}}]} {}`,
		"unexpected end":               `{"format":2,"numb`,
	} {
		st := staging(t)
		if err := put(t.Context(), st, Name(Source, 1), []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, _, err := Take(t.Context(), st, Source, owner("ana"))
		if providers.KindOf(err) != providers.Corrupt || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzEntry(f *testing.F) {
	e := Entry{Number: 2, Writer: "w", Owner: 1, Records: []Record{manifest(1, "a", "T/1"), {Done: &Done{Plan: "p"}}}}
	b, err := e.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		back, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMissingEntriesReported(t *testing.T) {
	// Done: staging: a missing journal entry is named, and is not another run
	for _, gone := range []int64{1, 2, 3} {
		st := staging(t)
		w, _ := take(t, st, "ana")
		for range 3 {
			if err := w.Append(t.Context(), begin()...); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Remove(t.Context(), Name(Source, gone)); err != nil {
			t.Fatal(err)
		}
		wantMissing(t, st, Name(Source, gone))
	}
	// The end is gone, and something that was exported after it is there.
	st := staging(t)
	take(t, st, "ana")
	w, _ := take(t, st, "ben")
	if err := put(t.Context(), st, exportfile.ObjectName("T/1", w.Owner(), "0123456789ab", 1), []byte("rows")); err != nil {
		t.Fatal(err)
	}
	if err := st.Remove(t.Context(), Name(Source, 2)); err != nil {
		t.Fatal(err)
	}
	wantMissing(t, st, Name(Source, 2))
	// It comes back while somebody writes behind it.
	st = staging(t)
	take(t, st, "ana")
	w, _ = take(t, st, "ben")
	if err := put(t.Context(), st, Name(Source, 3), mustEncode(t, Entry{Number: 3, Writer: "old", Owner: 1, Records: begin()})); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(t.Context(), begin()...); providers.KindOf(err) != providers.Corrupt {
		t.Errorf("got %v", err)
	}
}

func mustEncode(t *testing.T, e Entry) []byte {
	t.Helper()
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantMissing(t *testing.T, st providers.Staging, name string) {
	t.Helper()
	_, _, err := Take(t.Context(), st, Source, owner("eve"))
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Corrupt || e.Fix == "" || !strings.Contains(err.Error(), name) {
		t.Errorf("without %s: got %v", name, err)
	}
}

func TestForeignHandoverRefused(t *testing.T) {
	// Done: staging: a hand-over of another migration, source or target is refused and not touched
	st := staging(t)
	w, _ := take(t, st, "ana")
	if err := w.Append(t.Context(), append(begin(), manifest(1, "a", "T/1"))...); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*HandOver){
		"migration": func(h *HandOver) { h.Migration = "other" },
		"source":    func(h *HandOver) { h.Source = "other" },
		"target":    func(h *HandOver) { h.Target = "other" },
	} {
		o := owner("eve")
		change(&o.For)
		_, _, err := Take(t.Context(), st, Source, o)
		var e *providers.Error
		if !errors.As(err, &e) || e.Kind != providers.Exists || e.Fix == "" || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if got := all(t, st); len(got) != 2 {
		t.Errorf("%d entries", len(got))
	}
	o := owner("ana")
	o.For.Lineage = "later"
	_, c, err := Take(t.Context(), st, Source, o)
	if err != nil || len(c.Packages)+len(c.Epochs)+len(c.Begun) != 0 {
		t.Errorf("another lineage takes over %+v, %v", c, err)
	}
	if _, c = take(t, st, "ben"); len(c.Packages) != 0 {
		t.Errorf("the first lineage comes back with %+v", c)
	}
}

func TestManifestsOfOtherEpochIgnored(t *testing.T) {
	// Done: staging: manifests of another epoch never count
	for what, records := range map[string][]Record{
		"no epoch":            {manifest(1, "a", "T/1")},
		"a table never begun": {{Epoch: &Epoch{ID: "1"}}, manifest(1, "a", "T/1")},
		"begun again": append(append(begin(), manifest(1, "a", "T/1")),
			Record{Epoch: &Epoch{ID: "2"}}, Record{Begun: &Table{Table: catalog.Name{Name: "T"}, Epoch: "2"}}),
		"late": append(begin(), Record{Begun: &Table{Table: catalog.Name{Name: "T"}, Epoch: "2"}}, manifest(1, "a", "T/1")),
	} {
		c := NewContents()
		c.Add(Entry{Number: 1, Records: records})
		if len(c.Packages) != 0 {
			t.Errorf("%s: %+v counts", what, c.Packages)
		}
	}
}

func TestHold(t *testing.T) {
	st := staging(t)
	w, _ := take(t, st, "ana")
	if err := w.Hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	take(t, st, "ben")
	if err := w.Hold(t.Context()); providers.KindOf(err) != providers.Fenced {
		t.Errorf("got %v", err)
	}
}

func TestMissingEntryIsDamage(t *testing.T) {
	// Done: settings: a missing journal entry is damage, and no other run.
	for missing := range 5 {
		st := staging(t)
		for range 2 { // entries 1 to 3 of a first run, 4 to 6 of a second
			w, _ := take(t, st, "ana")
			for _, id := range []string{"T/1", "T/2"} {
				if err := w.Append(t.Context(), manifest(w.Owner(), "a", id)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := st.Remove(t.Context(), Name(Source, int64(missing+1))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, _, err := Take(t.Context(), st, Source, owner("ben"))
			var e *providers.Error
			if !errors.As(err, &e) || e.Kind != providers.Corrupt || e.Fix == "" || e.Owner != nil {
				t.Errorf("without entry %d: %v", missing+1, err)
			}
		}
	}
}
