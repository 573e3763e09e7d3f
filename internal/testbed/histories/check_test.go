package histories_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
)

// checkExit holds an end to the reasons that there are for it.
func (w *fixture) checkExit(r result, f flags) {
	if strings.Contains(r.text, "no failure explains why") || strings.Contains(r.text, "panic") || strings.Contains(r.text, "[internal]") {
		w.fatalf("an error that nobody understands: %s", r)
	}
	switch r.exit {
	case report.OK:
	case report.Locked:
		if len(w.stopped) == 0 {
			w.fatalf("locked, and no other run is there: %s", r)
		}
	case report.Stale:
		if f.saved == nil && !w.disturbed && !w.unquiet {
			w.fatalf("stale, and nothing changed since the plan was made: %s", r)
		}
	case report.Different:
		if len(w.tampered) == 0 && !w.disturbed {
			w.fatalf("different, and nobody changed a row: %s", r)
		}
	default:
		if r.text == "" {
			w.fatalf("an error without a word: %s", r)
		}
		if f.table != "" && !w.has(f.table) || f.reload != "" && f.reload != "*" && !w.has(f.reload) {
			return // a name that matches nothing
		}
		if len(w.versions) > 1 && strings.Contains(r.text, "refers to no row") {
			return // tables that were read at different times; it is documented, and --reload helps
		}
		if f.table != "" && strings.Contains(r.text, "refer to it") {
			return // a table that --table leaves out has rows that refer to those to be emptied
		}
		if !w.dirty && !w.structural && !w.disturbed && len(w.tampered) == 0 {
			w.fatalf("nothing is in the way, and apply ends with %s", r)
		}
	}
}

// checkApply holds the end of an apply to what it promises.
func (w *fixture) checkApply(p *process, f flags) {
	w.checkExit(p.out, f)
	if p.out.exit != report.OK {
		return
	}
	for _, name := range []string{f.table, f.reload} {
		if name != "" && name != "*" && w.never(name, p.from) {
			w.fatalf("exit 0, and the source has no table %s, which was asked for", name)
		}
	}
	if f.until != "" && f.table == "" && (f.saved == nil || f.saved.all) {
		w.checkStopped(p, f)
	}
	if !f.whole() {
		return
	}
	if r := p.out.report; r != nil && len(r.Left) > 0 {
		w.fatalf("exit 0, and the report says that this is left: %v", r.Left)
	}
	w.checkAll(p, f)
	from := p.from
	if f.saved != nil {
		from = f.saved.from // it knows the source as it was then
	}
	if len(w.versions)-1 == from && len(w.stopped) == 0 {
		w.checkQuiet()
	}
}

// checkAll holds all tables and sequences to what a migration that is done promises.
func (w *fixture) checkAll(p *process, f flags) {
	now := w.target.Data()
	for _, table := range w.tables() {
		if taken, _ := w.migrated(table); taken && w.always(table, p.from) {
			w.checkTable(now, table, p, f)
		}
	}
	w.checkSequences(now)
}

// checkStopped wants a run that stopped after a phase to say so, and all to be done where it
// says that nothing is left.
func (w *fixture) checkStopped(p *process, f flags) {
	r := p.out.report
	if r == nil {
		return // "No changes"
	}
	if r.Until != f.until {
		w.fatalf("the report says that --until %q was asked for", r.Until)
	}
	if len(r.Left) == 0 {
		w.checkAll(p, f)
	}
}

// always says whether the source has had the table since that version.
func (w *fixture) always(table string, from int) bool {
	return !slices.ContainsFunc(w.versions[from:], func(d *memdb.Data) bool { return d.Tables[sourceName(table)] == nil })
}

// never says whether the source has not had the table since that version.
func (w *fixture) never(table string, from int) bool {
	return !slices.ContainsFunc(w.versions[from:], func(d *memdb.Data) bool { return d.Tables[sourceName(table)] != nil })
}

// checkQuiet wants a further plan to say "No changes".
func (w *fixture) checkQuiet() {
	p := w.start(0, func(p *process) result {
		_, r := p.plan(flags{})
		return r
	})
	p.drive(nil)
	if !p.out.nothing {
		w.fatalf("after an apply that ended well, a plan says %s", p.out)
	}
}

func (w *fixture) checkTable(now *memdb.Data, table string, p *process, f flags) {
	name := w.spec.of(table)
	is := now.Tables[name]
	if is == nil {
		w.fatalf("exit 0, and the target has no table %s", name)
	}
	var differ string
	for _, v := range w.versions[p.from:] {
		if differ = w.structureDiffers(v.Tables[sourceName(table)], is); differ == "" {
			break
		}
	}
	if differ != "" {
		w.fatalf("exit 0, and on the target %s has %s", name, differ)
	}
	if _, rows := w.migrated(table); !rows {
		if _, touched := w.tampered[name]; len(is.Rows) > 0 && !touched {
			w.fatalf("exit 0, and %s, of which the structure only is wanted, holds %d rows", name, len(is.Rows))
		}
		return
	}
	w.checkRows(is, table, p, f)
}

// structureDiffers names what the target's table lacks, or has in another form.
func (w *fixture) structureDiffers(want, is *memdb.Table) string {
	for i, c := range want.Columns {
		if i >= len(is.Columns) {
			return "no column " + c.Name
		}
		if h := is.Columns[i]; h.Name != c.Name || h.Type != c.Type || h.Nullable != c.Nullable || h.Default != c.Default || h.Identity != c.Identity {
			return fmt.Sprintf("the column %+v, not %+v", h, c)
		}
	}
	if len(is.Columns) > len(want.Columns) {
		return "more columns"
	}
	keys := func(t *memdb.Table) (out []string) {
		if t.Key != nil {
			out = append(out, fmt.Sprintf("primary %v %v", t.Key.Primary, t.Key.Columns))
		}
		for _, k := range t.Uniques {
			out = append(out, fmt.Sprintf("%s %v", k.Name, k.Columns))
		}
		return out
	}
	if a, b := keys(want), keys(is); fmt.Sprint(a) != fmt.Sprint(b) {
		return fmt.Sprintf("the keys %v, not %v", b, a)
	}
	for _, x := range want.Indexes {
		if !slices.ContainsFunc(is.Indexes, func(h catalog.Index) bool {
			return h.Name == x.Name && h.Unique == x.Unique && slices.Equal(h.Columns, x.Columns)
		}) {
			return "no index " + x.Name
		}
	}
	for _, x := range is.Indexes {
		known := slices.ContainsFunc(want.Indexes, func(h catalog.Index) bool { return h.Name == x.Name })
		if !known && w.theirs[is.Name] == nil && !slices.Contains(w.indexes[is.Name], x.Name) {
			return "an index " + x.Name + " that nobody made"
		}
	}
	_, rows := w.migrated(want.Name.Name)
	for _, k := range want.ForeignKeys {
		taken, filled := w.migrated(k.Table.Name)
		wanted := taken && (filled || !rows)
		there := slices.ContainsFunc(is.ForeignKeys, func(h catalog.ForeignKey) bool {
			return h.Name == k.Name && h.Table == w.spec.of(k.Table.Name) && slices.Equal(h.Columns, k.Columns)
		})
		switch {
		case wanted && !there:
			return "no foreign key " + k.Name
		case !wanted && there && w.theirs[is.Name] == nil: // else it stays with the table, whose it is
			return "a foreign key " + k.Name + " to a table whose rows are not migrated"
		}
	}
	if len(is.Pending) > 0 {
		return "a foreign key that is dropped and not made again"
	}
	return ""
}

// checkRows compares rows with the source as it was when they were read.
func (w *fixture) checkRows(is *memdb.Table, table string, p *process, f flags) {
	c := contents(w)
	var wanted []*memdb.Table
	seen := make(map[string]bool)
	packages := 0
	for _, l := range c.Loaded {
		if l.Source != sourceName(table) {
			continue
		}
		packages++
		if f.reload != "" && pattern(f.reload).Match(sourceSchema, l.Source) && l.Run != p.owner.ID {
			w.fatalf("exit 0 of a reload, and %s was loaded by %s", l.ID, l.Run)
		}
		view, _, _ := strings.Cut(l.Snapshot, "/") // of the epoch
		switch {
		case seen[l.Snapshot+l.Run]:
		case w.source.Seen(view) != nil:
			wanted = append(wanted, w.source.Seen(view).Tables[l.Source])
		default: // a quiet source: its word holds from the epoch's first run to the one that loaded
			run := w.runs[l.Run]
			for _, v := range w.versions[min(w.epochs[l.Snapshot], run[0]) : run[1]+1] {
				wanted = append(wanted, v.Tables[l.Source])
			}
		}
		seen[l.Snapshot+l.Run] = true
	}
	if packages == 0 {
		w.fatalf("exit 0, and no package of %s is in", table)
	}
	if w.excused(is, table, c) {
		return
	}
	differ := ""
	for _, v := range wanted {
		if v == nil {
			continue
		}
		if differ = rowsDiffer(v.Rows, is.Rows); differ == "" {
			if q := is.Columns[colID].Sequence; q != nil && len(v.Rows) > 0 && next(is) <= largest(v.Rows) {
				w.fatalf("exit 0, and the next number of %s is %d, which is there", is.Name, next(is))
			}
			return
		}
	}
	w.fatalf("exit 0, and the rows of %s, read under %v, differ: %s", is.Name, slices.Collect(maps.Keys(seen)), differ)
}

func largest(rows []memdb.Row) int64 {
	return next(&memdb.Table{Table: catalog.Table{Columns: make([]catalog.Column, 1)}, Rows: rows}) - 1
}

// excused says whether nobody has promised that a table's rows are those of the source:
// somebody changed them after they were verified, or they are not to be verified.
func (w *fixture) excused(is *memdb.Table, table string, c *ledger.Contents) bool {
	if w.spec.Exceptions[table] != "" {
		return true
	}
	was, touched := w.tampered[is.Name]
	if !touched {
		return false
	}
	level := w.spec.Level
	now := w.loaded(sourceName(table))
	if slices.ContainsFunc(was.loaded, func(l string) bool { return !slices.Contains(now, l) }) { // copied again
		delete(w.tampered, is.Name)
		return false
	}
	switch {
	case level == none:
		return true
	case was.state == ledger.Compared:
		return true
	case level == levelCount && (was.state == ledger.Counted || !was.counts):
		return true
	}
	return false
}

func rowsDiffer(want, is []memdb.Row) string {
	count := make(map[string]int)
	for _, r := range want {
		count[fmt.Sprint(r)]++
	}
	for _, r := range is {
		count[fmt.Sprint(r)]--
	}
	for r, n := range count {
		if n != 0 {
			return fmt.Sprintf("%d rows, not %d; e.g. %s (%+d)", len(is), len(want), r, -n)
		}
	}
	return ""
}

// checkSequences wants sequences that no column owns where they were when the migration began, or above.
func (w *fixture) checkSequences(now *memdb.Data) {
	for _, q := range w.floor.Sequences {
		i := slices.IndexFunc(now.Sequences, func(h catalog.Sequence) bool { return h.Name.Name == q.Name.Name })
		if i < 0 {
			w.fatalf("exit 0, and the target has no sequence %s", q.Name.Name)
		}
		if h := now.Sequences[i]; h.Last < q.Last || h.Last == q.Last && q.Called && !h.Called {
			w.fatalf("exit 0, and the sequence %s stands at %d, the source's at %d", q.Name.Name, h.Last, q.Last)
		}
	}
}

// checkOthers holds what somebody else made to what it was.
func (w *fixture) checkOthers(when string) {
	now := w.target.Data()
	for n, was := range w.theirs {
		is := now.Tables[n]
		mapped := slices.ContainsFunc([]string{"a", "b", "c", "d"}, func(table string) bool { return w.spec.of(table) == n })
		switch {
		case mapped && w.spec.Existing == "recreate" && is != was:
			delete(w.theirs, n) // with consent
		case (mapped && w.spec.Existing == "load" || w.lent[n]) && is != nil && len(was.Rows) == 0:
			w.lent[n] = w.lent[n] || is != was // with consent: it was loaded into, and is the migration's from then on
		case is == nil:
			w.fatalf("%s: the table %s of somebody else's is gone", when, n)
		case rowsDiffer(was.Rows, is.Rows) != "":
			w.fatalf("%s: the rows of somebody else's table %s are others", when, n)
		case len(is.ForeignKeys) < len(was.ForeignKeys) || len(is.Indexes) != len(was.Indexes):
			w.fatalf("%s: the table %s of somebody else's lost a foreign key or index", when, n)
		}
	}
	for _, v := range w.views {
		if !slices.Contains(now.Views, v) {
			w.fatalf("%s: the view %s of somebody else's is gone", when, v.Name)
		}
	}
}

// checkRollback holds a rollback to its word: nothing of the migration is left.
func (w *fixture) checkRollback(r result) {
	w.checkExit(r, flags{})
	if r.exit != report.OK {
		return
	}
	if c := contents(w); len(c.Tables)+len(c.Loaded)+len(c.Packages) > 0 {
		w.fatalf("after a rollback, the ledger names %d tables", len(c.Tables))
	}
	w.floor = w.source.Data()
	w.tampered = make(map[catalog.Name]tamper)
}
