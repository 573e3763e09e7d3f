package hana

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	opAlter = "alter"
	// together is how many tables are made in one transaction. What may take long has one of its
	// own: the locks on tables are kept to its end.
	together = 50
)

// statement is one piece of DDL and the table it is about.
type statement struct {
	sql   string
	table catalog.Name
	long  bool // reads rows: nothing shares its transaction but what belongs to it
	makes *ledger.Object
	drops *ledger.Object
	// record is what the ledger says once the statements before it are done, in their transaction.
	record *ledger.Change
}

// alteration turns structure changes into statements. What exists is read first, so
// that a call may be repeated.
type alteration struct {
	w         *fenced.Session[*txn]
	target    *target
	tables    map[catalog.Name]*catalog.Table // that exist, of those concerned
	sequences map[catalog.Name]catalog.Sequence
	indexes   map[catalog.Name]catalog.Name // tables of the indexes that have names wanted here
	schemas   map[string]bool
	out       []statement
}

// Alter implements fenced.Engine. Changes that are quick share a transaction; each is
// under the token, and is rolled back whole.
func (t *target) Alter(ctx context.Context, w *fenced.Session[*txn], ddl []providers.DDL) error {
	a := &alteration{
		w:         w,
		target:    t,
		tables:    make(map[catalog.Name]*catalog.Table),
		sequences: make(map[catalog.Name]catalog.Sequence),
		indexes:   make(map[catalog.Name]catalog.Name),
		schemas:   make(map[string]bool),
	}
	err := w.Do(ctx, opAlter, fenced.Load, func(tx *txn) error { return a.look(ctx, tx.session, ddl) })
	if err != nil {
		return err
	}
	for _, d := range ddl {
		var alone func() error
		switch d := d.(type) {
		case providers.RaiseSequence:
			alone = func() error { return raise(ctx, w, d) }
		case providers.DropLedger:
			alone = func() error { return t.dropLedger(ctx, w) }
		default:
			if err := a.plan(d); err != nil {
				return err
			}
			continue
		}
		if err := a.run(ctx); err != nil {
			return err
		}
		if err := alone(); err != nil {
			return err
		}
	}
	return a.run(ctx)
}

func (a *alteration) add(table catalog.Name, sql string) {
	a.out = append(a.out, statement{sql: sql, table: table})
}

// create is add for a CREATE.
func (a *alteration) create(kind string, n catalog.Name, sql string) {
	a.out = append(a.out, statement{sql: sql, table: n, makes: &ledger.Object{Kind: kind, Name: n}})
}

func (a *alteration) addLong(table catalog.Name, sql string) {
	a.out = append(a.out, statement{sql: sql, table: table, long: true})
}

// run sends the statements, in groups.
func (a *alteration) run(ctx context.Context) error {
	for start := 0; start < len(a.out); {
		end := start + 1
		for end < len(a.out) && (a.out[end].record != nil || end-start < together && a.joins(start, end)) {
			end++
		}
		part := a.out[start:end]
		err := a.w.Do(ctx, opAlter, fenced.Define, func(tx *txn) error {
			for _, st := range part {
				if st.record != nil {
					if err := fenced.Apply(ctx, tx, a.w.Migration(), *st.record); err != nil {
						return err
					}
					continue
				}
				if err := a.execute(ctx, tx, st); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		start = end
	}
	a.out = nil
	return nil
}

// joins says whether the next statement goes into the transaction of the first.
func (a *alteration) joins(first, next int) bool {
	return !a.out[first].long && !a.out[next].long
}

func alterError(err error, table catalog.Name) error {
	err = wrapTable(opAlter, table, err)
	var e *providers.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case hasCode(err, codeNoPrivilege):
		e.Fix = "Grant the user CREATE ANY, ALTER, INDEX, REFERENCES and DROP on the schema; docs/providers/hana.md has the statements."
	case hasCode(err, codeRestricted):
		e.Fix = dependedOn
	case hasCode(err, 457):
		e.Fix = "Another object in the schema has this name: rename it or drop it."
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
	case providers.CreateType: // HANA has neither enums nor domains; the mapping made plain columns of them
	case providers.CreateSequence:
		if have, there := a.sequences[d.Sequence.Name]; there {
			if exact.SameSequence(d.Sequence, have) {
				return nil
			}
			what := func(q catalog.Sequence) string {
				return "sequence " + q.Name.String() + " (" + strings.TrimSpace(sequenceOptions(q)) + ")"
			}
			return taken(d.Sequence.Name, what(d.Sequence), what(have))
		}
		a.sequences[d.Sequence.Name] = d.Sequence
		a.create(ledger.KindSequence, d.Sequence.Name, "CREATE SEQUENCE "+quoteName(d.Sequence.Name)+sequenceOptions(d.Sequence))
	case providers.CreateTable:
		return a.createTable(d)
	case providers.DropTable:
		if a.tables[d.Table] != nil {
			delete(a.tables, d.Table)
			// Neither CASCADE nor RESTRICT: views of others become invalid, and valid again with the new
			// table (SQL reference, DROP TABLE). In a transaction of its own: the name is free after it.
			a.out = append(a.out, statement{sql: "DROP TABLE " + quoteName(d.Table), table: d.Table, long: true,
				drops: &ledger.Object{Kind: ledger.KindTable, Name: d.Table}})
		}
	case providers.Drop:
		a.drop(d.Object)
	case providers.AddKey:
		return a.addKey(d.Table, d.Key)
	case providers.CreateIndex:
		return a.createIndex(d.Table, d.Index)
	case providers.AddForeignKey:
		return a.addForeignKey(d.Table, d.ForeignKey)
	case providers.DropForeignKey:
		a.dropForeignKey(d)
	case providers.Record:
		a.out = append(a.out, statement{record: &d.Change})
	case providers.Analyze:
		a.merge(d.Table)
	default:
		return &providers.Error{Kind: providers.Internal, Op: opAlter, Err: fmt.Errorf("unknown change %T", d)}
	}
	return nil
}

// of returns the table as the server has it.
func (a *alteration) of(n catalog.Name) (*catalog.Table, error) {
	if t := a.tables[n]; t != nil {
		return t, nil
	}
	return nil, &providers.Error{
		Kind:  providers.NotFound,
		Op:    opAlter,
		Table: n,
		Err:   errors.New("the table does not exist"),
		Fix:   "Run dmoctl plan and apply again.",
	}
}

// addKey makes what CreateTable has not made: unique constraints, and the primary key of a
// table that the DBA made without one.
func (a *alteration) addKey(t *catalog.Table, k catalog.Key) error {
	have, err := a.of(t.Name)
	if err != nil {
		return err
	}
	if hasKey(have, k) {
		return nil
	}
	if err := a.free(have, "key", k.Name); err != nil {
		return err
	}
	columns := " (" + quoteIdents(k.Columns) + ")"
	switch {
	case k.Primary:
		a.addLong(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD PRIMARY KEY"+columns)
	case k.Index:
		a.addLong(t.Name, "CREATE UNIQUE INDEX "+quoteName(catalog.Name{Schema: t.Schema, Name: k.Name})+" ON "+quoteName(t.Name)+columns)
	case k.Name == "":
		a.addLong(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD UNIQUE"+columns)
	default:
		a.addLong(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD CONSTRAINT "+quoteIdent(k.Name)+" UNIQUE"+columns)
	}
	a.tables[t.Name] = withKey(have, k)
	return nil
}

func withKey(t *catalog.Table, k catalog.Key) *catalog.Table {
	c := *t
	if k.Primary {
		c.Key = &k
		return &c
	}
	c.Uniques = append(append([]catalog.Key{}, t.Uniques...), k)
	return &c
}

func (a *alteration) createIndex(t *catalog.Table, x catalog.Index) error {
	have, err := a.of(t.Name)
	if err != nil {
		return err
	}
	if exact.FindIndex(t, have, x) != nil {
		return nil
	}
	if err := a.free(have, "index", x.Name); err != nil {
		return err
	}
	columns := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		columns[i] = quoteIdent(c.Name)
		if c.Desc {
			columns[i] += " DESC"
		}
	}
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	a.addLong(
		t.Name,
		"CREATE "+unique+"INDEX "+quoteName(catalog.Name{Schema: t.Schema, Name: x.Name})+" ON "+quoteName(t.Name)+" ("+strings.Join(columns, ", ")+")",
	)
	c := *have
	c.Indexes = append(append([]catalog.Index{}, have.Indexes...), x)
	a.tables[t.Name] = &c
	return nil
}

func (a *alteration) addForeignKey(t *catalog.Table, f catalog.ForeignKey) error {
	have, err := a.of(t.Name)
	if err != nil {
		return err
	}
	told := f // as the server's catalog tells it
	told.OnDelete, told.OnUpdate, told.Deferrable = rule(f.OnDelete), rule(f.OnUpdate), ""
	if exact.FindForeignKey(t, have, told) != nil {
		return nil
	}
	if there := constraintOf(have, f.Name); there != "" && f.Name != "" {
		return taken(t.Name, "foreign key "+f.Name, there)
	}
	name := ""
	if f.Name != "" {
		name = "CONSTRAINT " + quoteIdent(f.Name) + " "
	}
	a.addLong(t.Name, "ALTER TABLE "+quoteName(t.Name)+" ADD "+name+foreignKey(f))
	c := *have
	c.ForeignKeys = append(append([]catalog.ForeignKey{}, have.ForeignKeys...), f)
	a.tables[t.Name] = &c
	return nil
}

func foreignKey(f catalog.ForeignKey) string {
	sql := "FOREIGN KEY (" + quoteIdents(f.Columns) + ") REFERENCES " + quoteName(f.Table)
	if len(f.References) > 0 {
		sql += " (" + quoteIdents(f.References) + ")"
	}
	if f.OnUpdate != "" {
		sql += " ON UPDATE " + f.OnUpdate
	}
	if f.OnDelete != "" {
		sql += " ON DELETE " + f.OnDelete
	}
	if f.Deferrable == "DEFERRABLE INITIALLY DEFERRED" {
		sql += " INITIALLY DEFERRED"
	}
	return sql
}

func (a *alteration) dropForeignKey(d providers.DropForeignKey) {
	have := a.tables[d.Table]
	if have == nil {
		return
	}
	for i, f := range have.ForeignKeys {
		if f.Name == d.Name {
			a.add(d.Table, "ALTER TABLE "+quoteName(d.Table)+" DROP CONSTRAINT "+quoteIdent(d.Name))
			c := *have
			c.ForeignKeys = append(append([]catalog.ForeignKey{}, have.ForeignKeys[:i]...), have.ForeignKeys[i+1:]...)
			a.tables[d.Table] = &c
			return
		}
	}
}

// merge moves loaded rows from the delta into the main store, which is what reads are fast from,
// and lets the server do it by itself from now on. Twice does no harm.
func (a *alteration) merge(n catalog.Name) {
	have := a.tables[n]
	if have == nil || have.Options == rowStore {
		return
	}
	a.addLong(n, "MERGE DELTA OF "+quoteName(n))
	a.addLong(n, "ALTER TABLE "+quoteName(n)+" ENABLE AUTOMERGE")
}
