package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// session is the right to write. Its one connection is used by one call or Tx at a time.
type session struct {
	db        *target
	lock      *fileLock
	conn      *conn
	migration string
	token     string
	free      chan struct{} // holds one value while nobody uses conn
	started   bool
	mu        sync.Mutex
	closed    bool
}

// take waits for the connection.
func (s *session) take(ctx context.Context) error {
	select {
	case <-s.free:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed {
			s.free <- struct{}{}
			return refuse(providers.Internal, "use session", catalog.Name{}, errors.New("the session is closed"))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", context.Cause(ctx))
	}
}

func (s *session) give() { s.free <- struct{}{} }

// begin takes the write lock and compares the token: from here to the commit nobody
// else can write, so no other token can appear.
func (s *session) begin(ctx context.Context) error {
	if err := s.conn.retry(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	err := s.holds(ctx)
	if err != nil {
		return errors.Join(err, s.conn.rollback())
	}
	return nil
}

func (s *session) holds(ctx context.Context) error {
	run, err := readRun(ctx, s.conn, s.migration)
	if err != nil {
		return err
	}
	if run != nil && run.Token == s.token {
		return nil
	}
	e := refuse(providers.Deposed, "compare token", catalog.Name{}, errors.New("another run has taken over this migration"))
	if run != nil {
		e.Owner = &run.Owner
	}
	return e
}

// within runs f in one transaction under the token.
func (s *session) within(ctx context.Context, op string, f func() error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	err := s.begin(ctx)
	if err == nil {
		if err = f(); err == nil {
			err = s.conn.retry(ctx, "COMMIT", nil)
		}
		err = errors.Join(err, s.conn.rollback())
	}
	return failed(ctx, op, err)
}

// Read reads the ledger under the token.
func (s *session) Read(ctx context.Context) (out *ledger.Contents, err error) {
	err = s.within(ctx, "read ledger", func() error {
		out, err = readLedger(ctx, s.conn, s.migration)
		return err
	})
	return out, err
}

// Record writes ledger rows.
func (s *session) Record(ctx context.Context, change ledger.Change) error {
	return s.within(ctx, "write ledger", func() error {
		if change.Run != nil {
			run := *change.Run
			run.Token = s.token // the caller never changes the token
			change.Run = &run
		}
		return writeChange(ctx, s.conn, s.migration, change)
	})
}

// Alter carries out all changes in one transaction.
func (s *session) Alter(ctx context.Context, ddl []providers.DDL) error {
	return s.within(ctx, "alter", func() error {
		drops := slices.ContainsFunc(ddl, func(d providers.DDL) bool { _, ok := d.(providers.Drop); return ok })
		var before hanging
		if drops {
			var err error
			if before, err = readHanging(ctx, s.conn); err != nil {
				return err
			}
		}
		for _, d := range ddl {
			if err := s.alter(ctx, d); err != nil {
				return err
			}
		}
		if !drops {
			return nil
		}
		return before.lost(ctx, s.conn)
	})
}

// Reload empties tables and their loaded rows in one transaction.
func (s *session) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	return s.within(ctx, "reload", func() error {
		sources := make([]catalog.Name, len(tables))
		for i, t := range tables {
			sources[i] = t.Source
		}
		if err := removeRows(ctx, s.conn, "dmo_loaded", s.migration, sources); err != nil {
			return err
		}
		for _, t := range tables {
			if err := s.empty(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) empty(ctx context.Context, t providers.ReloadTable) error {
	source := toJSON(t.Source)
	err := s.conn.prepared(ctx, nil, "UPDATE dmo_tables SET state = ? WHERE migration = ? AND source = ?", ledger.Empty, s.migration, source)
	if err != nil {
		return err
	}
	there, err := exists(ctx, s.conn, t.Target.Name.Name)
	if err != nil || !there {
		return err
	}
	return s.conn.exec(ctx, "DELETE FROM "+quote(t.Target.Name.Name))
}

// Begin waits for the connection and holds it until the transaction ends.
func (s *session) Begin(ctx context.Context) (providers.Tx, error) {
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	return &tx{session: s, claimed: make(map[string]bool)}, nil
}

// Close waits for a transaction that is open, then gives the lock back.
func (s *session) Close() error {
	s.mu.Lock()
	before := s.closed
	s.closed = true
	s.mu.Unlock()
	if before {
		return nil
	}
	var err error
	if s.conn != nil {
		if s.started {
			<-s.free
		}
		err = errors.Join(s.conn.rollback(), s.conn.Close())
		s.give() // later calls learn that the session is closed
	}
	return errors.Join(err, s.lock.release())
}

// tx is one transaction of packages.
type tx struct {
	session *session
	begun   bool
	ended   bool
	claimed map[string]bool // by migration and package id
}

func claimID(p ledger.Loaded) string { return p.Migration + "\x00" + p.ID }

// Claim begins the transaction, compares the token and inserts the packages.
func (t *tx) Claim(ctx context.Context, p []ledger.Loaded) (in []string, err error) {
	if t.ended || t.begun {
		return nil, refuse(providers.Internal, "claim", catalog.Name{}, errors.New("the transaction has begun or ended"))
	}
	c := t.session.conn
	if err := t.session.begin(ctx); err != nil {
		return nil, failed(ctx, "claim", err)
	}
	t.begun = true
	ordered := slices.SortedFunc(slices.Values(p), func(a, b ledger.Loaded) int { return strings.Compare(a.ID, b.ID) })
	for _, x := range ordered {
		there, err := claim(ctx, c, x)
		if err != nil {
			return nil, failed(ctx, "claim", errors.Join(err, c.rollback()))
		}
		if there {
			in = append(in, x.ID)
		} else {
			t.claimed[claimID(x)] = true
		}
	}
	return in, nil
}

// Writer prepares the insert of one package.
func (t *tx) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (providers.Writer, error) {
	if t.ended || !t.begun || t.session.conn.AutocommitEnabled() {
		return nil, refuse(providers.Internal, "write", table.Name, errors.New("no package is claimed"))
	}
	w, err := newWriter(ctx, t.session.conn, table)
	if err != nil {
		return nil, gone(ctx, t.session.conn, table, err)
	}
	return w, nil
}

// Commit fills in the claimed rows and commits. An error of the disk while it
// commits is Disconnected: the log may hold the commit or not, the ledger knows.
func (t *tx) Commit(ctx context.Context, p []ledger.Loaded) error {
	c := t.session.conn
	if t.ended || !t.begun || c.AutocommitEnabled() {
		return refuse(providers.Internal, "commit", catalog.Name{}, errors.New("no transaction is open"))
	}
	for _, x := range p {
		if !t.claimed[claimID(x)] {
			return refuse(providers.Internal, "commit", x.Source, fmt.Errorf("package %s was not claimed", x.ID))
		}
		if err := fill(ctx, c, x); err != nil {
			return failed(ctx, "commit", err)
		}
		delete(t.claimed, claimID(x))
	}
	if len(t.claimed) > 0 {
		return refuse(providers.Internal, "commit", catalog.Name{}, fmt.Errorf("%d claimed packages are not filled in", len(t.claimed)))
	}
	err := c.retry(ctx, "COMMIT", nil)
	err = errors.Join(failed(ctx, "commit", err), c.rollback())
	t.end()
	return err
}

// Rollback ends the transaction.
func (t *tx) Rollback(context.Context) error {
	if t.ended {
		return nil
	}
	err := t.session.conn.rollback()
	t.end()
	return err
}

func (t *tx) end() {
	t.ended = true
	t.session.give()
}
