// Package memory is a provider for databases in memory, for tests only, and the shortest example of
// a provider: docs/new-provider.md goes through it.
//
// The server is memdb. Every call asks the process's hook, so that a test can stop, kill or disturb a
// run at any moment.
package memory

import (
	"context"
	"errors"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// Type is the driver's type.
const Type = "memory"

// Arguments of a block that Driver opens.
const (
	ArgServer = "server" // *memdb.Server
	ArgHook   = "hook"   // memdb.Hook; may be missing
)

// Driver describes the provider.
func Driver() providers.Driver {
	open := func(v schema.Values) *Client {
		hook, _ := v[ArgHook].(memdb.Hook)
		return Open(v[ArgServer].(*memdb.Server), hook)
	}
	return providers.Driver{Type: Type, Doc: "Databases in memory, for tests.", MapTable: mapTable,
		OpenSource: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Database, error) {
			return open(v), nil
		},
		OpenTarget: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Target, error) {
			return open(v), nil
		}}
}

// Client is a process's way to a database, as a source and as a target.
type Client struct {
	*fenced.Target[*txn]
	db *memdb.Client
}

// Open connects. A nil hook lets everything pass.
func Open(s *memdb.Server, hook memdb.Hook) *Client {
	c := &Client{db: s.Open(hook)}
	c.Target = &fenced.Target[*txn]{Engine: c, SelfCommitting: s.Data().Options.SelfCommitting}
	return c
}

// Kill is the death of the process: nothing that it still tries has an effect.
func (c *Client) Kill() { c.db.Kill() }

// Close ends the connection.
func (c *Client) Close() error { c.Kill(); return nil }

// wrap makes an error of the contract from one of the server's. It is nil for nil.
func wrap(op string, err error) error {
	kinds := map[memdb.Kind]providers.Kind{memdb.NotFound: providers.NotFound, memdb.Exists: providers.Exists,
		memdb.Violated: providers.Constraint, memdb.InUse: providers.InUse, memdb.Busy: providers.Transient,
		memdb.Ended: providers.Disconnected, memdb.Dead: providers.Internal}
	var e *memdb.Error
	if !errors.As(err, &e) {
		return err
	}
	return &providers.Error{Kind: kinds[e.Kind], Op: op, Table: e.Table, Key: e.Key, Err: err}
}

// isGone is the error for a table that a plan was made with.
func isGone(op string, t catalog.Name) error {
	return &providers.Error{Kind: providers.Changed, Op: op, Table: t, Err: errors.New("the table is now a different one")}
}

// Identity implements providers.Database.
func (c *Client) Identity(ctx context.Context) (id string, err error) {
	return c.db.ID, wrap("read identity", c.db.Pass(ctx, "Identity"))
}

// Preflight implements providers.Database. It finds nothing.
func (c *Client) Preflight(ctx context.Context, _ []*catalog.Table) ([]providers.Finding, error) {
	return nil, wrap("preflight", c.db.Pass(ctx, "Preflight"))
}

// Catalog implements providers.Database.
func (c *Client) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	out := &catalog.Catalog{Engine: Type, Version: "1", Identity: c.db.ID}
	err := c.db.Call(ctx, "Catalog", func(d *memdb.Data) error {
		out.Schema = d.Options.Schema
		if len(sel.Schemas) == 0 && out.Schema != "" {
			sel.Schemas = []string{out.Schema}
		}
		in := func(schema string) bool { return len(sel.Schemas) == 0 || slices.Contains(sel.Schemas, schema) }
		for _, n := range d.Names() {
			if !in(n.Schema) || len(sel.Tables) > 0 && !slices.Contains(sel.Tables, n) {
				continue
			}
			t := d.Tables[n].Table
			t.Rows, t.Bytes = int64(len(d.Tables[n].Rows)), memdb.Size(d.Tables[n].Rows...)
			if !sel.IDs && !sel.Dependents {
				t.ID = ""
			}
			if sel.Dependents {
				t.Dependents = d.Dependents(n)
			}
			out.Tables = append(out.Tables, &t)
		}
		for _, q := range d.Sequences {
			if in(q.Schema) && (len(sel.Tables) == 0 || sel.Free) {
				out.Sequences = append(out.Sequences, q)
			}
		}
		for _, v := range d.Views {
			out.NotMigrated = append(out.NotMigrated, catalog.Object{Kind: v.Kind, Name: v.Name})
		}
		return nil
	})
	return out, wrap("read catalog", err)
}

// mapTable keeps what the engine itself has, and every neutral type.
func mapTable(source *catalog.Table, how providers.MapOptions) providers.Mapping {
	t := *source
	m := providers.Mapping{Table: &t}
	t.Name, t.ID, t.File, t.NotMigrated, t.Pending, t.Rows, t.Bytes = how.To, "", "", nil, nil, 0, 0
	t.Columns = slices.Clone(source.Columns)
	for i, c := range t.Columns {
		if how.Engine == Type {
			continue
		}
		if c.Type.Kind == catalog.Native || c.Type.Kind == catalog.Refused {
			m.Refusals = append(m.Refusals, providers.Conversion{Column: c.Name, What: "The type is specific to another engine."})
			continue
		}
		typ, conversion := how.Numbers(c)
		if conversion.What != "" {
			m.Conversions = append(m.Conversions, conversion)
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
		if to, travels := how.Names[f.Table]; travels {
			f.Table = to
			t.ForeignKeys = append(t.ForeignKeys, f)
		} else {
			m.Conversions = append(m.Conversions, providers.Conversion{What: "Foreign key " + f.Name + " refers to a table that is left out."})
		}
	}
	return m
}
