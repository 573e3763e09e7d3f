package left

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

var (
	at     = catalog.Name{Schema: "src", Name: "t"}
	target = catalog.Name{Schema: "dst", Name: "t"}
)

// planned are packages that split a table's key at these boundaries, all of generation "g".
func planned(boundaries ...string) []*ledger.Package {
	var out []*ledger.Package
	ends := append(append([]string{""}, boundaries...), "")
	for i := range len(ends) - 1 {
		r := catalog.Range{By: "key", Columns: []string{"id"}}
		if ends[i] != "" {
			r.Lower = []string{ends[i]}
		}
		if ends[i+1] != "" {
			r.Upper = []string{ends[i+1]}
		}
		if len(boundaries) == 0 {
			r = catalog.Range{}
		}
		out = append(out, &ledger.Package{ID: fmt.Sprintf("src.t/%04d", i+1), Source: at, Range: r, Generation: "g"})
	}
	return out
}

// loaded are packages with these numbers and generations, "1g" for src.t/0001 of "g".
func loaded(packages ...string) []*ledger.Loaded {
	var out []*ledger.Loaded
	for _, p := range packages {
		out = append(out, &ledger.Loaded{ID: "src.t/000" + p[:1], Source: at, Generation: p[1:]})
	}
	return out
}

// entry is a table of dmoctl's own in a state.
func entry(state ledger.State) *ledger.Table {
	return &ledger.Table{Source: at, Target: target, State: state, Created: true}
}

func ids[T any](all []T, id func(T) string) string {
	out := ""
	for _, x := range all {
		out += id(x)[len("src.t/000"):]
	}
	return out
}

func TestMissingAndStalePackages(t *testing.T) {
	// Done: left: a package counts by id and generation: what is missing and what is loaded and does not count
	for _, c := range []struct {
		planned        []*ledger.Package
		loaded         []*ledger.Loaded
		missing, stale string
	}{
		{nil, nil, "", ""},
		{planned(), nil, "1", ""},
		{planned(), loaded("1g"), "", ""},
		{planned(), loaded("1old"), "1", "1"},
		{planned("5", "9"), loaded("2g"), "13", ""},
		{planned("5", "9"), loaded("1g", "2old", "3g"), "2", "2"},
		{planned("5"), loaded("1g", "2g", "3g"), "", "3"},
		{nil, loaded("1g"), "", "1"},
	} {
		x := Table{Planned: c.planned, Loaded: c.loaded}
		if got := ids(x.Missing(), func(p *ledger.Package) string { return p.ID }); got != c.missing {
			t.Errorf("%d planned, loaded %v: %q is missing, want %q", len(c.planned), c.loaded, got, c.missing)
		}
		if got := ids(x.Stale(), func(l *ledger.Loaded) string { return l.ID }); got != c.stale {
			t.Errorf("%d planned, loaded %v: %q does not count, want %q", len(c.planned), c.loaded, got, c.stale)
		}
	}
}

func TestNothing(t *testing.T) {
	theirs := entry(ledger.Planned)
	theirs.Created = false
	for _, c := range []struct {
		what string
		x    Table
		want bool
	}{
		{"the ledger does not list it", Table{}, true},
		{"recorded only", Table{Entry: theirs, Planned: planned()}, true},
		{"made by dmoctl", Table{Entry: entry(ledger.Planned)}, false},
		{"rows loaded", Table{Entry: theirs, Loaded: loaded("1g")}, false},
		{"existing table used", Table{Entry: &ledger.Table{State: ledger.Made}}, false},
		{"to be emptied", Table{Entry: &ledger.Table{State: ledger.Emptying}}, false},
	} {
		if got := c.x.Nothing(); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

func TestEmptying(t *testing.T) {
	for _, c := range []struct {
		what string
		x    Table
		rows bool
		want string
	}{
		{"no entry", Table{Loaded: loaded("1g")}, true, ""},
		{"all counts", Table{Entry: entry(ledger.Complete), Planned: planned(), Loaded: loaded("1g")}, true, ""},
		{"nothing loaded", Table{Entry: entry(ledger.Made), Planned: planned()}, true, ""},
		{"emptying requested", Table{Entry: entry(ledger.Emptying), Planned: planned(), Loaded: loaded("1g")}, true, "emptying was requested and has not finished"},
		{"emptying requested, nothing loaded", Table{Entry: entry(ledger.Emptying)}, false, "emptying was requested and has not finished"},
		{"structure only, rows loaded before", Table{Entry: entry(ledger.Complete), Planned: planned(), Loaded: loaded("1g")}, false, "its rows are no longer part of the migration"},
		{"structure only, nothing loaded", Table{Entry: entry(ledger.Made)}, false, ""},
		{"an older generation", Table{Entry: entry(ledger.Complete), Planned: planned("5"), Loaded: loaded("1g", "2old")}, true, "1 of the loaded packages are not those that are planned"},
		{"complete by its mark alone", Table{Entry: entry(ledger.Compared), Planned: planned("5"), Loaded: loaded("2g")}, true, "the ledger marks it as complete, but not all of its packages are loaded"},
		{"complete, and no package is known", Table{Entry: entry(ledger.Complete)}, true, "the ledger marks it as complete, but not all of its packages are loaded"},
		{"not complete, and one is missing", Table{Entry: entry(ledger.Made), Planned: planned("5"), Loaded: loaded("2g")}, true, ""},
		{"more than is planned", Table{Entry: entry(ledger.Complete), Planned: planned(), Loaded: loaded("1g", "2g", "3g")}, true, "2 of the loaded packages are not those that are planned"},
	} {
		if got := c.x.Emptying(c.rows); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestGap(t *testing.T) {
	// Done: left: the planned ranges are contiguous and cover the table, or rows are missing
	without := func(all []*ledger.Package, n int) []*ledger.Package {
		return append(append([]*ledger.Package(nil), all[:n]...), all[n+1:]...)
	}
	moved := planned("5", "9")
	moved[1].Range.Lower = []string{"6"}
	renumbered := without(planned("5", "9"), 1)
	renumbered[1].ID = "src.t/0002"
	ended := planned("5")
	ended[1].Range.Upper = []string{"9"}
	for _, c := range []struct {
		what    string
		planned []*ledger.Package
		want    string
	}{
		{"one package", planned(), ""},
		{"three ranges", planned("5", "9"), ""},
		{"none", nil, "none of its packages is planned"},
		{"the first is gone", without(planned("5", "9"), 0), "package 0001 is not planned"},
		{"one in the middle is gone", without(planned("5", "9"), 1), "package 0002 is not planned"},
		{"the last is gone", without(planned("5", "9"), 2), "range 2 of 2 is open where it must be closed, or closed where it must be open"},
		{"gone, and the others renumbered", renumbered, "range 2 does not begin where the previous one ends"},
		{"a hole between two", moved, "range 2 does not begin where the previous one ends"},
		{"the end is cut off", ended, "range 2 of 2 is open where it must be closed, or closed where it must be open"},
	} {
		if got := (Table{Planned: c.planned}).Gap(); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestOf(t *testing.T) {
	// Done: left: one function says of every table what is missing, from the whole ledger
	elsewhere := entry(ledger.Compared)
	elsewhere.Target = catalog.Name{Schema: "dst", Name: "former"}
	recorded := entry(ledger.Planned)
	recorded.Created = false
	full := func(state ledger.State) Table {
		return Table{Entry: entry(state), Planned: planned("5"), Loaded: loaded("1g", "2g")}
	}
	partly := full(ledger.Made)
	partly.Loaded = loaded("2g")
	torn := full(ledger.Compared)
	torn.Loaded = loaded("1g")
	holed := full(ledger.Compared)
	holed.Planned = holed.Planned[:1]
	content, count, none := Want{Rows: true, Level: plan.LevelContent}, Want{Rows: true, Level: plan.LevelCount}, Want{Rows: true, Level: plan.LevelNone}
	excepted := Want{Rows: true, Level: plan.LevelContent, Excepted: true}
	for _, c := range []struct {
		what string
		want Want
		x    Table
		left []string
	}{
		{"not in the ledger", content, Table{Planned: planned(), Loaded: loaded("1g")}, []string{"structure: the ledger does not list it"}},
		{"done", content, full(ledger.Compared), nil},
		{"done, counts are asked for", count, full(ledger.Compared), nil},
		{"done, nothing is to be verified", none, full(ledger.Complete), nil},
		{"the level was raised from none", content, full(ledger.Complete), []string{"verification: by content"}},
		{"the level was raised from count", content, full(ledger.Counted), []string{"verification: by content"}},
		{"the exception is gone", count, full(ledger.Excused), []string{"verification: by count"}},
		{"excepted", excepted, full(ledger.Excused), nil},
		{"a package is missing", content, partly, []string{"rows: 1 of 2 packages", "verification: by content"}},
		{"a package is gone", content, torn, []string{"emptying: the ledger marks it as complete, but not all of its packages are loaded", "rows: 1 of 2 packages"}},
		{"final source check missing", content, full(ledger.Made), []string{"source: its structure on the source was not rechecked after its last package", "verification: by content"}},
		{"an older generation", content, Table{Entry: entry(ledger.Compared), Planned: planned(), Loaded: loaded("1old")},
			[]string{"emptying: 1 of the loaded packages are not those that are planned", "rows: 1 of 1 packages"}},
		{"a reload that was asked for", content, Table{Entry: entry(ledger.Emptying), Planned: planned("5"), Loaded: loaded("1old", "2old")},
			[]string{"emptying: emptying was requested and has not finished", "rows: 2 of 2 packages", "verification: by content"}},
		{"package no longer planned", content, holed,
			[]string{"emptying: 1 of the loaded packages are not those that are planned", "rows: range 1 of 1 is open where it must be closed, or closed where it must be open"}},
		{"another name on the target", content, Table{Entry: elsewhere, Planned: planned(), Loaded: loaded("1g")},
			[]string{"structure: it is dst.former on the target, and should be dst.t"}},
		{"nothing is made yet", Want{Rows: true, Create: true, Level: plan.LevelNone}, Table{Entry: recorded, Planned: planned()}, []string{"rows: 1 of 1 packages"}},
		{"structure only, done", Want{}, Table{Entry: entry(ledger.Made)}, nil},
		{"structure only, never verified", Want{Level: plan.LevelContent}, Table{Entry: entry(ledger.Made)}, nil},
		{"structure only, rows loaded", Want{}, full(ledger.Compared), []string{"emptying: its rows are no longer part of the migration"}},
		{"structure only, not made", Want{Create: true}, Table{Entry: recorded}, []string{"structure: it has not been created"}},
		{"structure only, the DBA's", Want{}, Table{Entry: recorded}, nil},
	} {
		c.want.Source, c.want.Target = at, target
		var got []string
		for _, i := range Of(c.want, c.x) {
			if i.Table != at {
				t.Errorf("%s: an item of %s", c.what, i.Table)
			}
			got = append(got, string(i.Kind)+": "+i.What)
		}
		if diff := cmp.Diff(c.left, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestStatesAndLevels(t *testing.T) {
	// Done: left: a level is met by a state, whatever the table's mark was when another level held
	type answers struct{ complete, none, count, content, countExcepted, contentExcepted bool }
	for state, want := range map[ledger.State]answers{
		"":              {none: true},
		ledger.Planned:  {none: true},
		ledger.Made:     {none: true},
		ledger.Emptying: {none: true},
		ledger.Empty:    {none: true},
		ledger.Complete: {complete: true, none: true},
		ledger.Excused:  {complete: true, none: true, countExcepted: true, contentExcepted: true},
		ledger.Counted:  {complete: true, none: true, count: true, countExcepted: true},
		ledger.Compared: {complete: true, none: true, count: true, content: true, countExcepted: true, contentExcepted: true},
	} {
		got := answers{state.Complete(), Verified(plan.LevelNone, false, state), Verified(plan.LevelCount, false, state), Verified(plan.LevelContent, false, state),
			Verified(plan.LevelCount, true, state), Verified(plan.LevelContent, true, state)}
		if got != want {
			t.Errorf("%q: %+v, want %+v", state, got, want)
		}
	}
}

func TestResumes(t *testing.T) {
	p := plan.Plan{ID: "two", Continues: "one", Serial: 3, Lineage: "l"}
	run := func(plan string, serial int64, lineage string) *ledger.Run {
		return &ledger.Run{Plan: plan, Serial: serial, Lineage: lineage}
	}
	for _, c := range []struct {
		what string
		run  *ledger.Run
		want bool
	}{
		{"no run", nil, false},
		{"its own run, at whatever serial", run("two", 9, "other"), true},
		{"the run that it continues", run("one", 3, "l"), true},
		{"that run, and another plan was begun since", run("one", 4, "l"), false},
		{"a run of another lineage", run("one", 3, "m"), false},
		{"another run", run("three", 3, "l"), false},
	} {
		if got := Resumes(&p, c.run); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	p.Continues = ""
	if Resumes(&p, run("", 3, "l")) {
		t.Error("a plan that continues none continues with a run without a plan")
	}
}

func TestSummary(t *testing.T) {
	other := catalog.Name{Schema: "src", Name: "u"}
	items := []Item{
		{Table: at, Kind: Verification}, {Table: other, Kind: Rows}, {Table: at, Kind: Rows}, {Table: at, Kind: Rows},
		{Table: at, Kind: Emptying}, {Table: other, Kind: Sequence}, {Kind: Structure},
	}
	want := []Count{{Emptying, 1}, {Structure, 0}, {Rows, 2}, {Sequence, 1}, {Verification, 1}}
	if diff := cmp.Diff(want, Summary(items)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Summary(nil); len(got) > 0 {
		t.Errorf("nothing is left, and %v", got)
	}
	every := []Kind{Emptying, Structure, Rows, Source, Key, Index, ForeignKey, Sequence, Verification}
	for i, k := range every {
		all := []Item{{Table: at, Kind: k}}
		if i > 0 {
			all = append(all, Item{Table: at, Kind: every[i-1]})
		}
		if got := Summary(all); len(got) != len(all) || got[len(got)-1].Kind != k {
			t.Errorf("%s after the one before it: %v", k, got)
		}
	}
	for want, i := range map[string]Item{"src.t: rows: 1 of 2 packages": {Table: at, Kind: Rows, What: "1 of 2 packages"}, "structure: a type": {Kind: Structure, What: "a type"}} {
		if got := i.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTables(t *testing.T) {
	other := catalog.Name{Schema: "src", Name: "u"}
	c := &ledger.Contents{
		Tables:   []ledger.Table{{Source: at, State: ledger.Made}},
		Packages: []ledger.Package{{ID: "src.t/0002", Source: at}, {ID: "src.t/0001", Source: at}},
		Loaded:   []ledger.Loaded{{ID: "src.u/0002", Source: other}, {ID: "src.u/0001", Source: other}},
	}
	if got := Tables(nil); len(got) > 0 {
		t.Errorf("no ledger, and %v", got)
	}
	if got := Tables(c); len(got) > 0 {
		t.Errorf("no run, and %v", got)
	}
	c.Run = &ledger.Run{}
	got := Tables(c)
	if len(got) != 2 || got[at].Entry == nil || got[at].Entry.State != ledger.Made || got[other].Entry != nil {
		t.Fatalf("%+v", got)
	}
	if p := got[at].Planned; len(p) != 2 || p[0].ID != "src.t/0001" {
		t.Errorf("planned: %v", p)
	}
	if l := got[other].Loaded; len(l) != 2 || l[0].ID != "src.u/0001" || len(got[at].Loaded) > 0 {
		t.Errorf("loaded: %v", l)
	}
}
