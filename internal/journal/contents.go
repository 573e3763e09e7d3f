package journal

import (
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// Contents is what the entries of a source's journal add up to. It is for one goroutine.
type Contents struct {
	Last  int64         // number of the last entry
	Owner *ledger.Owner // the present one
	Plan  *Plan         // the last one
	Done  bool          // everything of Plan was exported
	// Packages are by package id; the last manifest that names one counts.
	Packages map[string]Exported
	Tables   map[catalog.Name]Table
	Changes  map[catalog.Name][]Change // in order
}

// Exported is one package that has travelled.
type Exported struct {
	exportfile.Package
	Entry   int64 // number of the entry with its manifest
	Owner   int64 // its exporter's owner number
	Attempt string
}

// NewContents returns the contents of a journal without entries.
func NewContents() *Contents {
	return &Contents{
		Packages: make(map[string]Exported),
		Tables:   make(map[catalog.Name]Table),
		Changes:  make(map[catalog.Name][]Change),
	}
}

// Add counts the next entry in.
func (c *Contents) Add(e Entry) {
	c.Last = e.Number
	for _, r := range e.Records {
		switch {
		case r.Owner != nil:
			c.Owner = r.Owner
		case r.Plan != nil:
			c.Plan, c.Done = r.Plan, false
		case r.Manifest != nil:
			for _, p := range r.Manifest.Packages {
				c.Packages[p.ID] = Exported{Package: p, Entry: e.Number, Owner: r.Manifest.Owner, Attempt: r.Manifest.Attempt}
			}
		case r.Table != nil:
			c.Tables[r.Table.Table] = *r.Table
		case r.Restart != nil:
			c.restart(r.Restart.Table)
		case r.Change != nil:
			c.Changes[r.Change.Table] = append(c.Changes[r.Change.Table], *r.Change)
		case r.Done != nil:
			c.Done = c.Plan != nil && c.Plan.ID == r.Done.Plan
		}
	}
}

func (c *Contents) restart(table catalog.Name) {
	delete(c.Tables, table)
	delete(c.Changes, table)
	for id, p := range c.Packages {
		if p.Table == table {
			delete(c.Packages, id)
		}
	}
}
