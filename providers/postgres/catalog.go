package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const opCatalog = "read catalog"

// catalogReader puts one Catalog together from the results of the statements.
type catalogReader struct {
	s       *session
	schemas []string
	wanted  providers.Selector

	out        *catalog.Catalog
	byOID      map[uint32]*catalog.Table // roots only
	partitions map[uint32]partitionOf
	types      typeTable
	lists      []*equalColumns // until the types are read
	pool       *catalog.Pool
}

// readCatalog reads structures and sizes. Without wanted tables it also reads
// the schemas' free sequences and what is not migrated.
func readCatalog(ctx context.Context, s *session, schemas []string, wanted providers.Selector) (*catalog.Catalog, error) {
	r := &catalogReader{s: s, schemas: schemas, wanted: wanted, out: &catalog.Catalog{Engine: engine},
		byOID:      make(map[uint32]*catalog.Table),
		partitions: make(map[uint32]partitionOf), types: make(typeTable), pool: wanted.Pool}
	if r.pool == nil {
		r.pool = &catalog.Pool{}
	}
	steps := []func(context.Context) error{r.relations, r.children, r.tableColumns, r.tableTypes, r.constraints,
		r.indexes, r.sequences, r.code, r.dependents}
	if !wanted.StructureOnly {
		steps = append(steps, r.tableRest, r.partitionRest, r.schemaRest, r.names)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, wrap(opCatalog, err)
		}
	}
	for _, t := range r.out.Tables {
		r.pool.Table(t)
	}
	sort.Slice(r.out.Tables, func(i, j int) bool { return r.out.Tables[i].Name.Compare(r.out.Tables[j].Name) < 0 })
	return r.out, nil
}

func oid(r row, i int) uint32 { return uint32(r.int(i)) }

// estimate returns a number that the server may not know: NULL and negative are unknown.
func estimate(r row, i int) int64 {
	if r.null(i) || r.int(i) < 0 {
		return -1
	}
	return r.int(i)
}

func (r *catalogReader) relations(ctx context.Context) error {
	var schemas, names []string
	for _, n := range r.wanted.Tables {
		schemas, names = append(schemas, n.Schema), append(names, n.Name)
	}
	sql, params := relationsSQL(schemaTables, !r.wanted.StructureOnly), []string{textArray(r.schemas)}
	if len(names) > 0 {
		sql, params = relationsSQL(namedTables, !r.wanted.StructureOnly), []string{textArray(schemas), textArray(names)}
	}
	return r.s.query(ctx, opCatalog, sql, params, func(v row) error {
		id, root := oid(v, 0), oid(v, 1)
		name := catalog.Name{Schema: r.pool.Bytes(v[2]), Name: v.text(3)}
		if id != root {
			r.partitions[id] = partitionOf{r.byOID[root], name}
			return r.partition(v, r.byOID[root], name)
		}
		t := &catalog.Table{Name: name, PartitionBy: v.text(9), Comment: v.text(11), Rows: estimate(v, 6), Bytes: estimate(v, 7), File: v.text(8)}
		if v.text(5) == "u" {
			t.NotMigrated = append(
				t.NotMigrated,
				catalog.Object{Kind: "unlogged", Reason: "the target's table is logged, because rows in an unlogged table do not survive a crash"},
			)
		}
		if v.bool(14) {
			t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "grants", Reason: "roles differ between servers"})
		}
		r.byOID[id] = t
		r.out.Tables = append(r.out.Tables, t)
		return nil
	})
}

func (r *catalogReader) partition(v row, t *catalog.Table, name catalog.Name) error {
	if k := v.text(4); k != "r" && k != "p" {
		return &providers.Error{Kind: providers.Unsupported, Op: opCatalog, Table: t.Name,
			Err: fmt.Errorf("partition %s is a foreign table", name), Fix: "Detach the partition, or exclude the table."}
	}
	p := catalog.Partition{Name: name, Parent: catalog.Name{Schema: v.text(12), Name: v.text(13)}, Bound: v.text(10),
		PartitionBy: v.text(9), Rows: estimate(v, 6), Bytes: estimate(v, 7), File: v.text(8)}
	t.Partitions = append(t.Partitions, p)
	if p.Leaf() && !r.wanted.StructureOnly {
		t.Rows = addEstimate(t.Rows, p.Rows)
		t.Bytes = addEstimate(t.Bytes, p.Bytes)
	}
	return nil
}

// addEstimate sums what leaves hold; one of unknown size makes no sum unknown.
func addEstimate(sum, n int64) int64 { return max(sum, 0) + max(n, 0) }

func (r *catalogReader) oids() string {
	ids := make([]string, 0, len(r.byOID))
	for id := range r.byOID {
		ids = append(ids, strconv.FormatUint(uint64(id), 10))
	}
	sort.Strings(ids)
	return "{" + strings.Join(ids, ",") + "}"
}

// equalColumns is what the columns of one table or more are until their types are known.
type equalColumns struct {
	columns []catalog.Column
	tables  []*catalog.Table
}

func (r *catalogReader) tableColumns(ctx context.Context) error {
	// Columns are equal where the server's own numbers of their types are: those are in place of
	// the types until then.
	var raw catalog.Pool
	lists := make(map[*catalog.Column]*equalColumns)
	var of *catalog.Table
	var columns []catalog.Column // of it, so far
	var numbers []numberedColumn
	whole := func() {
		if of != nil {
			of.File += numbersOf(numbers)
			r.share(&raw, lists, equalColumns{columns, []*catalog.Table{of}})
		}
		columns, numbers = columns[:0], numbers[:0]
	}
	err := r.s.query(ctx, opCatalog, columnsSQL, []string{r.oids()}, func(v row) error {
		if t := r.byOID[oid(v, 0)]; t != of {
			whole()
			of = t
		}
		c := catalog.Column{Name: r.pool.Bytes(v[2]), Declared: r.pool.Bytes(v[5]), Nullable: !v.bool(6), Collation: r.pool.Bytes(v[10])}
		switch v.text(7) {
		case "a":
			c.Identity = catalog.IdentityAlways
		case "d":
			c.Identity = catalog.IdentityDefault
		}
		if g := v.text(8); g != "" {
			c.Generated, c.Virtual = r.pool.Bytes(v[9]), g == "v"
		} else {
			c.Default = r.pool.Bytes(v[9])
		}
		number := numberedColumn{v.int(1), oid(v, 3), int32(v.int(4)), c.Name}
		c.Type = catalog.Type{Length: int(number.oid), Scale: int(number.modifier)}
		columns, numbers = append(columns, c), append(numbers, number)
		return nil
	})
	whole()
	return err
}

// share adds the columns of a table to those that are equal.
func (r *catalogReader) share(raw *catalog.Pool, lists map[*catalog.Column]*equalColumns, l equalColumns) {
	if len(l.columns) == 0 {
		return
	}
	l.columns = raw.Columns(l.columns)
	if same := lists[&l.columns[0]]; same != nil {
		same.tables = append(same.tables, l.tables...)
		return
	}
	lists[&l.columns[0]] = &l
	r.lists = append(r.lists, &l)
}

func (r *catalogReader) tableTypes(ctx context.Context) error {
	distinct := make(map[uint32]bool)
	for _, l := range r.lists {
		for _, c := range l.columns {
			distinct[uint32(c.Type.Length)] = true
		}
	}
	ids := make([]string, 0, len(distinct))
	for id := range distinct {
		ids = append(ids, strconv.FormatUint(uint64(id), 10))
	}
	order, err := r.readTypes(ctx, ids)
	if err == nil {
		err = r.moneyTypes(ctx)
	}
	if err != nil {
		return err
	}
	for _, l := range r.lists {
		for i := range l.columns {
			c := &l.columns[i]
			id, modifier := uint32(c.Type.Length), int32(c.Type.Scale)
			c.Type, c.UserType = r.types.neutral(id, modifier, c.Declared), r.types.userType(id)
		}
		columns := r.pool.Columns(l.columns)
		for _, t := range l.tables {
			t.Columns = columns
		}
	}
	r.lists = nil
	r.addUserTypes(order)
	return nil
}

// readKeys reads tables with keys, indexes and references only, none of which is chosen as
// the key of a table that has no primary one.
func readKeys(ctx context.Context, s *session, tables []catalog.Name) (*catalog.Catalog, error) {
	r := &catalogReader{s: s, wanted: providers.Selector{Tables: tables, StructureOnly: true}, out: &catalog.Catalog{Engine: engine},
		byOID: make(map[uint32]*catalog.Table), partitions: make(map[uint32]partitionOf)}
	for _, step := range []func(context.Context) error{r.relations, r.constraints, r.indexesOnly} {
		if err := step(ctx); err != nil {
			return nil, wrap(opCatalog, err)
		}
	}
	return r.out, nil
}

// readUserTypes reads enums and domains, by their oids, and those that they are made of.
func readUserTypes(ctx context.Context, s *session, ids []string) ([]catalog.UserType, error) {
	r := &catalogReader{s: s, out: &catalog.Catalog{}, types: make(typeTable)}
	order, err := r.readTypes(ctx, ids)
	if err != nil {
		return nil, wrap(opCatalog, err)
	}
	r.addUserTypes(order)
	return r.out.Types, nil
}

func (r *catalogReader) readTypes(ctx context.Context, ids []string) (order []*typeInfo, err error) {
	err = r.s.query(ctx, opCatalog, typesSQL, []string{"{" + strings.Join(ids, ",") + "}"}, func(v row) error {
		t := &typeInfo{
			oid: oid(v, 0), name: catalog.Name{Schema: v.text(1), Name: v.text(2)}, kind: v[3][0],
			base: oid(v, 4), baseModifier: int32(v.int(5)), elem: oid(v, 6), binary: v.bool(7),
			spelled: v.text(8), spelledBase: v.text(9),
			domain: domainRest{collation: v.text(11), byDefault: v.text(12), notNull: v.bool(13)},
		}
		r.types[t.oid] = t
		order = append(order, t)
		return errors.Join(names(v, 10, &t.labels), names(v, 14, &t.domain.checks))
	})
	if err == nil {
		err = r.domainCode(ctx)
	}
	return order, err
}

func (r *catalogReader) addUserTypes(order []*typeInfo) {
	made := make(map[uint32]bool)
	for _, t := range order {
		r.addUserType(t, made)
	}
}

// moneyTypes notes how many digits money has here; it is part of the structure, because
// amounts change with it.
func (r *catalogReader) moneyTypes(ctx context.Context) error {
	for _, t := range r.types {
		if t.name != (catalog.Name{Schema: systemSchema, Name: moneyType}) {
			continue
		}
		digits, err := moneyDigits(ctx, r.s)
		for _, n := range digits { // where they differ, the preflight stops
			t.digits = max(t.digits, n)
		}
		return err
	}
	return nil
}

// userType names the enum or domain that a column, or the elements of its arrays, have.
func (tt typeTable) userType(id uint32) *catalog.Name {
	t := tt[id]
	for t != nil && t.elem != 0 {
		t = tt[t.elem]
	}
	if t == nil || t.kind != 'e' && t.kind != 'd' || t.name.Schema == systemSchema || t.name.Schema == "information_schema" {
		return nil
	}
	n := t.name
	return &n
}

// addUserType appends a type after those that it is made of.
func (r *catalogReader) addUserType(t *typeInfo, made map[uint32]bool) {
	if t == nil || made[t.oid] || t.name.Schema == systemSchema || t.name.Schema == "information_schema" {
		return
	}
	made[t.oid] = true
	switch {
	case t.kind == 'e':
		r.out.Types = append(r.out.Types, catalog.UserType{Name: t.name, Kind: "enum", Labels: t.labels})
	case t.kind == 'd':
		r.addUserType(r.types[t.base], made)
		u, base := catalog.UserType{Name: t.name, Kind: "domain", Code: t.domain.code}, t.spelledBase
		if b := r.types.userType(t.base); b != nil {
			base = quoteName(*b) + arraySuffix(t.spelledBase)
			u.Code = slices.Concat(u.Code, r.types[t.base].domain.code) // what it lacks with its base
		}
		u.Definition = base + t.domain.sql(false)
		if u.Code != nil {
			u.Plain = base + t.domain.sql(true)
		}
		r.out.Types = append(r.out.Types, u)
	case t.elem != 0:
		r.addUserType(r.types[t.elem], made)
	}
}

// names decodes a JSON array of names; NULL leaves out as it is.
func names(v row, i int, out any) error {
	if v.null(i) {
		return nil
	}
	if err := json.Unmarshal(v[i], out); err != nil {
		return errors.New("a list of names in the catalog is not valid JSON")
	}
	return nil
}
