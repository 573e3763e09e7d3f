// Package work holds the tables and packages of a plan while a run is at them.
//
// NewSet makes them of a plan; what changes of them is read and written under the Set's
// mutex, which is never held while a database is asked. A Target writes to the target what
// is done with them, together with their rows in the ledger.
package work

import (
	"sync"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// BundleTables is how many tables one view holds at most.
const BundleTables = 100

// Set are the tables of a plan. Its mutex guards what changes of them.
type Set struct {
	sync.Mutex
	Order    []*Table // by source name
	ByName   map[catalog.Name]*Table
	Packages map[string]*Unit
	// Groups are the tables once more: each is in one. A plan's are all read together.
	Groups []*Group
}

// NewSet returns the tables of p as nothing is known of them.
func NewSet(p *plan.Plan) *Set {
	s := &Set{ByName: make(map[catalog.Name]*Table, len(p.Tables)), Packages: make(map[string]*Unit)}
	for _, pt := range p.Tables {
		t := newTable(pt)
		s.ByName[pt.Source.Name] = t
		s.Order = append(s.Order, t)
		for _, k := range pt.Packages {
			s.Packages[k.ID] = &Unit{Table: t, Package: k}
		}
	}
	s.Groups = []*Group{NewGroup(s.Order)}
	return s
}

// TablesOf returns each table of the work once, in order.
func TablesOf(work []*Unit) []*Table {
	var out []*Table
	for _, u := range work {
		if len(out) == 0 || out[len(out)-1] != u.Table {
			out = append(out, u.Table)
		}
	}
	return out
}

// Sources returns the tables' names on the source.
func Sources(tables []*Table) []catalog.Name {
	out := make([]catalog.Name, len(tables))
	for i, t := range tables {
		out[i] = t.Plan.Source.Name
	}
	return out
}

// Targets returns their names on the target.
func Targets(tables []*Table) []catalog.Name {
	out := make([]catalog.Name, len(tables))
	for i, t := range tables {
		out[i] = t.Target.Name
	}
	return out
}

// Asked returns what the source is asked for.
func Asked(tables []*Table) []*catalog.Table {
	out := make([]*catalog.Table, len(tables))
	for i, t := range tables {
		out[i] = t.Source
	}
	return out
}

// SchemasOf returns each schema of the names once.
func SchemasOf(names []catalog.Name) []string {
	seen := make(map[string]bool)
	var out []string
	for _, n := range names {
		if n.Schema != "" && !seen[n.Schema] {
			seen[n.Schema] = true
			out = append(out, n.Schema)
		}
	}
	return out
}
