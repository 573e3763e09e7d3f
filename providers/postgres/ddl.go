package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const opAlter = "alter"

// statement is one piece of DDL and the table it is about.
type statement struct {
	sql   string
	table catalog.Name
}

// alteration turns structure changes into statements. What exists is read
// with a fixed number of statements first, so that a call may be repeated.
type alteration struct {
	tables      map[catalog.Name]*catalog.Table // that exist, of those to be created
	types       map[catalog.Name]bool
	schemas     map[string]bool
	relations   map[catalog.Name]bool                  // indexes and sequences
	constraints map[catalog.Name]map[string]constraint // by table
	out         []statement
	records     []ledger.Change // of the ledger, after the statements
}

// constraint is one that exists.
type constraint struct {
	foreign, validated bool
	kept               bool // it only stands for a foreign key
}

// Alter implements providers.Session. Everything is one transaction.
func (w *writing) Alter(ctx context.Context, ddl []providers.DDL) error {
	if len(ddl) == 0 {
		return nil
	}
	return w.guarded(ctx, opAlter, func(s *session) error {
		a, err := lookFirst(ctx, s, ddl)
		if err != nil {
			return err
		}
		if w.maintenanceMemory > 0 {
			a.add(catalog.Name{}, "SET LOCAL maintenance_work_mem = '"+formatInt(w.maintenanceMemory>>10)+"kB'")
		}
		for _, d := range ddl {
			if err := a.plan(d); err != nil {
				return err
			}
		}
		if err := a.run(ctx, s); err != nil {
			return err
		}
		for _, c := range a.records {
			if err := w.writeChange(ctx, s, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *alteration) add(table catalog.Name, sql string) {
	a.out = append(a.out, statement{sql, table})
}

// run sends the statements in groups, without waiting for each answer.
func (a *alteration) run(ctx context.Context, s *session) error {
	const most = 256 // statements on their way at once
	for start := 0; start < len(a.out); start += most {
		part := a.out[start:min(start+most, len(a.out))]
		b := &pgconn.Batch{}
		for _, st := range part {
			b.ExecParams(st.sql, nil, nil, nil, nil)
		}
		results := s.pg.ExecBatch(ctx, b)
		done := 0
		for results.NextResult() {
			if _, err := results.ResultReader().Close(); err == nil {
				done++
			}
		}
		if err := results.Close(); err != nil {
			return alterError(s.failed(opAlter, err), part[min(done, len(part)-1)].table)
		}
	}
	return nil
}

func alterError(err error, table catalog.Name) error {
	err = wrapTable(opAlter, table, err)
	var e *providers.Error
	if errors.As(err, &e) {
		switch e.Code {
		case "42883", "42704":
			e.Fix = "Create what is missing on the target first: functions, operators, collations and extensions are not carried."
		case "42501":
			e.Fix = "Grant CREATE on the database and on the schema; tables that were there before must belong to the role."
		}
	}
	return err
}

// lookFirst reads what exists of what the changes are about.
func lookFirst(ctx context.Context, s *session, ddl []providers.DDL) (*alteration, error) {
	a := &alteration{tables: make(map[catalog.Name]*catalog.Table), types: make(map[catalog.Name]bool), schemas: make(map[string]bool),
		relations: make(map[catalog.Name]bool), constraints: make(map[catalog.Name]map[string]constraint)}
	var created, altered, named []catalog.Name
	types := false
	for _, d := range ddl {
		switch d := d.(type) {
		case providers.CreateTable:
			created = append(created, d.Table.Name)
			for _, p := range d.Table.Partitions {
				named = append(named, p.Name)
			}
			for _, c := range d.Table.Columns {
				if c.Sequence != nil {
					named = append(named, c.Sequence.Name)
				}
			}
		case providers.CreateType, providers.CreateSchema:
			types = true
		case providers.CreateSequence:
			named = append(named, d.Sequence.Name)
		case providers.AddKey:
			altered = append(altered, d.Table.Name)
			named = append(named, catalog.Name{Schema: d.Table.Schema, Name: d.Key.Name})
		case providers.CreateIndex:
			altered = append(altered, d.Table.Name)
			named = append(named, catalog.Name{Schema: d.Table.Schema, Name: d.Index.Name})
		case providers.AddForeignKey:
			altered = append(altered, d.Table.Name)
		case providers.DropForeignKey:
			altered = append(altered, d.Table)
		}
	}
	if len(created) > 0 {
		c, err := readCatalog(ctx, s, nil, providers.Selector{Tables: created, StructureOnly: true})
		if err != nil {
			return nil, err
		}
		for _, t := range c.Tables {
			a.tables[t.Name] = t
		}
	}
	return a, errors.Join(a.readRelations(ctx, s, named), a.readConstraints(ctx, s, altered), a.readTypes(ctx, s, types))
}

func pairs(names []catalog.Name) []string {
	rows := make([][]string, len(names))
	for i, n := range names {
		rows[i] = []string{n.Schema, n.Name}
	}
	return columnsOf(2, rows)
}

func (a *alteration) readRelations(ctx context.Context, s *session, names []catalog.Name) error {
	if len(names) == 0 {
		return nil
	}
	return s.query(ctx, opAlter, `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, pairs(names), func(r row) error {
		a.relations[catalog.Name{Schema: r.text(0), Name: r.text(1)}] = true
		return nil
	})
}

func (a *alteration) readConstraints(ctx context.Context, s *session, tables []catalog.Name) error {
	if len(tables) == 0 {
		return nil
	}
	return s.query(ctx, opAlter, `SELECT n.nspname, c.relname, k.conname, k.contype, k.convalidated,
  CASE WHEN k.contype = 'c' AND NOT k.convalidated THEN obj_description(k.oid, 'pg_constraint') END FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, pairs(tables), func(r row) error {
		n := catalog.Name{Schema: r.text(0), Name: r.text(1)}
		a.noted(n, r.text(2), constraint{foreign: r.text(3) == "f", validated: r.bool(4), kept: keptForeignKey(r.text(5)) != nil})
		return nil
	})
}

func (a *alteration) readTypes(ctx context.Context, s *session, wanted bool) error {
	if !wanted {
		return nil
	}
	err := s.query(ctx, opAlter, "SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')", nil, func(r row) error {
		a.types[catalog.Name{Schema: r.text(0), Name: r.text(1)}] = true
		return nil
	})
	if err != nil {
		return err
	}
	return s.query(ctx, opAlter, "SELECT nspname FROM pg_namespace", nil, func(r row) error {
		a.schemas[r.text(0)] = true
		return nil
	})
}

// plan appends what one change needs.
func (a *alteration) plan(d providers.DDL) error {
	switch d := d.(type) {
	case providers.CreateSchema:
		if d.Schema != "" && !a.schemas[d.Schema] {
			a.schemas[d.Schema] = true
			a.add(catalog.Name{}, "CREATE SCHEMA "+quoteIdent(d.Schema))
		}
	case providers.CreateType:
		a.createType(d.Type)
	case providers.CreateSequence:
		if !a.relations[d.Sequence.Name] {
			a.relations[d.Sequence.Name] = true
			a.add(d.Sequence.Name, createSequence(d.Sequence))
		}
	case providers.CreateTable:
		return a.createTable(d)
	case providers.DropTable:
		a.add(d.Table, "DROP TABLE IF EXISTS "+quoteName(d.Table)+" CASCADE")
		delete(a.tables, d.Table)
	case providers.AddKey:
		a.addKey(d.Table, d.Key)
	case providers.CreateIndex:
		a.createIndex(d.Table, d.Index)
	case providers.AddForeignKey:
		a.addForeignKey(d.Table, d.ForeignKey)
	case providers.DropForeignKey:
		return a.dropForeignKey(d)
	case providers.RaiseSequence:
		return a.raise(d)
	case providers.Record:
		a.records = append(a.records, d.Change)
	case providers.Analyze:
		a.add(d.Table, "ANALYZE "+quoteName(d.Table))
	default:
		return &providers.Error{Kind: providers.Internal, Op: opAlter, Err: fmt.Errorf("unknown change %T", d)}
	}
	return nil
}

func (a *alteration) createType(t catalog.UserType) {
	if a.types[t.Name] {
		return
	}
	a.types[t.Name] = true
	if t.Kind == "domain" {
		a.add(t.Name, "CREATE DOMAIN "+quoteName(t.Name)+" AS "+t.Definition)
		return
	}
	labels := make([]string, len(t.Labels))
	for i, l := range t.Labels {
		labels[i] = quoteLiteral(l)
	}
	a.add(t.Name, "CREATE TYPE "+quoteName(t.Name)+" AS ENUM ("+strings.Join(labels, ", ")+")")
}

func (a *alteration) addKey(t *catalog.Table, k catalog.Key) {
	_, made := a.constraints[t.Name][k.Name]
	if made || k.Index && a.relations[catalog.Name{Schema: t.Schema, Name: k.Name}] {
		return
	}
	definition := k.Definition
	if k.Index {
		a.relations[catalog.Name{Schema: t.Schema, Name: k.Name}] = true
		if definition == "" {
			definition = "(" + quoteIdents(k.Columns) + ")"
		}
		a.add(t.Name, "CREATE UNIQUE INDEX "+quoteIdent(k.Name)+" ON "+quoteName(t.Name)+" "+definition)
		return
	}
	a.noted(t.Name, k.Name, constraint{validated: true})
	if definition == "" {
		definition = "UNIQUE (" + quoteIdents(k.Columns) + ")"
		if k.Primary {
			definition = "PRIMARY KEY (" + quoteIdents(k.Columns) + ")"
		}
	}
	a.add(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD CONSTRAINT "+quoteIdent(k.Name)+" "+definition)
}

func (a *alteration) createIndex(t *catalog.Table, x catalog.Index) {
	if _, made := a.constraints[t.Name][x.Name]; made || a.relations[catalog.Name{Schema: t.Schema, Name: x.Name}] {
		return
	}
	a.relations[catalog.Name{Schema: t.Schema, Name: x.Name}] = true
	definition := x.Definition
	if strings.HasPrefix(definition, "EXCLUDE ") {
		a.add(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD CONSTRAINT "+quoteIdent(x.Name)+" "+definition)
		return
	}
	if definition == "" {
		columns := make([]string, len(x.Columns))
		for i, c := range x.Columns {
			columns[i] = quoteIdent(c.Name)
			if c.Desc {
				columns[i] += " DESC"
			}
		}
		definition = "(" + strings.Join(columns, ", ") + ")"
	}
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	a.add(t.Name, "CREATE "+unique+"INDEX "+quoteIdent(x.Name)+" ON "+quoteName(t.Name)+" "+definition)
}

// noted notes a constraint, so that the same change twice in one call makes it once.
func (a *alteration) noted(table catalog.Name, name string, c constraint) {
	if a.constraints[table] == nil {
		a.constraints[table] = make(map[string]constraint)
	}
	a.constraints[table][name] = c
}
