package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func (r *catalogReader) constraints(ctx context.Context) error {
	return r.s.query(ctx, opCatalog, constraintsSQL, []string{r.oids()}, func(v row) error {
		t := r.byOID[oid(v, 0)]
		name, definition := v.text(1), v.text(4)
		var columns []string
		if err := names(v, 3, &columns); err != nil {
			return err
		}
		if kept := keptForeignKey(v.text(15)); kept != nil {
			t.Pending = append(t.Pending, *kept)
			return nil
		}
		if !v.bool(5) {
			if v.text(2) == "f" {
				f, err := readForeignKey(v, columns)
				if err != nil {
					return err
				}
				t.Pending = append(t.Pending, f)
			}
			t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "constraint", Name: name, Reason: "it is NOT VALID: rows may violate it"})
			return nil
		}
		switch v.text(2) {
		case "p":
			t.Key = &catalog.Key{Name: name, Columns: columns, Primary: true, Definition: definition}
		case "u":
			t.Uniques = append(t.Uniques, catalog.Key{Name: name, Columns: columns, Definition: definition})
		case "c":
			t.Checks = append(t.Checks, catalog.Check{Name: name, Expression: v.text(6)})
		case "x":
			t.Indexes = append(t.Indexes, catalog.Index{Name: name, Special: true, Definition: definition})
		case "f":
			f, err := readForeignKey(v, columns)
			t.ForeignKeys = append(t.ForeignKeys, f)
			return err
		}
		return nil
	})
}

func readForeignKey(v row, columns []string) (catalog.ForeignKey, error) {
	f := catalog.ForeignKey{NotValid: !v.bool(5), Name: v.text(1), Columns: columns, Table: catalog.Name{Schema: v.text(7), Name: v.text(8)},
		Disabled: v.bool(16), OnDelete: referentialAction(v.text(10)), OnUpdate: referentialAction(v.text(11))}
	if v.bool(12) {
		f.Deferrable = "DEFERRABLE"
		if v.bool(13) {
			f.Deferrable = "DEFERRABLE INITIALLY DEFERRED"
		}
	}
	if tail, ok := strings.CutPrefix(v.text(4), v.text(14)); ok {
		f.Definition = strings.TrimSpace(tail)
	}
	return f, names(v, 9, &f.References)
}

func referentialAction(code string) string {
	switch code {
	case "r":
		return "RESTRICT"
	case "c":
		return "CASCADE"
	case "n":
		return "SET NULL"
	case "d":
		return "SET DEFAULT"
	}
	return ""
}

// indexColumn is a column of an index as the catalog's statement prints it.
type indexColumn struct {
	Name    string `json:"name"`
	Desc    bool   `json:"desc"`
	NotNull bool   `json:"notnull"`
}

func (r *catalogReader) indexes(ctx context.Context) error {
	candidates, err := r.uniqueIndexes(ctx)
	for _, t := range r.out.Tables {
		if t.Key == nil {
			chooseKey(t, candidates[t])
		}
	}
	return err
}

func (r *catalogReader) indexesOnly(ctx context.Context) error {
	_, err := r.uniqueIndexes(ctx)
	return err
}

// uniqueIndexes reads the secondary indexes and returns those that identify every row.
func (r *catalogReader) uniqueIndexes(ctx context.Context) (map[*catalog.Table][]catalog.Key, error) {
	candidates := make(map[*catalog.Table][]catalog.Key)
	err := r.s.query(ctx, opCatalog, indexesSQL, []string{r.oids()}, func(v row) error {
		t := r.byOID[oid(v, 0)]
		name := v.text(1)
		if !v.bool(3) {
			t.NotMigrated = append(t.NotMigrated, catalog.Object{Kind: "index", Name: name, Reason: "it is not valid: an earlier build failed"})
			return nil
		}
		var columns []indexColumn
		if err := names(v, 5, &columns); err != nil {
			return err
		}
		x := catalog.Index{Name: name, Unique: v.bool(2), Special: !v.bool(4), Definition: strings.TrimPrefix(v.text(6), v.text(7))}
		key := catalog.Key{Name: name, Index: true, Definition: x.Definition}
		notNull := true
		for _, c := range columns {
			x.Columns = append(x.Columns, catalog.IndexColumn{Name: c.Name, Desc: c.Desc})
			key.Columns = append(key.Columns, c.Name)
			notNull = notNull && c.NotNull
		}
		if x.Unique && !x.Special && notNull && len(columns) > 0 {
			candidates[t] = append(candidates[t], key)
		}
		t.Indexes = append(t.Indexes, x)
		return nil
	})
	return candidates, err
}

// chooseKey takes the shortest unique constraint over NOT NULL columns as the
// key of a table without a primary key, else the shortest such index.
func chooseKey(t *catalog.Table, indexes []catalog.Key) {
	best := -1
	for i, k := range t.Uniques {
		plain := !strings.Contains(k.Definition, "DEFERRABLE") && !slices.ContainsFunc(k.Columns, func(c string) bool { return t.Column(c).Nullable })
		if plain && (best < 0 || len(k.Columns) < len(t.Uniques[best].Columns)) {
			best = i
		}
	}
	if best >= 0 {
		k := t.Uniques[best]
		t.Key = &k
		t.Uniques = slices.Delete(t.Uniques, best, best+1)
		return
	}
	for _, k := range indexes {
		if t.Key == nil || len(k.Columns) < len(t.Key.Columns) {
			t.Key = &k
		}
	}
	if t.Key != nil {
		t.Indexes = slices.DeleteFunc(t.Indexes, func(x catalog.Index) bool { return x.Name == t.Key.Name })
	}
}

func (r *catalogReader) tableRest(ctx context.Context) error {
	return r.s.query(ctx, opCatalog, tableRestSQL, []string{r.oids()}, func(v row) error {
		t := r.byOID[oid(v, 0)]
		o := catalog.Object{Kind: v.text(1), Name: v.text(2)}
		switch o.Kind {
		case "inheritance":
			o.Reason = "the table is copied on its own, without the link to its parent"
		case catalog.DrawnSequence:
			o.Reason = "a default uses it, and it is in a schema that is not read: create it on the target, and set it with setval after the migration"
		case "partition":
			o.Reason = "it is being detached, and queries of the table no longer show its rows"
		}
		t.NotMigrated = append(t.NotMigrated, o)
		return nil
	})
}

func (r *catalogReader) schemaRest(ctx context.Context) error {
	if len(r.wanted.Tables) > 0 {
		return nil
	}
	return r.s.query(ctx, opCatalog, schemaRestSQL, []string{textArray(r.schemas)}, func(v row) error {
		r.out.NotMigrated = append(r.out.NotMigrated, catalog.Object{Kind: v.text(0), Name: v.text(1)})
		return nil
	})
}
