package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// keptPrefix begins the comment of a constraint that stands for a foreign key which was
// dropped until rows are loaded. The table itself remembers it, so neither a crash nor a lost
// state forgets it. What follows is the foreign key as JSON.
const keptPrefix = "dmoctl makes this foreign key again: "

// keptForeignKey reads such a comment; nil where it is none.
func keptForeignKey(comment string) *catalog.ForeignKey {
	text, ok := strings.CutPrefix(comment, keptPrefix)
	if !ok {
		return nil
	}
	f := new(catalog.ForeignKey)
	if json.Unmarshal([]byte(text), f) != nil || f.Name == "" {
		return nil // somebody has edited it: then it is a constraint like others
	}
	f.Dropped = true
	return f
}

// dropForeignKey drops what is a foreign key. Where it is kept, a constraint of the same
// name that every row satisfies takes its place in the same statement.
func (a *alteration) dropForeignKey(d providers.DropForeignKey) error {
	c, there := a.constraints[d.Table][d.Name]
	if !there || c.kind != foreignKind {
		return nil
	}
	table, name := quoteName(d.Table), quoteIdent(d.Name)
	of := a.of(d.Table)
	of.ForeignKeys = slices.DeleteFunc(of.ForeignKeys, func(f catalog.ForeignKey) bool { return f.Name == d.Name })
	of.Pending = slices.DeleteFunc(of.Pending, func(f catalog.ForeignKey) bool { return f.Name == d.Name })
	if d.Keep == nil {
		a.add(d.Table, "ALTER TABLE "+table+" DROP CONSTRAINT "+name)
		delete(a.constraints[d.Table], d.Name)
		return nil
	}
	text, err := json.Marshal(d.Keep)
	if err != nil {
		return &providers.Error{Kind: providers.Internal, Op: opAlter, Table: d.Table, Err: fmt.Errorf("write foreign key %s: %w", d.Name, err)}
	}
	a.add(d.Table, "ALTER TABLE "+table+" DROP CONSTRAINT "+name+", ADD CONSTRAINT "+name+" CHECK (true) NOT VALID")
	a.add(d.Table, "COMMENT ON CONSTRAINT "+name+" ON "+table+" IS "+quoteLiteral(keptPrefix+string(text)))
	a.noted(d.Table, d.Name, constraint{kind: "check", kept: true})
	return nil
}

// foreignKind is how a constraint that is a foreign key is called in words.
const foreignKind = "foreign key"

// addForeignKey makes a foreign key where the table has none of its definition, and
// validates one that exists unvalidated, unless it is to stay so.
func (a *alteration) addForeignKey(t *catalog.Table, f catalog.ForeignKey) error {
	table, name := quoteName(t.Name), quoteIdent(f.Name)
	have := a.of(t.Name)
	c, named := a.constraints[t.Name][f.Name]
	half := slices.IndexFunc(have.Pending, func(p catalog.ForeignKey) bool { return p.Name == f.Name && !p.Dropped && exact.SameForeignKey(f, p) })
	switch {
	case exact.FindForeignKey(t, have, f) != nil:
		return nil
	case named && c.kept:
		a.add(t.Name, "ALTER TABLE "+table+" DROP CONSTRAINT "+name+", ADD CONSTRAINT "+name+" "+foreignKey(f))
	case half >= 0 && f.NotValid:
		return nil
	case half >= 0:
		have.Pending = slices.Delete(have.Pending, half, half+1)
		a.add(t.Name, "ALTER TABLE "+table+" VALIDATE CONSTRAINT "+name)
	case named:
		return taken(t.Name, "foreign key "+f.Name+" of table "+t.Name.String(), c.kind+" "+f.Name+" of the same table")
	default:
		a.add(t.Name, "ALTER TABLE "+table+" ADD CONSTRAINT "+name+" "+foreignKey(f))
	}
	a.noted(t.Name, f.Name, constraint{kind: foreignKind})
	if f.NotValid {
		have.Pending = append(have.Pending, f)
		return nil
	}
	have.ForeignKeys = append(have.ForeignKeys, f)
	return nil
}

func foreignKey(f catalog.ForeignKey) string {
	sql := "FOREIGN KEY (" + quoteIdents(f.Columns) + ") REFERENCES " + quoteName(f.Table)
	if len(f.References) > 0 {
		sql += " (" + quoteIdents(f.References) + ")"
	}
	if f.Definition != "" {
		return sql + " " + f.Definition
	}
	if f.OnDelete != "" {
		sql += " ON DELETE " + f.OnDelete
	}
	if f.OnUpdate != "" {
		sql += " ON UPDATE " + f.OnUpdate
	}
	if f.Deferrable != "" {
		sql += " " + f.Deferrable
	}
	return sql
}
