package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// target is one file, written to by at most one session.
type target struct{ *database }

// Limits: SQLite takes one writer, and makes keys with the table.
func (d *target) Limits() providers.Limits { return limits() }

// Ledger reads in a read transaction of its own.
func (d *target) Ledger(ctx context.Context, migration string) (*ledger.Contents, error) {
	if d.missing() {
		return &ledger.Contents{}, nil
	}
	var out *ledger.Contents
	err := d.with(ctx, "read ledger", func(c *conn) error {
		return c.reading(ctx, func() (err error) {
			out, err = readLedger(ctx, c, migration)
			return err
		})
	})
	return out, err
}

// Lock takes flock(2) on the file beside the database, then the write lock, and renews the token.
func (d *target) Lock(ctx context.Context, run ledger.Run, wait func(what string)) (providers.Session, error) {
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	l, err := lock(d.path+lockSuffix, run.Owner)
	if err != nil {
		return nil, d.ownerOf(ctx, run.Migration, err)
	}
	s := &session{db: d, lock: l, migration: run.Migration, token: run.Token, free: make(chan struct{}, 1)}
	if s.token == "" {
		s.token = rand.Text()
	}
	if err := s.start(ctx, run, wait); err != nil {
		return nil, failed(ctx, "lock", errors.Join(err, s.Close()))
	}
	return s, nil
}

// ownerOf completes a Locked error whose holder has not signed the lock's file.
func (d *target) ownerOf(ctx context.Context, migration string, err error) error {
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != providers.Locked || e.Owner != nil {
		return err
	}
	if c, _ := d.Ledger(ctx, migration); c != nil && c.Run != nil {
		e.Owner = &c.Run.Owner
	}
	return e
}

// start opens the writing connection, makes the ledger and renews the token.
func (s *session) start(ctx context.Context, run ledger.Run, wait func(string)) error {
	fresh := s.db.missing()
	c, err := s.db.connect(sqlite.OpenReadWrite|sqlite.OpenCreate, "PRAGMA synchronous=FULL", "PRAGMA cache_size=-16384")
	if err != nil {
		return err
	}
	s.conn = c
	if fresh {
		if err := c.exec(ctx, "PRAGMA journal_mode=WAL"); err != nil {
			return err
		}
	}
	err = c.retry(ctx, "BEGIN IMMEDIATE", saying(wait, "another connection to end its transaction in ", s.db.path))
	if err != nil {
		return err
	}
	run.Token = s.token
	if err := s.renew(ctx, run); err != nil {
		return errors.Join(err, c.rollback())
	}
	if err := c.retry(ctx, "COMMIT", saying(wait, "readers of ", s.db.path)); err != nil {
		return errors.Join(err, c.rollback())
	}
	s.started = true
	s.give()
	return nil
}

func (s *session) renew(ctx context.Context, run ledger.Run) error {
	if err := makeLedger(ctx, s.conn); err != nil {
		return err
	}
	known, err := readRun(ctx, s.conn, run.Migration)
	if err != nil {
		return err
	}
	if known != nil {
		known.Token, known.Owner, known.Sessions = run.Token, run.Owner, run.Sessions
		run = *known
	}
	return writeRun(ctx, s.conn, &run)
}

// saying calls wait at most once a second.
func saying(wait func(string), what, path string) func() {
	var last time.Time
	return func() {
		if now := time.Now(); wait != nil && now.Sub(last) >= time.Second {
			last = now
			wait(what + path + names(" (process ", lockHolders(path), ")"))
		}
	}
}

// Unlock finds no run, or one whose holder lives: only its death gives the lock back.
func (d *target) Unlock(ctx context.Context, migration, owner string) error {
	who, err := held(d.path + lockSuffix)
	if err != nil {
		return err
	}
	if who == nil || who.ID != owner && who.ID != "" {
		return refuse(providers.NotFound, "unlock", catalog.Name{}, fmt.Errorf("no run %s of migration %s holds the lock", owner, migration))
	}
	e := refuse(providers.Locked, "unlock", catalog.Name{}, errors.New("the run's process is alive"))
	e.Owner = who
	e.Fix = "End that process: the lock goes with it."
	return e
}
