package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// patience is how long Lock waits for an older run's transactions before it ends them.
const patience = 60 * time.Second

// Limits are those of the options.
func (c *Client) Limits() providers.Limits {
	return providers.Limits{Writers: c.srv.opts.Writers, Schemas: true, InlineKeys: c.srv.opts.InlineKeys}
}

// Ledger reads a migration's ledger.
func (c *Client) Ledger(ctx context.Context, migration string) (out *ledger.Contents, err error) {
	return out, c.call(ctx, "Ledger", func() error { out = copied(c.srv.ledgers[migration]); return nil })
}

// Lock makes this run the only one that may write.
func (c *Client) Lock(ctx context.Context, run ledger.Run, wait func(string)) (providers.Session, error) {
	s := &session{client: c, migration: run.Migration, token: run.Token}
	err := c.call(ctx, "Lock", func() error {
		if c.srv.locks[run.Migration] != nil {
			e := fail(providers.Locked, "lock", "another run has the lock")
			if led := c.srv.ledgers[run.Migration]; led != nil && led.Run != nil {
				e.Owner = &led.Run.Owner
			}
			return e
		}
		c.srv.locks[run.Migration] = s
		return nil
	})
	said := time.Time{}
	for start, done := time.Now(), false; err == nil && !done; {
		err = c.locked("Lock", func() error {
			older := c.srv.older(s)
			if done = len(older) == 0 || time.Since(start) >= patience; !done {
				return nil
			}
			for _, t := range older {
				delete(c.srv.open, t)
			}
			c.srv.renew(run)
			return nil
		})
		if err == nil && !done {
			if wait != nil && time.Since(said) >= time.Second {
				wait("a package transaction of an older run")
				said = time.Now()
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
	}
	if err == nil {
		err = c.pass(ctx, "Lock done")
	}
	if err != nil {
		return nil, errors.Join(err, s.free())
	}
	return s, nil
}

// older returns transactions of other sessions of the migration that have claimed.
func (s *Server) older(than *session) (out []*tx) {
	for t := range s.open {
		if t.session != than && t.session.migration == than.migration {
			out = append(out, t)
		}
	}
	return out
}

// renew writes the run under a new token; what it stands for stays as it is.
func (s *Server) renew(run ledger.Run) {
	c := copied(s.ledgers[run.Migration])
	if c.Run != nil {
		was := *c.Run
		was.Token, was.Owner, was.Sessions = run.Token, run.Owner, run.Sessions
		run = was
	}
	c.Run = &run
	s.ledgers[run.Migration] = c
}

// Unlock takes the lock from its session, and its transactions.
func (c *Client) Unlock(ctx context.Context, migration, owner string) error {
	return c.call(ctx, "Unlock", func() error {
		led, held := c.srv.ledgers[migration], c.srv.locks[migration]
		if held == nil || led == nil || led.Run.Owner.ID != owner {
			return fail(providers.NotFound, "unlock", "no run %s has the lock", owner)
		}
		delete(c.srv.locks, migration)
		for t := range c.srv.open {
			if t.session == held {
				delete(c.srv.open, t)
			}
		}
		return nil
	})
}

// session is the right to write under one token.
type session struct {
	client           *Client
	migration, token string
	closed           bool
}

// Close gives the lock back.
func (s *session) Close() error { return s.free() }

func (s *session) free() error {
	s.client.srv.mu.Lock()
	defer s.client.srv.mu.Unlock()
	s.closed = true
	if s.client.srv.locks[s.migration] == s {
		delete(s.client.srv.locks, s.migration)
	}
	return nil
}

// under does something with the ledger if the token is still this session's.
func (s *session) under(op string, do func(c *ledger.Contents) error) error {
	return s.client.locked(op, func() error {
		c := copied(s.client.srv.ledgers[s.migration])
		if s.closed {
			return fail(providers.Internal, op, "the session is closed")
		}
		if c.Run == nil || c.Run.Token != s.token {
			e := fail(providers.Deposed, op, "another run has taken over")
			if c.Run != nil {
				e.Owner = &c.Run.Owner
			}
			return e
		}
		if err := do(c); err != nil {
			return err
		}
		s.client.srv.ledgers[s.migration] = c
		return nil
	})
}

func (s *session) around(ctx context.Context, call string, do func() error) error {
	if err := s.client.pass(ctx, call); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return s.client.pass(ctx, call+" done")
}

func (s *session) Read(ctx context.Context) (out *ledger.Contents, err error) {
	return out, s.around(ctx, "session.Read", func() error {
		return s.under("read ledger", func(c *ledger.Contents) error { out = copied(c); return nil })
	})
}

func (s *session) Record(ctx context.Context, ch ledger.Change) error {
	return s.around(ctx, "session.Record", func() error {
		return s.under("record", func(c *ledger.Contents) error { apply(c, ch); return nil })
	})
}

// apply writes a change into a copy of a ledger.
func apply(c *ledger.Contents, ch ledger.Change) {
	gone := func(n catalog.Name) bool { return slices.Contains(ch.RemoveTables, n) }
	c.Tables = slices.DeleteFunc(c.Tables, func(t ledger.Table) bool {
		return gone(t.Source) || slices.ContainsFunc(ch.Tables, func(o ledger.Table) bool { return o.Source == t.Source })
	})
	c.Packages = slices.DeleteFunc(c.Packages, func(p ledger.Package) bool {
		return gone(p.Source) || slices.Contains(ch.RemovePackages, p.Source) ||
			slices.ContainsFunc(ch.Packages, func(o ledger.Package) bool { return o.ID == p.ID })
	})
	c.Loaded = slices.DeleteFunc(c.Loaded, func(l ledger.Loaded) bool { return gone(l.Source) })
	c.Tables, c.Packages = append(c.Tables, ch.Tables...), append(c.Packages, ch.Packages...)
	slices.SortFunc(c.Tables, func(a, b ledger.Table) int { return a.Source.Compare(b.Source) })
	slices.SortFunc(c.Packages, func(a, b ledger.Package) int { return cmp.Compare(a.ID, b.ID) })
	if ch.Run != nil {
		run := *ch.Run
		c.Run = &run
	}
}

// Reload empties tables: at once, or step by step where each emptying commits by itself.
func (s *session) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	mark := func(c *ledger.Contents, state string) {
		for _, t := range tables {
			c.Loaded = slices.DeleteFunc(c.Loaded, func(l ledger.Loaded) bool { return l.Source == t.Source })
			for i := range c.Tables {
				if c.Tables[i].Source == t.Source {
					c.Tables[i].State = state
				}
			}
		}
	}
	empty := func(some []providers.ReloadTable) error {
		d := s.client.srv.data.clone()
		for _, t := range some {
			if err := d.refusesEmpty(t.Target.Name, tables); err != nil && !s.client.srv.opts.InlineKeys {
				return err
			}
			d.Empty(t.Target.Name)
		}
		s.client.srv.data = d
		return nil
	}
	return s.around(ctx, "session.Reload", func() error {
		if !s.client.srv.opts.SelfCommitting {
			return s.under("reload", func(c *ledger.Contents) error { mark(c, ledger.Empty); return empty(tables) })
		}
		err := s.under("reload", func(c *ledger.Contents) error { mark(c, ledger.Emptying); return nil })
		for i := 0; i < len(tables) && err == nil; i++ {
			if err = s.client.pass(ctx, "session.Reload table"); err == nil {
				err = s.under("reload", func(*ledger.Contents) error { return empty(tables[i : i+1]) })
			}
		}
		if err == nil {
			err = s.client.pass(ctx, "session.Reload emptied")
		}
		if err != nil {
			return err
		}
		return s.under("reload", func(c *ledger.Contents) error { mark(c, ledger.Empty); return nil })
	})
}

// refusesEmpty refuses to empty a table that rows of another one refer to, which stays as it is.
func (d *Data) refusesEmpty(n catalog.Name, with []providers.ReloadTable) error {
	for _, t := range d.Tables {
		also := slices.ContainsFunc(with, func(r providers.ReloadTable) bool { return r.Target.Name == t.Name })
		for _, f := range t.ForeignKeys {
			if at, _ := indexes(&t.Table, f.Columns); f.Table == n && !also && slices.ContainsFunc(t.Rows, func(r Row) bool { _, whole := pick(r, at); return whole }) {
				return of(n, fail(providers.Constraint, "reload", "rows of %s refer to it", t.Name))
			}
		}
	}
	return nil
}

// Alter carries structure changes out, together or each by itself.
func (s *session) Alter(ctx context.Context, ddl []providers.DDL) error {
	do := func(part []providers.DDL) error {
		return s.under("alter", func(c *ledger.Contents) error {
			d := s.client.srv.data.clone()
			for _, x := range part {
				if err := d.record(c, s.migration, x, s.client.srv.opts); err != nil {
					return err
				}
			}
			s.client.srv.data = d
			return nil
		})
	}
	return s.around(ctx, "session.Alter", func() (err error) {
		if !s.client.srv.opts.SelfCommitting {
			return do(ddl)
		}
		for len(ddl) > 0 && err == nil {
			n := 1
			for n < len(ddl) && recorded(ddl[n]) {
				n++
			}
			if err = s.client.pass(ctx, fmt.Sprintf("session.Alter %T", ddl[0])); err == nil {
				err = do(ddl[:n])
			}
			ddl = ddl[n:]
		}
		return err
	})
}

func recorded(x providers.DDL) bool {
	_, ok := x.(providers.Record)
	return ok
}
