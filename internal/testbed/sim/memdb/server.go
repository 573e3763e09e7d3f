package memdb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Server is one database. It is safe for concurrent use.
type Server struct {
	ID string

	mu        sync.Mutex
	data      *Data
	locks     map[string]*Lock
	open      map[*Tx]bool
	snapshots map[string]*Data
}

// New makes an empty database of that identity.
func New(identity string, o Options) *Server {
	return &Server{ID: identity, data: &Data{Tables: make(map[catalog.Name]*Table), Records: make(Records), Options: o, last: new(int)},
		locks: make(map[string]*Lock), open: make(map[*Tx]bool), snapshots: make(map[string]*Data)}
}

// Do lets somebody else read or change the database, in one transaction.
func (s *Server) Do(f func(d *Data)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.data.clone()
	f(d)
	s.data = d
}

// Data returns what the database holds now, Seen what it held for a snapshot. Both never change.
func (s *Server) Data() *Data { return s.Seen("") }

// Seen returns nil for an id that no snapshot had.
func (s *Server) Seen(snapshot string) *Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snapshot == "" {
		return s.data
	}
	return s.snapshots[snapshot]
}

// Lose takes a lock from who has it, as a network between the two does: the holder does not
// know it, and its transactions stay open.
func (s *Server) Lose(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locks, name)
}

// Hook is asked with the name of a call before it begins, and with " done" behind it when its effect is
// there and not yet answered. It may block. Its error becomes that of the call.
type Hook func(ctx context.Context, call string) error

// Client is a process's way to a Server: its locks and transactions die with it.
type Client struct {
	*Server
	hook Hook
	dead atomic.Bool
}

// Open connects. A nil hook lets everything pass.
func (s *Server) Open(hook Hook) *Client { return &Client{Server: s, hook: hook} }

// Kill is the death of the process: its transactions roll back, its locks are free, and
// nothing that it still tries has an effect.
func (c *Client) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead.Store(true)
	for name, l := range c.locks {
		if l.client == c {
			delete(c.locks, name)
		}
	}
	for t := range c.open {
		if t.client == c {
			delete(c.open, t)
		}
	}
}

// Pass asks the hook.
func (c *Client) Pass(ctx context.Context, call string) error {
	if c.hook != nil {
		if err := c.hook(ctx, call); err != nil {
			return err
		}
	}
	if c.dead.Load() {
		return fail(Dead, catalog.Name{}, "the process is dead")
	}
	return ctx.Err()
}

// Call carries out one call while nobody else does; a process that died meanwhile does nothing.
func (c *Client) Call(ctx context.Context, name string, do func(d *Data) error) error {
	if err := c.Pass(ctx, name); err != nil {
		return err
	}
	if err := c.locked(do); err != nil {
		return err
	}
	return c.Pass(ctx, name+" done")
}

func (c *Client) locked(do func(d *Data) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead.Load() {
		return fail(Dead, catalog.Name{}, "the process is dead")
	}
	return do(c.data)
}

// Snapshot keeps the data as it is for Seen.
func (c *Client) Snapshot(d *Data) (id string) {
	id = fmt.Sprintf("%s@%d", c.ID, len(c.snapshots)+1)
	c.snapshots[id] = d
	return id
}

// Lock is one that a client has. It is Busy for all others.
type Lock struct {
	client *Client
	name   string
}

// Lock does not wait.
func (c *Client) Lock(ctx context.Context, name string) (*Lock, error) {
	l := &Lock{c, name}
	err := c.Call(ctx, "lock "+name, func(*Data) error {
		if c.locks[name] != nil {
			return fail(Busy, catalog.Name{}, "somebody has the lock")
		}
		c.locks[name] = l
		return nil
	})
	if err != nil {
		l.Release()
	}
	return l, err
}

// Held says whether the lock was not taken away.
func (l *Lock) Held() error {
	return l.client.locked(func(*Data) error {
		if l.client.locks[l.name] != l {
			return fail(Ended, catalog.Name{}, "the lock is lost")
		}
		return nil
	})
}

// Release gives the lock back. It may be called twice.
func (l *Lock) Release() {
	l.client.mu.Lock()
	defer l.client.mu.Unlock()
	if l.client.locks[l.name] == l {
		delete(l.client.locks, l.name)
	}
}

// Older says whether transactions of other locks of that name are open.
func (l *Lock) Older() (busy bool) {
	_ = l.client.locked(func(*Data) error {
		for t := range l.client.open {
			busy = busy || t.lock != l && t.lock.name == l.name
		}
		return nil
	})
	return busy
}

// Terminate ends the transactions of a lock of that name, and with holder its holder's session.
func (c *Client) Terminate(ctx context.Context, name string, holder bool) (n int, err error) {
	err = c.Call(ctx, "terminate", func(*Data) error {
		if holder && c.locks[name] != nil {
			delete(c.locks, name)
			n++
		}
		for t := range c.open {
			if t.lock.name == name {
				delete(c.open, t)
				n++
			}
		}
		return nil
	})
	return n, err
}

// Tx is one transaction. What it does, it does to a copy of the data, and to the data again when it
// commits. One goroutine.
type Tx struct {
	Data   *Data // as the transaction sees it
	client *Client
	lock   *Lock
	todo   []statement
	loaded []catalog.Name
}

// statement is one that is done again when its transaction commits.
type statement struct {
	do      func(d *Data) error
	numbers []int // of files, that it took the first time
}

// Begin starts a transaction under the lock.
func (l *Lock) Begin(ctx context.Context, call string) (*Tx, error) {
	t := &Tx{client: l.client, lock: l}
	if err := l.client.Pass(ctx, call); err != nil {
		return nil, err
	}
	return t, l.client.locked(func(d *Data) error {
		t.Data = d.clone()
		t.client.open[t] = true
		return nil
	})
}

// Do does something now, and again when the transaction commits.
func (t *Tx) Do(f func(d *Data) error) error {
	return t.client.locked(func(*Data) error {
		if !t.client.open[t] {
			return fail(Ended, catalog.Name{}, "somebody has ended the session")
		}
		t.Data.given = nil
		err := f(t.Data)
		t.todo = append(t.todo, statement{f, t.Data.given})
		return err
	})
}

// Pass asks the process's hook.
func (t *Tx) Pass(ctx context.Context, call string) error { return t.client.Pass(ctx, call) }

// Insert appends rows of so many columns to a table. References are checked when the transaction commits.
func (t *Tx) Insert(n catalog.Name, columns int, rows []Row) error {
	t.loaded = append(t.loaded, n)
	return t.Do(func(d *Data) error { return d.insert(n, columns, rows) })
}

// Commit publishes what was done. More says that the transaction continues.
func (t *Tx) Commit(ctx context.Context, call string, more bool) error {
	err := t.client.Call(ctx, call, func(now *Data) error {
		if !t.client.open[t] {
			return fail(Ended, catalog.Name{}, "somebody has ended the session")
		}
		d := now.clone()
		for _, s := range t.todo {
			d.again = s.numbers
			if err := s.do(d); err != nil {
				return err
			}
		}
		d.again = nil
		for _, n := range t.loaded {
			if d.Tables[n] == nil || d.Options.InlineKeys {
				continue // with inline keys, a load checks no references
			}
			if err := d.broken(d.Tables[n]); err != nil {
				return err
			}
		}
		t.client.data, t.todo = d, nil
		return nil
	})
	if !more {
		t.Rollback()
	}
	return err
}

// Rollback ends the transaction, unless it has ended.
func (t *Tx) Rollback() {
	t.client.mu.Lock()
	defer t.client.mu.Unlock()
	delete(t.client.open, t)
}
