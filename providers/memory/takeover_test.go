package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers/memory"
)

func owned(id string) ledger.Run {
	return ledger.Run{Migration: "m", Token: "token-" + id, Owner: ledger.Owner{ID: id}}
}

func TestConcurrentRecordKeepsTakeover(t *testing.T) {
	// Invariant 2: a run that had compared its token, and records itself while the next one takes over, does not take the token back.
	server := memdb.New("t", memdb.Options{})
	reached, goes := make(chan struct{}), make(chan struct{})
	old, err := memory.Open(server, func(_ context.Context, call string) error {
		if call == "write ledger commit" {
			close(reached)
			<-goes
		}
		return nil
	}).Lock(t.Context(), owned("old"), nil)
	if err != nil {
		t.Fatal(err)
	}
	recorded := make(chan error, 1)
	go func() {
		run := owned("old")
		recorded <- old.Record(context.Background(), ledger.Change{Run: &run})
	}()
	<-reached
	server.Lose("m")
	waits, taken := make(chan string, 100), make(chan error, 1)
	next := memory.Open(server, nil)
	go func() {
		s, err := next.Lock(context.Background(), owned("new"), func(what string) { waits <- what })
		if err == nil {
			_, err = s.Read(context.Background())
		}
		taken <- err
	}()
	select {
	case <-waits:
	case err := <-taken:
		t.Fatalf("the next run does not wait for the record in progress: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the next run neither waits nor continues")
	}
	close(goes)
	if err := <-recorded; err != nil {
		t.Errorf("record: %v", err)
	}
	if err := <-taken; err != nil {
		t.Errorf("the run that took over is fenced by the one before it: %v", err)
	}
}
