package structure

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func (c *comparison) columns() {
	have := make(map[string]*catalog.Column, len(c.have.Columns))
	for i := range c.have.Columns {
		have[c.folded(c.have.Columns[i].Name)] = &c.have.Columns[i]
	}
	for i := range c.want.Columns {
		w := &c.want.Columns[i]
		h := have[c.folded(w.Name)]
		delete(have, c.folded(w.Name))
		if h == nil {
			c.missing(Column, w.Name, spelled(*w), "")
			continue
		}
		c.column(w, h)
	}
	for _, h := range c.have.Columns {
		if have[c.folded(h.Name)] != nil {
			c.extra(Column, h.Name, spelled(h))
		}
	}
	if c.how.Same && !c.how.Foreign && !strings.EqualFold(c.want.Options, c.have.Options) {
		c.differs(TableOptions, "", c.want.Options, c.have.Options)
	}
}

func (c *comparison) folded(name string) string {
	if c.how.IgnoreCase {
		return strings.ToLower(name)
	}
	return name
}

func (c *comparison) column(w, h *catalog.Column) {
	if !c.sameType(w, h) {
		c.differs(ColumnType, w.Name, spelled(*w), spelled(*h))
	}
	c.nullability(w, h)
	if (w.Generated == "") != (h.Generated == "") || w.Virtual != h.Virtual || w.Generated != "" && !c.SameExpression(w.Generated, h.Generated) {
		c.differs(Generation, w.Name, generation(w), generation(h))
	}
	c.identity(w, h)
	if c.how.Foreign {
		return
	}
	if w.Identity == "" && h.Identity == "" && w.Generated == "" && h.Generated == "" && !c.sameDefault(w, h) {
		c.either(Default, w.Name, w.Default, h.Default)
	}
	if c.how.Same && !c.SameExpression(w.Collation, h.Collation) {
		c.differs(Collation, w.Name, w.Collation, h.Collation)
	}
}

func generation(c *catalog.Column) string {
	if c.Generated != "" && c.Virtual {
		return c.Generated + " VIRTUAL"
	}
	return c.Generated
}

// nullability: a table of somebody else may refuse less than was asked for, but not more.
func (c *comparison) nullability(w, h *catalog.Column) {
	// A column of the primary key takes no NULL, whatever its clause says.
	wanted := w.Nullable && !inPrimary(c.want, w.Name)
	found := h.Nullable && !inPrimary(c.have, h.Name)
	if c.how.Same && !c.how.Foreign {
		wanted, found = w.Nullable, h.Nullable // SQLite's primary keys take NULL
	}
	if wanted == found || c.how.Foreign && !wanted {
		return
	}
	c.differs(Nullability, w.Name, nullable(wanted), nullable(found))
}

func nullable(yes bool) string {
	if yes {
		return "NULL"
	}
	return "NOT NULL"
}

func inPrimary(t *catalog.Table, column string) bool {
	if t.Key == nil || !t.Key.Primary {
		return false
	}
	for _, k := range t.Key.Columns {
		if k == column {
			return true
		}
	}
	return false
}

// sameType says whether two columns are of one type. A table of somebody else only has to
// take and return the same values: unbounded texts, and unbounded bytes, are one each then.
func (c *comparison) sameType(w, h *catalog.Column) bool {
	if w.Declared != "" && (w.Declared == h.Declared || strings.EqualFold(unquoted(w.Declared), unquoted(h.Declared))) {
		return true
	}
	if c.how.Foreign || w.Declared == "" {
		return family(w.Type) == family(h.Type)
	}
	return false
}

// unquoted leaves out the quotes of names, which servers put only where they must, and blanks.
func unquoted(sql string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == ' ' {
			return -1
		}
		return r
	}, sql)
}

func family(t catalog.Type) catalog.Type {
	switch {
	case t.Kind == catalog.Text, t.Kind == catalog.String && t.Length == 0:
		return catalog.Type{Kind: catalog.Text}
	case t.Kind == catalog.Blob, t.Kind == catalog.Binary && t.Length == 0:
		return catalog.Type{Kind: catalog.Blob}
	}
	return t
}

func spelled(c catalog.Column) string {
	if c.Declared != "" {
		return c.Declared
	}
	return c.Type.String()
}

// identity compares what numbers the rows: its kind, and the sequence behind it.
func (c *comparison) identity(w, h *catalog.Column) {
	if w.Identity != h.Identity && (!c.how.Foreign || w.Identity != "" && h.Identity != "") {
		c.either(Identity, w.Name, string(w.Identity), string(h.Identity))
		return
	}
	if w.Sequence == nil || w.Identity == "" && !c.how.Same || c.how.Foreign {
		return
	}
	if h.Sequence == nil {
		if w.Identity == "" {
			c.missing(Identity, w.Name, "sequence "+w.Sequence.Name.String(), "")
		}
		return
	}
	if !c.sameSequence(*w.Sequence, *h.Sequence) {
		c.differs(Identity, w.Name, describeSequence(*w.Sequence), describeSequence(*h.Sequence))
	}
}
