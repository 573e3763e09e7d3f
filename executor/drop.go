package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// dependentsListed is how many dependents an error names.
const dependentsListed = 10

// drop is a set of tables that are dropped together, looked at under the run's lock: what
// others have hung on them since the plan was made must not go with them.
type drop struct {
	target providers.Target
	gone   map[catalog.Name]bool        // dropped, with these or by another step
	again  func(catalog.Dependent) bool // made again later
	tables map[catalog.Name]*catalog.Table
	keys   []providers.DDL // foreign keys to be taken off first
}

// look reads tables that are to be dropped, and whatever other tables of gone have to go in
// the same moment. A table that is not there is none of them. An InUse error names what else depends on them.
func (d *drop) look(ctx context.Context, names []catalog.Name) error {
	d.tables = make(map[catalog.Name]*catalog.Table)
	var lost []string
	for len(names) > 0 {
		c, err := d.target.Catalog(ctx, providers.Selector{
			Schemas: work.SchemasOf(names), Tables: names, StructureOnly: true, Dependents: true,
		})
		if err != nil {
			return fmt.Errorf("read dependents of tables: %w", err)
		}
		more := make(map[catalog.Name]bool)
		for _, t := range c.Tables {
			d.tables[t.Name] = t
			keys, others := d.sort(t)
			d.keys, lost = append(d.keys, keys...), append(lost, others...)
			for _, x := range t.Dependents {
				if x.Kind != foreignKey && d.gone[x.Table] {
					more[x.Table] = true
				}
			}
		}
		maps.DeleteFunc(more, func(n catalog.Name, _ bool) bool { return d.tables[n] != nil })
		names = slices.SortedFunc(maps.Keys(more), catalog.Name.Compare)
	}
	return inUse(lost)
}

const foreignKey = "foreign key" // kind of a Dependent

// sort tells the foreign keys that are taken off a table from what nobody makes again.
func (d *drop) sort(t *catalog.Table) (keys []providers.DDL, lost []string) {
	for _, x := range t.Dependents {
		switch {
		case x.Kind == foreignKey && (d.gone[x.Table] || d.again(x)):
			keys = append(keys, providers.DropForeignKey{Table: x.Table, Name: x.Name})
		case !d.gone[x.Table]:
			lost = append(lost, fmt.Sprintf("%s, which depends on %s", x, t.Name))
		}
	}
	return keys, lost
}

func inUse(lost []string) error {
	if len(lost) == 0 {
		return nil
	}
	more := ""
	if n := len(lost) - dependentsListed; n > 0 {
		lost, more = lost[:dependentsListed], fmt.Sprintf(" and %d more", n)
	}
	return &providers.Error{
		Kind: providers.InUse, Op: "drop tables",
		Err: errors.New("the tables to be dropped have dependents: " + strings.Join(lost, "; ") + more),
		Fix: "Drop the dependents yourself, and recreate them after the migration.",
	}
}

// dropTables drops tables of a step: those of existing = "recreate", and those of dmoctl's own that
// have to be made again.
func (r *building) dropTables(ctx context.Context, s *plan.Step, tables []*work.Table) error {
	gone := make(map[catalog.Name]bool)
	again := make(map[catalog.Name]*work.Table)
	r.set.Lock()
	for _, t := range r.set.Order {
		if t.Plan.Target == nil {
			continue
		}
		again[t.Target.Name] = t
		gone[t.Target.Name] = gone[t.Target.Name] || t.Plan.Drop
		if t.Plan.Predecessor != nil && t.Row.Created {
			gone[*t.Plan.Predecessor] = true
		}
	}
	r.set.Unlock()
	d := drop{target: r.d.Target, gone: gone, again: func(x catalog.Dependent) bool {
		t := again[x.Table]
		return t != nil && slices.ContainsFunc(
			slices.Concat(t.Target.ForeignKeys, t.Plan.Unwanted),
			func(f catalog.ForeignKey) bool { return f.Name == x.Name },
		)
	}}
	return r.together(ctx, s, tables, func(some []*work.Table) error {
		if len(some) == 0 {
			return nil
		}
		return r.dropNow(ctx, d, some)
	})
}

// dropNow drops tables, with whatever has to go in the same moment, and records that
// nothing of them is there any more.
func (r *building) dropNow(ctx context.Context, d drop, tables []*work.Table) error {
	var names []catalog.Name
	r.set.Lock()
	for _, t := range tables {
		names = append(names, t.Drops()...)
	}
	r.set.Unlock()
	err := r.ctl.Retry(ctx, "check tables to be dropped", func(ctx context.Context) error {
		return d.look(ctx, names)
	})
	if err != nil {
		return err
	}
	ddl := slices.Clone(d.keys)
	for _, n := range names {
		delete(d.tables, n)
	}
	for _, n := range slices.SortedFunc(maps.Keys(d.tables), catalog.Name.Compare) {
		ddl = append(ddl, providers.DropTable{Table: n}) // its own step finds it gone
	}
	return r.ctl.Retry(ctx, "drop tables", func(ctx context.Context) error {
		return r.target.Write(ctx, func(ctx context.Context) error {
			return r.target.AlterWith(ctx, ddl, tables, func(t *work.Table) ([]providers.DDL, ledger.Table) {
				var own []providers.DDL
				for _, n := range t.Drops() {
					own = append(own, providers.DropTable{Table: n})
				}
				return own, t.Dropped()
			})
		})
	})
}
