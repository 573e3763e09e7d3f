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
	"github.com/dmoctl/dmoctl/providers/fenced"
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
	*existing
	ids        map[ledger.Object]string // of what exists, of those to be dropped
	out        []statement
	records    []ledger.Change // of the ledger, after the statements
	made, gone []ledger.Object // by the statements of out
	dropLedger bool
}

// Alter implements fenced.Engine. Everything is one transaction.
func (t *target) Alter(ctx context.Context, w *fenced.Session[*txn], ddl []providers.DDL) error {
	return w.Do(ctx, opAlter, fenced.Define, func(tx *txn) error {
		there, err := lookFirst(ctx, tx.session, ddl)
		if err != nil {
			return err
		}
		a := &alteration{existing: there}
		if a.ids, err = lookAtMade(ctx, tx.session, ddl); err != nil {
			return err
		}
		if t.maintenanceMemory > 0 {
			a.add(catalog.Name{}, "SET LOCAL maintenance_work_mem = '"+formatInt(t.maintenanceMemory>>10)+"kB'")
		}
		for _, d := range ddl {
			if err := a.plan(d); err != nil {
				return err
			}
		}
		return a.carryOut(ctx, tx, w.Migration())
	})
}

// carryOut sends the statements, and writes into the ledger what they made and dropped.
func (a *alteration) carryOut(ctx context.Context, tx *txn, migration string) error {
	if err := a.run(ctx, tx.session); err != nil {
		return err
	}
	if err := fenced.ForgetMade(ctx, tx, a.gone...); err != nil {
		return err
	}
	made, err := identified(ctx, tx.session, migration, a.made)
	if err != nil {
		return err
	}
	if err := fenced.RecordMade(ctx, tx, made...); err != nil {
		return err
	}
	for _, c := range a.records {
		if err := fenced.Apply(ctx, tx, migration, c); err != nil {
			return err
		}
	}
	if !a.dropLedger {
		return nil
	}
	return dropLedger(ctx, tx, migration)
}

func (a *alteration) add(table catalog.Name, sql string) {
	a.out = append(a.out, statement{sql, table})
}

// create is add for a CREATE.
func (a *alteration) create(kind string, n catalog.Name, sql string) {
	a.add(n, sql)
	a.made = append(a.made, ledger.Object{Kind: kind, Name: n})
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
		case "2BP01":
			e.Fix = "Drop the dependents yourself, and recreate them after the migration."
		case "42883", "42704":
			e.Fix = "Create what is missing on the target first: functions, operators, collations and extensions are not migrated."
		case "42501":
			e.Fix = "Grant CREATE on the database and on the schema; tables that already exist must belong to the role."
		}
	}
	return err
}

// plan appends what one change needs.
func (a *alteration) plan(d providers.DDL) error {
	switch d := d.(type) {
	case providers.CreateSchema:
		if d.Schema != "" && !a.schemas[d.Schema] {
			a.schemas[d.Schema] = true
			a.create(ledger.KindSchema, catalog.Name{Name: d.Schema}, "CREATE SCHEMA "+quoteIdent(d.Schema))
		}
	case providers.CreateType:
		return a.createType(d.Type)
	case providers.CreateSequence:
		return a.createSequence(d.Sequence)
	case providers.CreateTable:
		return a.createTable(d)
	case providers.DropTable:
		a.dropTable(d.Table)
	case providers.Drop:
		a.drop(d.Object)
	case providers.DropLedger:
		a.dropLedger = true
	case providers.AddKey:
		return a.addKey(d.Table, d.Key)
	case providers.CreateIndex:
		return a.createIndex(d.Table, d.Index)
	case providers.AddForeignKey:
		return a.addForeignKey(d.Table, d.ForeignKey)
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

// createType makes a type, or compares the one that exists: values travel in the form of
// the wanted one, and another one would take them for something else.
func (a *alteration) createType(t catalog.UserType) error {
	if have, there := a.types[t.Name]; there {
		if have.Type != nil && exact.SameType(t, *have.Type) {
			return nil
		}
		return taken(t.Name, fmt.Sprintf("type %s (%s)", t.Name, typeWords(t)), have.String())
	}
	a.types[t.Name] = occupant{Kind: "type", Name: t.Name, Type: &t}
	if t.Kind == "domain" {
		a.create(ledger.KindType, t.Name, "CREATE DOMAIN "+quoteName(t.Name)+" AS "+t.Definition)
		return nil
	}
	labels := make([]string, len(t.Labels))
	for i, l := range t.Labels {
		labels[i] = quoteLiteral(l)
	}
	a.create(ledger.KindType, t.Name, "CREATE TYPE "+quoteName(t.Name)+" AS ENUM ("+strings.Join(labels, ", ")+")")
	return nil
}

// createSequence makes a sequence that no column owns, or compares the one that exists.
func (a *alteration) createSequence(q catalog.Sequence) error {
	have, there := a.relations[q.Name]
	if !there {
		a.relations[q.Name] = occupant{Kind: "sequence", Name: q.Name, Sequence: &q}
		a.create(ledger.KindSequence, q.Name, createSequence(q))
		return nil
	}
	if have.Sequence != nil && have.Table == (catalog.Name{}) && exact.SameSequence(q, *have.Sequence) {
		return nil
	}
	return taken(q.Name, fmt.Sprintf("sequence %s (%s)", q.Name, sequenceWords(q)), have.String())
}

func (a *alteration) addKey(t *catalog.Table, k catalog.Key) error {
	have := a.of(t.Name)
	if k.Index && exact.FindIndex(t, have, catalog.KeyIndex(k)) != nil || exact.FindKey(t, have, k) != nil {
		return nil
	}
	if err := a.free(t.Name, k.Name, "key "+k.Name); err != nil {
		return err
	}
	have.Uniques = append(have.Uniques, k)
	a.relations[catalog.Name{Schema: t.Schema, Name: k.Name}] = occupant{Kind: "index", Name: catalog.Name{Schema: t.Schema, Name: k.Name}, Table: t.Name}
	definition := k.Definition
	if k.Index {
		if definition == "" {
			definition = "(" + quoteIdents(k.Columns) + ")"
		}
		a.add(t.Name, "CREATE UNIQUE INDEX "+quoteIdent(k.Name)+" ON "+quoteName(t.Name)+" "+definition)
		return nil
	}
	a.noted(t.Name, k.Name, constraint{kind: "key"})
	if definition == "" {
		definition = "UNIQUE (" + quoteIdents(k.Columns) + ")"
		if k.Primary {
			definition = "PRIMARY KEY (" + quoteIdents(k.Columns) + ")"
		}
	}
	a.add(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD CONSTRAINT "+quoteIdent(k.Name)+" "+definition)
	return nil
}

func (a *alteration) createIndex(t *catalog.Table, x catalog.Index) error {
	have := a.of(t.Name)
	if exact.FindIndex(t, have, x) != nil {
		return nil
	}
	if err := a.free(t.Name, x.Name, "index "+x.Name); err != nil {
		return err
	}
	have.Indexes = append(have.Indexes, x)
	a.relations[catalog.Name{Schema: t.Schema, Name: x.Name}] = occupant{Kind: "index", Name: catalog.Name{Schema: t.Schema, Name: x.Name}, Table: t.Name}
	definition := x.Definition
	if isExclusion(x) {
		a.noted(t.Name, x.Name, constraint{kind: "exclusion"})
		a.add(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD CONSTRAINT "+quoteIdent(x.Name)+" "+definition)
		return nil
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
	return nil
}
