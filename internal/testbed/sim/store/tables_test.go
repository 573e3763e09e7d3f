package store

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func kindIs(err error, kind ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

func row(values ...int64) []byte {
	var list []Value
	for _, v := range values {
		list = append(list, IntValue(v))
	}
	return EncodeRow(nil, list)
}

func ints(b []byte, n int) []int64 {
	values := make([]Value, n)
	DecodeRow(b, values)
	out := make([]int64, n)
	for i, v := range values {
		out[i] = v.I
	}
	return out
}

func sum(t *Table, s Snapshot) (total int64) {
	var hits []Hit
	for next, done := uint32(0), false; !done; {
		hits, next, done = t.Scan(s, next, 7, hits[:0])
		for _, h := range hits {
			total += ints(h.Row, 2)[1]
		}
	}
	return total
}

// TestTransfers moves amounts between rows from many goroutines at once, with
// rollbacks, savepoints and deadlocks: every snapshot sees the same total.
func TestTransfers(t *testing.T) {
	const accounts, workers, rounds = 20, 6, 150
	e := NewEngine()
	table := e.NewTable("T")
	if err := table.AddIndex(&Index{Name: "PK", Columns: []int{0}}); err != nil {
		t.Fatal(err)
	}
	tx := e.Begin()
	for i := range accounts {
		if _, err := tx.Insert(table, row(int64(i), 100), Wait{}); err != nil {
			t.Fatal(err)
		}
	}
	tx.Commit()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for range rounds {
				transfer(t, e, table, random)
			}
		})
	}
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			s := e.SnapshotAt(0)
			if total := sum(table, s); total != accounts*100 {
				t.Errorf("a snapshot sees %d", total)
			}
			s.Close()
		}
	})
	wg.Wait()
	close(stop)
	watcher.Wait()
	s := e.SnapshotAt(0)
	defer s.Close()
	if total, n := sum(table, s), table.Count(s); total != accounts*100 || n != accounts {
		t.Errorf("%d in %d rows", total, n)
	}
	for i := range accounts {
		if _, ok := table.Find(s, table.Indexes()[0], []Value{IntValue(int64(i))}); !ok {
			t.Errorf("key %d is not found", i)
		}
	}
	if len(e.active) != 0 || len(e.rowLocks)+len(e.tableLocks) != 0 {
		t.Error("transactions or locks are left")
	}
}

// transfer takes from one row and gives to another; now and then it deletes and
// inserts the row instead of updating it, or rolls back.
func transfer(t *testing.T, e *Engine, table *Table, random *rand.Rand) {
	tx := e.Begin()
	from, to := random.Int64N(20), random.Int64N(20)
	if from == to {
		tx.Rollback()
		return
	}
	change := func(key, by int64) error {
		for {
			s := tx.Snapshot()
			hit, ok := table.Find(s, table.Indexes()[0], []Value{IntValue(key)})
			s.Close()
			if !ok {
				t.Errorf("no row %d", key)
				return errors.New("gone")
			}
			cur, err := tx.Current(table, hit.Slot, Wait{})
			if err != nil {
				return err
			}
			if !cur.Alive {
				continue
			}
			next := row(key, ints(cur.Row, 2)[1]+by)
			if random.IntN(3) == 0 {
				if ok, err := tx.Apply(table, hit.Slot, cur, nil); err != nil || !ok {
					if err != nil {
						return err
					}
					continue
				}
				_, err := tx.Insert(table, next, Wait{})
				return err
			}
			if ok, err := tx.Apply(table, hit.Slot, cur, next); err != nil || ok {
				return err
			}
		}
	}
	err := change(from, -1)
	if err == nil && random.IntN(4) == 0 {
		sp := tx.Savepoint()
		err = change(to, 50)
		if err == nil {
			tx.RollbackTo(sp)
		}
	}
	if err == nil {
		err = change(to, 1)
	}
	switch {
	case err != nil:
		if !kindIs(err, Deadlock) {
			t.Error(err)
		}
		tx.Rollback()
	case random.IntN(5) == 0:
		tx.Rollback()
	default:
		tx.Commit()
	}
}

// TestLockQueue holds time-outs, NOWAIT and cancelling.
func TestLockQueue(t *testing.T) {
	e := NewEngine()
	table := e.NewTable("T")
	one, two := e.Begin(), e.Begin()
	if err := one.LockTable(table, Exclusive, Wait{}); err != nil {
		t.Fatal(err)
	}
	if err := two.LockTable(table, IntentExclusive, Wait{NoWait: true}); !kindIs(err, Busy) {
		t.Errorf("NOWAIT: %v", err)
	}
	if err := two.LockTable(table, IntentExclusive, Wait{Timeout: 20 * time.Millisecond}); !kindIs(err, LockTimeout) {
		t.Errorf("time-out: %v", err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond)
		two.Cancel()
	}()
	if err := two.LockTable(table, IntentExclusive, Wait{}); !kindIs(err, Canceled) {
		t.Errorf("cancel: %v", err)
	}
	one.Commit()
	three := e.Begin()
	if err := three.LockTable(table, Exclusive, Wait{NoWait: true}); err != nil {
		t.Errorf("after the commit: %v", err)
	}
}
