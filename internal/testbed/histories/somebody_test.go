package histories_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
)

type catalogName = catalog.Name

// somebody changes the target behind dmoctl's back.
func (w *fixture) somebody() {
	kind := rapid.SampledFrom([]string{"create", "other", "prepare", "delete row", "change row", "insert row", "drop index", "add index", "view", "reference", "drop table"}).Draw(w.t, "somebody")
	w.somebodyDoes(kind, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(w.t, "somebody's"))
}

func (w *fixture) somebodyDoes(kind, table string) {
	name := w.spec.of(table)
	if (len(w.stopped) > 0 || w.disturbed) && w.knows(name) && (kind == "create" || kind == "prepare") {
		return // nobody puts a table in the place of one that a run is at work on: no lock keeps it out
	}
	w.logf("somebody on the target: %s %s", kind, name)
	w.dirty = true
	tampered := w.tamper(name)
	w.target.Do(func(d *memdb.Data) {
		there := d.Tables[name] != nil
		ours := there && w.theirs[name] == nil
		switch kind {
		case "create":
			if !there {
				w.put(d, name, 1, nil)
			}
		case "other":
			w.put(d, catalog.Name{Schema: targetSchema, Name: "z"}, 2, nil)
		case "prepare":
			if src := w.source.Data().Tables[sourceName(table)]; !there && src != nil {
				t := *src
				t.Name, t.Rows, t.Key, t.Uniques, t.Indexes, t.ForeignKeys = name, nil, nil, nil, nil, nil
				d.Put(&t)
				w.theirs[name] = d.Tables[name]
			}
		case "view":
			if there {
				d.Views = append(slices.Clip(d.Views), catalog.Dependent{Kind: "view", Name: fmt.Sprintf("view%d", len(d.Views)), Table: name})
				w.views = d.Views
			}
		case "reference":
			if there && d.Tables[name].Key != nil {
				w.put(d, catalog.Name{Schema: targetSchema, Name: "y"}, 0, []catalog.ForeignKey{{Name: "y_ref", Columns: []string{"ref"}, Table: name, References: []string{"id"}}})
			}
		default:
			if ours {
				w.spoil(d, kind, name, tampered)
			}
		}
	})
}

// knows says whether the migration's ledger names a table of the target.
func (w *fixture) knows(n catalog.Name) bool {
	return slices.ContainsFunc(contents(w).Tables, func(t ledger.Table) bool { return t.Target == n })
}

// put makes a table of somebody else's where there is none.
func (w *fixture) put(d *memdb.Data, n catalog.Name, rows int, refers []catalog.ForeignKey) {
	if d.Tables[n] != nil {
		return
	}
	t := &memdb.Table{}
	t.Name, t.ForeignKeys = n, refers
	t.Columns = []catalog.Column{{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint"},
		{Name: "ref", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Nullable: true}}
	for i := range rows {
		t.Rows = append(t.Rows, memdb.Row{text("%d", i), {Null: true}})
	}
	d.Put(t)
	w.theirs[n] = d.Tables[n]
}

// tamper says what the ledger knows of a table before somebody changes its rows.
func (w *fixture) tamper(n catalog.Name) (out tamper) {
	c := contents(w)
	for _, t := range c.Tables {
		if t.Target == n {
			out.state, out.loaded = t.State, w.loaded(t.Source)
			if w.disturbed {
				out.state = ledger.Compared // the run that is at work may have read it before
			}
		}
	}
	return out
}

// loaded tells one loading of a table from another.
func (w *fixture) loaded(source catalog.Name) (out []string) {
	for _, l := range contents(w).Loaded {
		if l.Source == source {
			out = append(out, l.ID+l.Run+l.Snapshot+l.Generation)
		}
	}
	return out
}

// referred says whether a table of somebody else's refers to one of the target.
func (w *fixture) referred(d *memdb.Data, n catalog.Name) bool {
	for other := range w.theirs {
		if t := d.Tables[other]; t != nil && slices.ContainsFunc(t.ForeignKeys, func(f catalog.ForeignKey) bool { return f.Table == n }) {
			return true
		}
	}
	return false
}

// spoil changes a table of ours.
func (w *fixture) spoil(d *memdb.Data, kind string, n catalog.Name, was tamper) {
	rows := func(counts bool, f func([]memdb.Row) []memdb.Row) {
		d.Change(n, func(t *memdb.Table) {
			after := f(slices.Clone(t.Rows))
			if len(t.Rows) == 0 && len(after) == 0 {
				return
			}
			t.Rows = after
			was.counts = counts
			before, already := w.tampered[n]
			if !already || slices.ContainsFunc(before.loaded, func(l string) bool { return !slices.Contains(was.loaded, l) }) {
				w.tampered[n] = was // the first since it was last copied
			}
		})
	}
	switch kind {
	case "delete row":
		rows(true, func(r []memdb.Row) []memdb.Row { return r[:max(0, len(r)-1)] })
	case "change row":
		rows(false, func(r []memdb.Row) []memdb.Row {
			if len(r) > 0 {
				r[0] = slices.Clone(r[0])
				r[0][colV] = text("somebody's")
			}
			return r
		})
	case "insert row":
		rows(true, func(r []memdb.Row) []memdb.Row {
			row := make(memdb.Row, len(d.Tables[n].Columns))
			for i := range row {
				row[i].Null = true
			}
			row[colID], row[colU] = text("%d", 1000+len(r)), text("somebody%d", len(r))
			return append(r, row)
		})
	case "drop index":
		d.Change(n, func(t *memdb.Table) { t.Indexes = nil })
	case "add index":
		d.Change(n, func(t *memdb.Table) {
			name := fmt.Sprintf("theirs%d", t.Written)
			t.Indexes = append(slices.Clip(t.Indexes), catalog.Index{Name: name, Columns: []catalog.IndexColumn{{Name: "id"}}})
			w.indexes[n] = append(w.indexes[n], name)
		})
	case "drop table":
		if slices.ContainsFunc(d.Views, func(v catalog.Dependent) bool { return v.Table == n }) || w.referred(d, n) {
			return // their own would go with it
		}
		d.Drop(n)
		delete(w.tampered, n)
	}
}
