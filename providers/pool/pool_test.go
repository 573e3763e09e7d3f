package pool_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

type session struct {
	kind       int
	busy, dead bool
	ended      int
}

// hooks open sessions that are told by their kind, and fail for kind 0.
func hooks(most int) pool.Hooks[int, *session] {
	return pool.Hooks[int, *session]{
		Open: func(_ context.Context, kind int) (*session, error) {
			if kind == 0 {
				return nil, &providers.Error{Kind: providers.Unreachable, Op: "connect"}
			}
			return &session{kind: kind}, nil
		},
		Kind: func(s *session) int { return s.kind },
		Idle: func(s *session) bool { return !s.busy && !s.dead },
		Dead: func(s *session) bool { return s.dead },
		End:  func(s *session) error { s.ended++; return nil },
		Most: most,
	}
}

// filled returns a pool with an idle session of each kind.
func filled(t *testing.T, most int, kinds ...int) (*pool.Pool[int, *session], []*session) {
	t.Helper()
	p := pool.New(hooks(most))
	var all []*session
	for _, k := range kinds {
		s, err := p.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	for _, s := range all {
		put(t, p, s)
	}
	return p, all
}

func put(t *testing.T, p *pool.Pool[int, *session], s *session) {
	t.Helper()
	if err := p.Put(s); err != nil {
		t.Fatal(err)
	}
}

func ended(all []*session) (out []int) {
	for _, s := range all {
		out = append(out, s.ended)
	}
	return out
}

func TestSessionNotShared(t *testing.T) {
	// Trap: a session that two read by loses rows of both, without an error: whoever gets one has it alone.
	for at := range 4 {
		p, all := filled(t, 10, 1, 2, 3, 4)
		first, err := p.Get(t.Context(), at+1)
		if err != nil || first != all[at] {
			t.Fatalf("session %d: got %v, %v", at, first, err)
		}
		if second, err := p.Get(t.Context(), at+1); err != nil || second == first {
			t.Errorf("session %d is in use and idle at once: %v", at, err)
		}
		for i, s := range all {
			if i == at {
				continue
			}
			if got, err := p.Get(t.Context(), i+1); err != nil || got != s {
				t.Errorf("session %d was lost when %d was taken: %v", i, at, err)
			}
		}
	}
}

func TestDeadSessionClosesIdleOnes(t *testing.T) {
	p, all := filled(t, 0, 1, 2, 3)
	s, err := p.Get(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	s.dead = true
	put(t, p, s)
	if got := ended(all); !slices.Equal(got, []int{1, 1, 1}) {
		t.Errorf("ended %v", got)
	}
}

func TestSessionInTransactionClosedAlone(t *testing.T) {
	p, all := filled(t, 0, 1, 2)
	s, err := p.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.busy = true
	put(t, p, s)
	if got := ended(all); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("ended %v", got)
	}
}

func TestSpareSessionsOfOtherKindsClosed(t *testing.T) {
	p, all := filled(t, 1, 1, 2)
	if _, err := p.Get(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if got := ended(all); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("ended %v", got)
	}
}

func TestCloseEndsReturnedSessions(t *testing.T) {
	p, all := filled(t, 0, 1, 2)
	s, err := p.Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ended(all); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("while one is in use: ended %v", got)
	}
	put(t, p, s)
	if got := ended(all); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("after it is back: ended %v", got)
	}
	if _, err := p.Get(t.Context(), 1); providers.KindOf(err) != providers.Internal || err == nil {
		t.Errorf("a closed pool: %v", err)
	}
}

func TestServerGoneIsDisconnected(t *testing.T) {
	p := pool.New(hooks(0))
	if _, err := p.Get(t.Context(), 0); providers.KindOf(err) != providers.Disconnected {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken")
	if err := p.With(t.Context(), 1, func(*session) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("With: %v", err)
	}
}
