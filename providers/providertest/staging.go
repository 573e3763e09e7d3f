package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// StagingHarness is what the staging suite needs of one provider.
type StagingHarness struct {
	Driver providers.Driver
	// New makes an empty staging that is gone after the test, and returns its arguments.
	New func(t testing.TB) schema.Values
	// Foreign makes a place that holds somebody else's thing under an object's name. look says
	// all that is in it, in any form. Nil where a place holds nothing but a staging's objects.
	Foreign func(t testing.TB, name, content string) (v schema.Values, look func() string)
}

// Staging runs the conformance suite of stagings.
func Staging(t *testing.T, h StagingHarness) {
	tests := []struct {
		name string
		run  func(*testing.T, *stage)
	}{
		{"visible only when complete", stagingVisible},
		{"existing names", stagingExists},
		{"abort leaves nothing", stagingAbort},
		{"ranges", stagingRanges},
		{"list", stagingList},
		{"remove", stagingRemove},
		{"names", stagingNames},
		{"concurrent creates", stagingRace},
		{"create during removal", stagingCrowd},
		{"cancel", stagingCancel},
		{"large object", stagingLarge},
		{"two processes", stagingTwo},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantNoLeak(t)
			s := &stage{values: h.New(t), driver: h.Driver}
			s.Staging = s.open(t)
			test.run(t, s)
		})
	}
	if h.Foreign == nil {
		return
	}
	t.Run("foreign", func(t *testing.T) {
		wantNoLeak(t)
		stagingForeign(t, h)
	})
}

// stagingForeign opens a place that was never a staging: it is refused as it is.
func stagingForeign(t *testing.T, h StagingHarness) {
	// Done: staging: in a directory with other people's files: refused
	for _, name := range []string{"data/customers.csv", "data/t/1-0123456789ab/1", "source/00000001.json", "x"} {
		v, look := h.Foreign(t, name, "theirs")
		before := look()
		st, err := h.Driver.OpenStaging(t.Context(), v, providers.Env{Log: hclog.NewNullLogger(), Dir: t.TempDir()})
		if err == nil {
			st.Close()
		}
		var e *providers.Error
		if !errors.As(err, &e) || e.Kind != providers.Exists || e.Fix == "" {
			t.Errorf("beside %s: got %v, want an error of kind %s that says what to do", name, err, providers.Exists)
		}
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("beside %s: %s", name, diff)
		}
	}
}

// stage is one open staging and what opens it again.
type stage struct {
	providers.Staging
	values schema.Values
	driver providers.Driver
}

// open opens the staging once more, as another process would.
func (s *stage) open(t *testing.T) providers.Staging {
	t.Helper()
	st, err := s.driver.OpenStaging(t.Context(), s.values, providers.Env{Log: hclog.NewNullLogger(), Dir: t.TempDir()})
	if err != nil {
		t.Fatalf("open staging: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close staging: %v", err)
		}
	})
	return st
}

func (s *stage) create(t *testing.T, name, content string) providers.ObjectWriter {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	return w
}

func (s *stage) put(t *testing.T, name, content string) {
	t.Helper()
	if err := s.create(t, name, content).Commit(t.Context()); err != nil {
		t.Fatalf("commit %s: %v", name, err)
	}
}

func (s *stage) get(ctx context.Context, name string, offset, length int64) (string, error) {
	r, err := s.Open(ctx, name, offset, length)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func (s *stage) want(t *testing.T, name, content string) {
	t.Helper()
	if got, err := s.get(t.Context(), name, 0, -1); err != nil || got != content {
		t.Errorf("object %s holds %.60q, %v; want %.60q", name, got, err, content)
	}
}

// list returns names and sizes under a prefix.
func (s *stage) list(t *testing.T, prefix string) []string {
	t.Helper()
	var out []string
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		out = append(out, fmt.Sprintf("%s %d", o.Name, o.Size))
	}
	return out
}

func (s *stage) wantKind(t *testing.T, kind providers.Kind, err error) {
	t.Helper()
	if err == nil || providers.KindOf(err) != kind {
		t.Errorf("got %v, want an error of kind %s", err, kind)
	}
}

func stagingVisible(t *testing.T, s *stage) {
	w := s.create(t, "data/t/1-a/1", "first ")
	_, err := s.get(t.Context(), "data/t/1-a/1", 0, -1)
	s.wantKind(t, providers.NotFound, err)
	if got := s.list(t, ""); len(got) != 0 {
		t.Errorf("listed before commit: %v", got)
	}
	if _, err := io.WriteString(w, "second"); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want(t, "data/t/1-a/1", "first second")
	if err := w.Abort(); err != nil {
		t.Errorf("abort after commit: %v", err)
	}
	s.want(t, "data/t/1-a/1", "first second")
	if err := w.Commit(t.Context()); err == nil {
		t.Error("a second commit succeeds")
	}
	s.put(t, "empty", "")
	s.want(t, "empty", "")
}

func stagingExists(t *testing.T, s *stage) {
	s.put(t, "a", "one")
	w := s.create(t, "a", "two")
	s.wantKind(t, providers.Exists, w.Commit(t.Context()))
	if err := w.Abort(); err != nil {
		t.Errorf("abort: %v", err)
	}
	s.want(t, "a", "one")
	early, late := s.create(t, "b", "early"), s.create(t, "b", "late")
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantKind(t, providers.Exists, early.Commit(t.Context()))
	if err := early.Abort(); err != nil {
		t.Errorf("abort: %v", err)
	}
	s.want(t, "b", "late")
}

func stagingAbort(t *testing.T, s *stage) {
	w := s.create(t, "x/y", "text")
	for range 2 {
		if err := w.Abort(); err != nil {
			t.Errorf("abort: %v", err)
		}
	}
	if got := s.list(t, ""); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if err := w.Commit(t.Context()); err == nil {
		t.Error("a commit after abort succeeds")
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("a write after abort succeeds")
	}
	s.put(t, "x/y", "again")
	s.want(t, "x/y", "again")
}

func stagingRanges(t *testing.T, s *stage) {
	s.put(t, "o", "0123456789")
	for _, c := range []struct {
		offset, length int64
		want           string
	}{{0, -1, "0123456789"}, {3, 4, "3456"}, {3, -1, "3456789"}, {0, 0, ""}, {9, 1, "9"}, {8, 100, "89"}} {
		if got, err := s.get(t.Context(), "o", c.offset, c.length); err != nil || got != c.want {
			t.Errorf("%d bytes from %d: %q, %v; want %q", c.length, c.offset, got, err, c.want)
		}
	}
	_, err := s.get(t.Context(), "missing", 3, 4)
	s.wantKind(t, providers.NotFound, err)
}

func stagingList(t *testing.T, s *stage) {
	for _, name := range []string{"b/2", "b/1", "a/b/c", "a-b", "a.b", "a/b-c", "b/10", "c"} {
		s.put(t, name, name)
	}
	for prefix, want := range map[string][]string{
		"":      {"a-b 3", "a.b 3", "a/b-c 5", "a/b/c 5", "b/1 3", "b/10 4", "b/2 3", "c 1"},
		"b/":    {"b/1 3", "b/10 4", "b/2 3"},
		"b/1":   {"b/1 3", "b/10 4"},
		"a":     {"a-b 3", "a.b 3", "a/b-c 5", "a/b/c 5"},
		"a/b/":  {"a/b/c 5"},
		"b/3":   nil,
		"zz/1/": nil,
	} {
		if diff := cmp.Diff(want, s.list(t, prefix)); diff != "" {
			t.Errorf("prefix %q: %s", prefix, diff)
		}
	}
	n := 0
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		if n++; n == 2 {
			break
		}
	}
}

func stagingRemove(t *testing.T, s *stage) {
	s.put(t, "d/1", "one")
	s.put(t, "d/2", "two")
	for range 2 { // a missing one is not an error
		if err := s.Remove(t.Context(), "d/1"); err != nil {
			t.Fatalf("remove: %v", err)
		}
	}
	_, err := s.get(t.Context(), "d/1", 0, -1)
	s.wantKind(t, providers.NotFound, err)
	if err := s.Remove(t.Context(), "d"); err != nil {
		t.Errorf("remove of what is only part of a name: %v", err)
	}
	s.want(t, "d/2", "two")
	if err := s.Remove(t.Context(), "d/2"); err != nil {
		t.Fatal(err)
	}
	s.put(t, "d", "the name is free again")
	s.want(t, "d", "the name is free again")
}

func stagingNames(t *testing.T, s *stage) {
	for _, name := range []string{
		"data/sapsr3.%2Fbic%2Fafoo%2F0001/1-a/1", "x_y-z.1", "%41%42", "a%00b", "00000001.json", "0/0/0/0/0/0/0/0", "%E2%82%AC",
	} {
		s.put(t, name, "content of "+name)
		s.want(t, name, "content of "+name)
		if diff := cmp.Diff([]string{fmt.Sprintf("%s %d", name, len("content of "+name))}, s.list(t, name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, name := range []string{"", "/", "/a", "a/", "a//b", "..", "../a", "a/../b",
		"./a", ".a", "A", "a b", "a\x00", "a%", "a%2", "a%2f", "a\\b", "\u00e9"} {
		_, err := s.Create(t.Context(), name)
		s.wantKind(t, providers.Config, err)
		_, err = s.Open(t.Context(), name, 0, -1)
		s.wantKind(t, providers.Config, err)
		s.wantKind(t, providers.Config, s.Remove(t.Context(), name))
	}
}

func stagingRace(t *testing.T, s *stage) {
	const writers = 8
	for round := range 10 {
		name := fmt.Sprintf("source/%08d.json", round)
		results := make(chan error, writers)
		for i := range writers {
			w := s.create(t, name, fmt.Sprint(i))
			go func() {
				err := w.Commit(context.Background())
				results <- errors.Join(err, w.Abort())
			}()
		}
		won := 0
		for range writers {
			if err := <-results; err == nil {
				won++
			} else {
				s.wantKind(t, providers.Exists, err)
			}
		}
		if won != 1 {
			t.Fatalf("%d of %d writers of %s won", won, writers, name)
		}
	}
}

// stagingCrowd commits beside somebody who removes the last object of the same place.
func stagingCrowd(t *testing.T, s *stage) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			w, err := s.Create(context.Background(), "p/q/other")
			if err == nil {
				err = w.Commit(context.Background())
			}
			if err == nil {
				err = s.Remove(context.Background(), "p/q/other")
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for i := range 50 {
		name := fmt.Sprintf("p/q/%d", i)
		s.put(t, name, "x")
		s.want(t, name, "x")
		if err := s.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func stagingCancel(t *testing.T, s *stage) {
	s.put(t, "whole", "text")
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "half")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(ctx, "whole", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	canceled := func(what string, err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err = w.Write(bytes.Repeat([]byte("x"), 1<<20))
	canceled("write", err)
	canceled("commit", w.Commit(ctx))
	_, err = io.ReadAll(r)
	canceled("read", err)
	_, err = s.Create(ctx, "other")
	canceled("create", err)
	_, err = s.Open(ctx, "whole", 0, -1)
	canceled("open", err)
	canceled("remove", s.Remove(ctx, "whole"))
	for _, err := range s.List(ctx, "") {
		canceled("list", err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("abort: %v", err)
	}
	if diff := cmp.Diff([]string{"whole 4"}, s.list(t, "")); diff != "" {
		t.Error(diff)
	}
}

func stagingLarge(t *testing.T, s *stage) {
	const block, blocks = 1 << 20, 96
	w, err := s.Create(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Abort() }()
	for i := range blocks {
		if _, err := w.Write(bytes.Repeat([]byte{byte(i)}, block)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("large %d", block*blocks)}, s.list(t, "large")); diff != "" {
		t.Error(diff)
	}
	for _, at := range []int{0, 1, blocks - 2} {
		got, err := s.get(t.Context(), "large", int64(at)*block+block-1, 2)
		if want := string([]byte{byte(at), byte(at + 1)}); err != nil || got != want {
			t.Errorf("across blocks %d: %q, %v; want %q", at, got, err, want)
		}
	}
}

// stagingTwo opens the staging a second time: a writer that is alive keeps what
// it is writing, and both see the same objects.
func stagingTwo(t *testing.T, s *stage) {
	w := s.create(t, "mine", "half ")
	other := &stage{Staging: s.open(t), values: s.values, driver: s.driver}
	other.put(t, "theirs", "text")
	if _, err := io.WriteString(w, "whole"); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.want(t, "mine", "half whole")
	s.want(t, "theirs", "text")
}
