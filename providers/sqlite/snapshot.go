package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// snapshot is one view of the file, held by read transactions that were all
// started between two commits.
type snapshot struct {
	db    *database
	id    string
	taken time.Time
	quiet bool
	free  chan *conn // of size readers; connections that no View uses
	all   []*conn
	lent  bool // Begin may have lent connections
	done  chan struct{}
	close sync.Once
}

// Snapshot opens how.Readers connections. Unless how.Quiet, each starts its read
// transaction while a write lock is held, so that no commit comes between; the lock
// is released before Snapshot returns. Where the file cannot be written, an
// unchanged data_version around the openings proves the same.
func (d *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	n := max(how.Readers, 1)
	s := &snapshot{db: d, id: providers.QuietID, quiet: how.Quiet, free: make(chan *conn, n), done: make(chan struct{})}
	err := s.open(ctx, n)
	if err == nil && !how.Quiet {
		s.id = engine + ":" + rand.Text()
		err = s.hold(ctx)
	}
	s.taken = time.Now().UTC().Truncate(time.Microsecond)
	if err != nil {
		return nil, failed(ctx, "take snapshot", errors.Join(err, s.Close()))
	}
	s.lent = true
	for _, c := range s.all {
		s.free <- c
	}
	return s, nil
}

func (s *snapshot) open(ctx context.Context, n int) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := s.db.reader()
		if err != nil {
			return err
		}
		s.all = append(s.all, c)
	}
	return nil
}

// hold starts all read transactions between two commits.
func (s *snapshot) hold(ctx context.Context) (err error) {
	writer, err := s.db.connect(sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	switch err := writer.retry(ctx, "BEGIN IMMEDIATE"); sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultOK:
	case sqlite.ResultReadOnly:
		return s.watch(ctx, writer)
	default:
		return err
	}
	for _, c := range s.all {
		if err := c.start(ctx); err != nil {
			return errors.Join(err, writer.rollback())
		}
	}
	return writer.rollback()
}

// watch starts the read transactions again until no commit came between them.
func (s *snapshot) watch(ctx context.Context, watcher *conn) error {
	const attempts = 100
	for range attempts {
		before, _, err := watcher.int64(ctx, "PRAGMA data_version")
		if err != nil {
			return err
		}
		for _, c := range s.all {
			if err := errors.Join(c.rollback(), c.start(ctx)); err != nil {
				return err
			}
		}
		if after, _, err := watcher.int64(ctx, "PRAGMA data_version"); err != nil || after == before {
			return err
		}
	}
	e := refuse(
		providers.Permission,
		"take snapshot",
		catalog.Name{},
		fmt.Errorf("the file is read-only here and changed %d times while a snapshot was taken", attempts),
	)
	e.Fix = "Let dmoctl write to the file's directory, or stop the writers and set consistency = \"quiet\"."
	return e
}

// start begins a read transaction and reads, which is what fixes its view.
func (c *conn) start(ctx context.Context) error {
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	_, _, err := c.int64(ctx, "SELECT count(*) FROM sqlite_schema")
	return err
}

func (s *snapshot) ID() string      { return s.id }
func (s *snapshot) Time() time.Time { return s.taken }

// Begin borrows a connection and waits until one is free.
func (s *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	var c *conn
	select {
	case <-s.done:
		return nil, refuse(providers.SnapshotLost, "begin view", catalog.Name{}, errors.New("the snapshot is closed"))
	default:
	}
	select {
	case c = <-s.free:
	case <-s.done:
		return nil, refuse(providers.SnapshotLost, "begin view", catalog.Name{}, errors.New("the snapshot is closed"))
	case <-ctx.Done():
		return nil, fmt.Errorf("begin view: %w", context.Cause(ctx))
	}
	v := &view{snapshot: s, conn: c}
	if err := v.begin(ctx, tables); err != nil {
		return nil, failed(ctx, "begin view", errors.Join(err, v.Close()))
	}
	return v, nil
}

// Close ends the view for all. It waits for Views that are still open.
func (s *snapshot) Close() error {
	var errs []error
	s.close.Do(func() {
		close(s.done)
		if s.lent {
			for range s.all {
				<-s.free
			}
		}
		for _, c := range s.all {
			errs = append(errs, c.rollback(), c.Close())
		}
	})
	return errors.Join(errs...)
}

// view is one borrowed connection in its read transaction.
type view struct {
	snapshot *snapshot
	conn     *conn
	state    string // of the whole file, in a quiet one; empty where it could not be told
	closed   bool
}

func (v *view) begin(ctx context.Context, tables []*catalog.Table) error {
	if v.snapshot.quiet {
		if err := v.fix(ctx); err != nil {
			return err
		}
	}
	return v.unchanged(ctx, tables)
}

// unchanged compares the tables' CREATE statements with those that the catalog read.
func (v *view) unchanged(ctx context.Context, tables []*catalog.Table) error {
	now := make(map[string]string)
	var names []string
	for _, t := range tables {
		if t.File != "" {
			names = append(names, t.Name.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	err := v.conn.prepared(ctx, func(s *sqlite.Stmt) error { now[s.ColumnText(0)] = fileOf(s.ColumnText(1)); return nil },
		"SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name IN (SELECT value FROM json_each(?))", toJSON(names))
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.File != "" && now[t.Name.Name] != t.File {
			return refuse(providers.Changed, "begin view", t.Name, errors.New("the table was altered or dropped"))
		}
	}
	return nil
}

// Count counts in the order given. Changes are empty within one snapshot, which never changes.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	out := make([]providers.Counted, 0, len(tables))
	for _, t := range tables {
		n, _, err := v.conn.int64(ctx, "SELECT count(*) FROM "+quote(t.Name.Name))
		if err != nil {
			return nil, failedOn(ctx, "count", t.Name, err)
		}
		out = append(out, providers.Counted{Rows: n, Changes: v.state})
	}
	return out, nil
}

// Compare implements providers.View: whatever was written to the file was.
func (v *view) Compare(ctx context.Context, tables []*catalog.Table, before []providers.Counted) ([]string, error) {
	now, err := v.Count(ctx, tables)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(tables))
	for i := range now {
		out[i] = providers.Differs(before[i], now[i])
	}
	return out, nil
}

// Confirm has nothing to say: a read transaction sees one schema, by which it reads.
func (v *view) Confirm(context.Context) error { return nil }

// Close gives the connection back.
func (v *view) Close() error {
	if v.closed {
		return nil
	}
	v.closed = true
	var err error
	if v.snapshot.quiet {
		err = v.conn.rollback()
	}
	v.snapshot.free <- v.conn
	return err
}
