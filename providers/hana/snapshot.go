package hana

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// snapshot is for reading back what was loaded. HANA cannot share a view between sessions, so
// each statement sees what was committed when it began; tables that are complete do not change.
type snapshot struct {
	db    *database
	id    string
	taken time.Time

	mu     sync.Mutex
	closed bool
}

// Snapshot implements providers.Database.
func (db *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	const op = "take snapshot"
	s := &snapshot{db: db, id: providers.QuietID}
	if !how.Quiet {
		s.id = engine + ":" + rand.Text()
	}
	err := db.with(ctx, func(x *session) error {
		r, err := x.one(ctx, op, `SELECT CURRENT_UTCTIMESTAMP FROM "SYS"."DUMMY"`)
		if err != nil {
			return err
		}
		t, ok := r[0].(time.Time)
		if !ok {
			return fmt.Errorf("the server's clock is a %T", r[0])
		}
		s.taken = t.Truncate(time.Microsecond)
		return nil
	})
	if err != nil {
		return nil, wrap(op, err)
	}
	return s, nil
}

func (s *snapshot) ID() string      { return s.id }
func (s *snapshot) Time() time.Time { return s.taken }

// Begin implements providers.Snapshot. Large objects are read in a transaction only (error 596).
func (s *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, &providers.Error{Kind: providers.SnapshotLost, Op: "begin view", Err: errors.New("the snapshot is closed")}
	}
	how := s.db.plain()
	for _, t := range tables {
		how.fetch = min(how.fetch, fetchOf(t))
	}
	x, err := s.db.pool.Get(ctx, how)
	if err != nil {
		return nil, err
	}
	v := &view{db: s.db, s: x}
	if err := x.begin(ctx, "begin view", false); err != nil {
		s.db.put(x)
		return nil, err
	}
	return v, nil
}

// Close implements providers.Snapshot.
func (s *snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// view is a transaction that reads. One goroutine.
type view struct {
	db     *database
	s      *session
	closed bool
}

// Read implements providers.View.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	rd, err := openReader(ctx, v, t, r, how)
	if err != nil {
		return nil, err
	}
	return rd, nil
}

// Count implements providers.View. HANA has no change counters that survive a restart.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	out := make([]providers.Counted, 0, len(tables))
	for _, t := range tables {
		n, err := count(ctx, v.s, "count", "SELECT COUNT(*) FROM "+quoteName(t.Name))
		if err != nil {
			return nil, wrapTable("count", t.Name, err)
		}
		out = append(out, providers.Counted{Rows: n})
	}
	return out, nil
}

// Compare implements providers.View. HANA is not a source.
func (v *view) Compare(context.Context, []*catalog.Table, []providers.Counted) ([]string, error) {
	return nil, &providers.Error{Kind: providers.Unsupported, Op: "compare counts", Err: errors.New("SAP HANA is only supported as a target")}
}

// Confirm implements providers.View. Nobody but the run changes what is read back.
func (v *view) Confirm(context.Context) error { return nil }

// Close implements providers.View.
func (v *view) Close() error {
	if v.closed {
		return nil
	}
	v.closed = true
	err := v.s.rollback()
	v.db.put(v.s)
	return err
}
