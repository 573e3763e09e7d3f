package engine

import (
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// who is whose rights count: the session's user, or the owner of the view that is compiled.
func (c *compiler) who() (*user, string) {
	if c.owner != nil {
		return c.owner, c.owner.name
	}
	return c.s.user, c.s.schema
}

// named compiles a source that is named: a catalog view, a table or a view.
func (c *compiler) named(ref *store.TableRef) (*source, error) {
	u, schema := c.who()
	n := qname{ref.Name.Schema, ref.Name.Name}
	if n.owner == "" {
		n.owner = schema
	}
	o := c.db().objects[n]
	if o == nil && (ref.Name.Schema == "" || ref.Name.Schema == "SYS" || ref.Name.Schema == "PUBLIC") {
		if v := c.db().catalogView(ref.Name.Name, u); v != nil {
			return c.viewSource(v, u, ref), nil
		}
	}
	if o == nil || !u.sees(o) {
		return nil, ora.At(ref.Name.Pos, 942, "table or view does not exist")
	}
	if !u.may("SELECT", o) {
		return nil, ora.At(ref.Name.Pos, 1031, "insufficient privileges")
	}
	if ref.AsOf != nil && !u.may("FLASHBACK", o) {
		return nil, ora.At(ref.Name.Pos, 1031, "insufficient privileges")
	}
	switch {
	case o.table != nil:
		return c.tableSource(o.table, ref)
	case o.view != nil:
		return c.storedView(o, ref)
	}
	return nil, ora.At(ref.Name.Pos, 942, "table or view does not exist")
}

// storedView compiles a view's text with its owner's rights.
func (c *compiler) storedView(o *object, ref *store.TableRef) (*source, error) {
	q, err := c.s.viewQuery(o)
	if err != nil {
		return nil, ora.At(ref.Name.Pos, 4063, "view %q has errors", o.owner+"."+o.name)
	}
	alias := ref.Alias
	if alias == "" {
		alias = o.name
	}
	src := querySource(q, alias, o.owner)
	for i, name := range o.view.cols {
		src.cols[i].name = name
	}
	return src, nil
}

func (s *Session) viewQuery(o *object) (*query, error) {
	p, err := store.NewParser(s.db.syntax, o.view.text)
	if err != nil {
		return nil, err
	}
	tree, err := p.Query()
	if err != nil {
		return nil, err
	}
	inner := &compiler{s: s, owner: s.db.users[o.owner], scope: &scope{}}
	return inner.query(tree)
}

// viewSource makes a source of a view of the catalog. Its rows are made when it is opened.
func (c *compiler) viewSource(v *catalogView, u *user, ref *store.TableRef) *source {
	src := &source{alias: ref.Alias, owner: "SYS"}
	if src.alias == "" {
		src.alias = ref.Name.Name
	}
	for _, col := range v.columns {
		src.cols = append(src.cols, sourceColumn{name: col.name, typ: col.typ})
	}
	src.open = func(r *run, _ *env) (rowIter, error) {
		out := &viewRows{db: r.s.db, user: u, session: r.s, width: len(v.columns)}
		v.rows(out)
		i := 0
		return func() ([][]byte, error) {
			if out.err != nil || i == len(out.rows) {
				return nil, out.err
			}
			i++
			return out.rows[i-1], r.step()
		}, nil
	}
	return src
}
