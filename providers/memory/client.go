package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Hook is asked with the name of a call, e.g. "tx.Commit", before it begins, and with
// "tx.Commit done" when its effect is there and not yet answered. It may block. Its error
// becomes that of the call.
type Hook func(ctx context.Context, call string) error

// Type is the driver's type.
const Type = "memory"

// Arguments of a block that Driver opens.
const (
	ArgServer = "server" // *Server, or *Store for a staging
	ArgHook   = "hook"   // Hook; may be missing
)

// Driver describes the provider.
func Driver() providers.Driver {
	schemas := schema.Block{}
	return providers.Driver{
		Type: Type, Doc: "Databases in memory, for tests.", Source: schemas, Target: schemas, Staging: schemas,
		MapTable: mapTable,
		OpenSource: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Database, error) {
			return open(v), nil
		},
		OpenTarget: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Target, error) {
			return open(v), nil
		},
		OpenStaging: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Staging, error) {
			hook, _ := v[ArgHook].(Hook)
			return v[ArgServer].(*Store).Open(hook), nil
		},
	}
}

func open(v schema.Values) *Client {
	hook, _ := v[ArgHook].(Hook)
	return v[ArgServer].(*Server).Open(hook)
}

// Client is a process's way to a Server: its sessions and transactions die with it.
type Client struct {
	srv  *Server
	hook Hook
	dead atomic.Bool
}

// Open connects. A nil hook lets everything pass.
func (s *Server) Open(hook Hook) *Client { return &Client{srv: s, hook: hook} }

// Close ends the connection.
func (c *Client) Close() error {
	c.Kill()
	return nil
}

// Kill is the death of the process: its transactions roll back, its locks are free, and
// nothing that it still tries has an effect.
func (c *Client) Kill() {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.dead.Store(true)
	for m, s := range c.srv.locks {
		if s.client == c {
			delete(c.srv.locks, m)
		}
	}
	for t := range c.srv.open {
		if t.session.client == c {
			delete(c.srv.open, t)
		}
	}
}

// pass asks the hook.
func (c *Client) pass(ctx context.Context, call string) error {
	if c.hook != nil {
		if err := c.hook(ctx, call); err != nil {
			return err
		}
	}
	if c.dead.Load() {
		return fail(providers.Internal, call, "the process is dead")
	}
	return ctx.Err()
}

// call carries out one call on the server's data.
func (c *Client) call(ctx context.Context, name string, do func() error) error {
	if err := c.pass(ctx, name); err != nil {
		return err
	}
	if err := c.locked(name, do); err != nil {
		return err
	}
	return c.pass(ctx, name+" done")
}

// locked does something while nobody else does; a process that died meanwhile does nothing.
func (c *Client) locked(name string, do func() error) error {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.dead.Load() {
		return fail(providers.Internal, name, "the process is dead")
	}
	return do()
}

func fail(kind providers.Kind, op, format string, args ...any) *providers.Error {
	return &providers.Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

func of(t catalog.Name, e *providers.Error) error {
	e.Table = t
	return e
}

// Identity is what the Server was made with.
func (c *Client) Identity(ctx context.Context) (id string, err error) {
	return c.srv.id, c.pass(ctx, "Identity")
}

// Preflight finds nothing.
func (c *Client) Preflight(ctx context.Context, _ []*catalog.Table) ([]providers.Finding, error) {
	return nil, c.pass(ctx, "Preflight")
}

// Catalog reads structures and sizes.
func (c *Client) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	out := &catalog.Catalog{Engine: Type, Version: "1", Identity: c.srv.id, Schema: c.srv.opts.Schema}
	if len(sel.Schemas) == 0 && c.srv.opts.Schema != "" {
		sel.Schemas = []string{c.srv.opts.Schema}
	}
	return out, c.call(ctx, "Catalog", func() error {
		d := c.srv.data
		for _, n := range d.names() {
			if len(sel.Schemas) > 0 && !slices.Contains(sel.Schemas, n.Schema) || len(sel.Tables) > 0 && !slices.Contains(sel.Tables, n) {
				continue
			}
			t := d.Tables[n].Table
			t.Rows, t.Bytes = int64(len(d.Tables[n].Rows)), size(d.Tables[n].Rows)
			if sel.IDs || sel.Dependents {
				t.ID = d.Tables[n].id
			}
			if sel.Dependents {
				t.Dependents = d.hanging(n)
			}
			out.Tables = append(out.Tables, &t)
		}
		for _, q := range d.Sequences {
			if (len(sel.Tables) == 0 || sel.Free) && (len(sel.Schemas) == 0 || slices.Contains(sel.Schemas, q.Schema)) {
				out.Sequences = append(out.Sequences, q)
			}
		}
		for _, v := range d.Views {
			out.NotCarried = append(out.NotCarried, catalog.Object{Kind: v.Kind, Name: v.Name})
		}
		return nil
	})
}

// mapTable keeps what the engine itself has, and every neutral type.
func mapTable(source *catalog.Table, how providers.MapOptions) providers.Mapping {
	t := *source
	m := providers.Mapping{Table: &t}
	t.Name, t.File, t.NotCarried, t.Pending, t.Rows, t.Bytes = how.To, "", nil, nil, 0, 0
	t.Columns = slices.Clone(source.Columns)
	for i, c := range t.Columns {
		if how.Engine == Type {
			continue
		}
		if c.Type.Kind == catalog.Native || c.Type.Kind == catalog.Refused {
			m.Refusals = append(m.Refusals, providers.Loss{Column: c.Name, What: "The type is another engine's own."})
			continue
		}
		typ, loss := how.Numbers(c)
		if loss.What != "" {
			m.Losses = append(m.Losses, loss)
		}
		if how.Policies.TrimsBlanks(c) {
			c = how.EmptyDefault(c)
		} else {
			c.Default = ""
		}
		c.Type, c.Declared = typ, typ.String()
		t.Columns[i] = c
	}
	t.ForeignKeys = nil
	for _, f := range source.ForeignKeys {
		to, travels := how.Names[f.Table]
		if !travels {
			m.Losses = append(m.Losses, providers.Loss{What: "The foreign key " + f.Name + " refers to a table that does not travel."})
			continue
		}
		f.Table = to
		t.ForeignKeys = append(t.ForeignKeys, f)
	}
	return m
}

var errClosed = errors.New("it is closed")
