package executor

import (
	"context"
	"fmt"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// asPlanned holds a table as it is now against the plan.
func (r *frame) asPlanned(t *work.Table, now *catalog.Table) error {
	switch {
	case now == nil:
		return changed(t, "it was removed from the source after the plan was made")
	case now.StructureDigest() != t.Plan.SourceStructure:
		return changed(t, "its structure on the source has changed since the plan was made")
	}
	return nil
}

func changed(t *work.Table, what string) error {
	return &providers.Error{
		Kind: providers.Changed, Op: "compare", Table: t.Plan.Source.Name, Err: fmt.Errorf("%s", what),
		Fix: "Make a new plan; it says what to do about the table.",
	}
}

// structures reads the structures of the tables that are asked for by name, and whatever else the
// selector asks for.
func (r *frame) structures(
	ctx context.Context, db providers.Database, sel providers.Selector,
) (*catalog.Catalog, error) {
	sel.StructureOnly = true
	if len(sel.Schemas) == 0 {
		sel.Schemas = work.SchemasOf(sel.Tables)
	}
	var c *catalog.Catalog
	err := r.ctl.Retry(ctx, "read structures", func(ctx context.Context) (err error) {
		c, err = db.Catalog(ctx, sel)
		return err
	})
	return c, err
}

// inspect reads tables of one side as they are now, by name.
func (r *frame) inspect(
	ctx context.Context, db providers.Database, names []catalog.Name,
) (map[catalog.Name]*catalog.Table, error) {
	return r.byName(ctx, db, providers.Selector{Tables: names})
}

// identified reads tables of the target, with what tells them from others of their names.
func (r *frame) identified(ctx context.Context, names []catalog.Name) (map[catalog.Name]*catalog.Table, error) {
	return r.byName(ctx, r.d.Target, providers.Selector{Tables: names, IDs: true})
}

func (r *frame) byName(
	ctx context.Context, db providers.Database, sel providers.Selector,
) (map[catalog.Name]*catalog.Table, error) {
	out := make(map[catalog.Name]*catalog.Table, len(sel.Tables))
	if len(sel.Tables) == 0 { // no name at all would mean every table
		return out, nil
	}
	c, err := r.structures(ctx, db, sel)
	if err != nil {
		return nil, err
	}
	for _, t := range c.Tables {
		out[t.Name] = t
	}
	return out, nil
}

// sequencesNow reads the source's sequences that no column owns.
func (r *frame) sequencesNow(ctx context.Context) (*catalog.Catalog, error) {
	names := work.Sources(r.set.Order[:min(1, len(r.set.Order))]) // no name at all would mean every table
	schemas := work.SchemasOf(names)
	for _, s := range r.p.Wanted.Sequences {
		schemas = append(schemas, work.SchemasOf([]catalog.Name{s.Name})...)
	}
	var c *catalog.Catalog
	err := r.ctl.Retry(ctx, "read sequences", func(ctx context.Context) (err error) {
		c, err = r.d.Source.Catalog(ctx, providers.Selector{Schemas: schemas, Tables: names, StructureOnly: true, Free: true})
		return err
	})
	return c, err
}

// replaced says whether somebody has put another table in the place of one that dmoctl made.
func (r *frame) replaced(t *work.Table, now *catalog.Table) bool {
	id, ours := r.madeIDs[now.Name]
	return t.Known && t.Row.Created && t.Row.Target == now.Name && ours && id != now.ID
}
