package oracle

import (
	"slices"
	"testing"
)

func TestASessionIsHandedToOneOnly(t *testing.T) {
	// Trap: a session that two read by loses rows of both, without an error: whoever gets one has it alone.
	for at := range 4 {
		db := &database{}
		db.env.Readers = 10
		for i := range 4 {
			db.idle = append(db.idle, &session{fetch: 100 + i})
		}
		want := db.idle[at]
		got, err := db.get(t.Context(), 100+at)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("session %d: got another one", at)
		}
		if slices.Contains(db.idle, got) {
			t.Errorf("session %d is in use and idle at once", at)
		}
		if len(db.idle) != 3 || slices.Contains(db.idle, nil) {
			t.Errorf("session %d: %d are left idle, want the other 3", at, len(db.idle))
		}
	}
}
