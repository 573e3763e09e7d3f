package journal

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/exportfile"
)

// Contents is what the entries of a source's journal add up to. It is for one goroutine.
type Contents struct {
	Owner  *Owner
	Plan   *Plan // the last one
	Epochs map[string]Epoch
	// Packages are by package id; the last manifest that counts is there. One counts where
	// the present lineage has opened its epoch and begun its table in that.
	Packages map[string]Exported
	Begun    map[catalog.Name]Table // in the last epoch in which each was begun
	Tables   map[catalog.Name]Table
}

// Exported is one package that has travelled.
type Exported struct {
	exportfile.Package
	Owner   int64 // its exporter's owner number
	Attempt string
}

// NewContents returns the contents of a journal without entries.
func NewContents() *Contents {
	c := &Contents{}
	c.void()
	return c
}

// void forgets all that was handed over.
func (c *Contents) void() {
	c.Plan = nil
	c.Epochs = make(map[string]Epoch)
	c.Packages = make(map[string]Exported)
	c.Begun = make(map[catalog.Name]Table)
	c.Tables = make(map[catalog.Name]Table)
}

// Add counts the next entry in.
func (c *Contents) Add(e Entry) {
	for _, r := range e.Records {
		switch {
		case r.Owner != nil:
			if c.Owner != nil && c.Owner.For != r.Owner.For {
				c.void()
			}
			c.Owner = r.Owner
		case r.Plan != nil:
			c.Plan = r.Plan
		case r.Epoch != nil:
			c.Epochs[r.Epoch.ID] = *r.Epoch
		case r.Begun != nil:
			c.begin(*r.Begun)
		case r.Manifest != nil:
			c.exported(r.Manifest)
		case r.Table != nil:
			c.Tables[r.Table.Table] = *r.Table
		case r.Restart != nil:
			c.restart(r.Restart.Table)
		}
	}
}

// begin starts a table in an epoch: what was read of it in others counts no more.
func (c *Contents) begin(t Table) {
	if was, ok := c.Begun[t.Table]; !ok || was.Epoch != t.Epoch {
		c.restart(t.Table)
	}
	c.Begun[t.Table] = t
}

func (c *Contents) exported(m *exportfile.Manifest) {
	for _, p := range m.Packages {
		if _, open := c.Epochs[p.Epoch]; open && c.Begun[p.Table].Epoch == p.Epoch {
			c.Packages[p.ID] = Exported{Package: p, Owner: m.Owner, Attempt: m.Attempt}
		}
	}
}

func (c *Contents) restart(table catalog.Name) {
	delete(c.Begun, table)
	delete(c.Tables, table)
	for id, p := range c.Packages {
		if p.Table == table {
			delete(c.Packages, id)
		}
	}
}
