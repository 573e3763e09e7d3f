package faulty_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/faulty"
	"github.com/dmoctl/dmoctl/providers/sqlite"
)

// open makes a target over a real file.
func open(t *testing.T, i *faulty.Injector) (providers.Target, error) {
	t.Helper()
	db, err := i.Driver(sqlite.Driver()).OpenTarget(t.Context(), schema.Values{"path": filepath.Join(t.TempDir(), "t.db")},
		providers.Env{Log: hclog.NewNullLogger()})
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

func TestFaultMeetsTheNthCall(t *testing.T) {
	i := faulty.New(faulty.Fault{Op: faulty.Ledger, Nth: 2, Times: 2, Kind: providers.Transient})
	db, err := open(t, i)
	if err != nil {
		t.Fatal(err)
	}
	for call, want := range []providers.Kind{"", providers.Transient, providers.Transient, ""} {
		_, err := db.Ledger(t.Context(), "m")
		if (want == "") != (err == nil) || err != nil && providers.KindOf(err) != want {
			t.Errorf("call %d: %v, want %q", call+1, err, want)
		}
	}
	if n := i.Calls(faulty.Ledger); n != 4 {
		t.Errorf("%d calls counted", n)
	}
}

func TestLostAnswerOfACommit(t *testing.T) {
	db, err := open(t, faulty.New(faulty.Fault{Op: faulty.Commit, Nth: 1, Kind: providers.Disconnected, After: true}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Lock(t.Context(), ledger.Run{Migration: "m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := []ledger.Loaded{{Migration: "m", ID: "t/0001", Generation: "g"}}
	if _, err := tx.Claim(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context(), p); providers.KindOf(err) != providers.Disconnected {
		t.Errorf("commit: %v", err)
	}
	c, err := s.Read(t.Context())
	if err != nil || len(c.Loaded) != 1 {
		t.Errorf("the commit was not carried out: %+v, %v", c, err)
	}
}

func TestHangEndsWithTheContext(t *testing.T) {
	db, err := open(t, faulty.New(faulty.Fault{Op: faulty.Identity, Hang: true}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := db.Identity(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging call: %v", err)
	}
}

func TestOpenFailsAndClosesWhatItOpened(t *testing.T) {
	cause := errors.New("no route")
	_, err := open(t, faulty.New(faulty.Fault{Op: faulty.Open, Kind: providers.Unreachable, Err: cause, After: true}))
	if providers.KindOf(err) != providers.Unreachable || !errors.Is(err, cause) {
		t.Errorf("open: %v", err)
	}
}
