package planner

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// world is a source, a target and a spec that a test changes as it likes. Its target
// takes every table as it is.
type world struct {
	spec    *desired.Spec
	source  *catalog.Catalog
	target  *catalog.Catalog
	ledger  *ledger.Contents
	limits  providers.Limits
	opts    Options
	splits  map[catalog.Name]int
	filled  []Filled
	hanging []TableDependents
	reads   time.Time
}

// past is the history of these runs.
func past(runs ...*report.Report) *History {
	h := &History{}
	for _, r := range runs {
		h.Add(r)
	}
	return h
}

func newWorld(tables ...*catalog.Table) *world {
	w := &world{
		spec: &desired.Spec{
			Migration: "erp", Digest: "spec-1", Policies: catalog.DefaultPolicies(),
			Source:   desired.Endpoint{Role: "source", Type: "postgres", Name: "erp", Config: schema.Values{"consistency": "snapshot"}},
			Target:   desired.Endpoint{Role: "target", Type: "postgres", Name: "s4", Config: schema.Values{"existing": "require-empty"}},
			Transfer: desired.Transfer{Mode: "pipe"},
			Verify:   desired.Verify{Default: "content"},
		},
		source: &catalog.Catalog{Engine: "postgres", Version: "PostgreSQL 15", Identity: "source-1", Schema: "ERP"},
		target: &catalog.Catalog{Engine: "postgres", Version: "PostgreSQL 15", Identity: "target-1", Schema: "S4"},
		limits: providers.Limits{Schemas: true, Identifier: 63},
		opts:   Options{Machine: Machine{Memory: 8 << 30, CPUs: 2}, Version: "0.1.0"},
		splits: make(map[catalog.Name]int),
		reads:  time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
	}
	for _, t := range tables {
		w.add(t)
	}
	return w
}

func (w *world) add(t *catalog.Table) {
	w.source.Tables = append(w.source.Tables, t)
	slices.SortFunc(w.source.Tables, func(a, b *catalog.Table) int { return a.Compare(b.Name) })
}

// table is a table of the world's schema with a key, an index and some rows.
func table(name string, bytes int64) *catalog.Table {
	return &catalog.Table{
		Name: catalog.Name{Schema: "ERP", Name: name}, Rows: bytes / 100, Bytes: bytes,
		Columns: []catalog.Column{
			{Name: "ID", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint"},
			{Name: "NAME", Type: catalog.Type{Kind: catalog.String, Length: 40}, Declared: "character varying(40)", Nullable: true},
		},
		Key:     &catalog.Key{Name: name + "_pkey", Columns: []string{"ID"}, Primary: true},
		Indexes: []catalog.Index{{Name: name + "_name", Columns: []catalog.IndexColumn{{Name: "NAME"}}}},
	}
}

func erp(name string) catalog.Name { return catalog.Name{Schema: "ERP", Name: name} }

func pattern(t *testing.T, text string) desired.Pattern {
	t.Helper()
	p, err := desired.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) find(name string) *catalog.Table { return w.source.Find(erp(name)) }

// observe is what Observe would find. Splits are by key, as many as the test asked for.
func (w *world) observe() *Observation {
	o := &Observation{Source: w.source, Target: w.target, Limits: w.limits, Ledger: w.ledger, Filled: w.filled, Dependents: w.hanging}
	a, _ := assign(w.spec, o)
	for _, t := range a.tables {
		to := *t.source
		to.Name, to.Columns = t.target, slices.Clone(t.source.Columns)
		to.ForeignKeys = slices.Clone(t.source.ForeignKeys)
		for i := range to.ForeignKeys {
			to.ForeignKeys[i].Table = a.names[to.ForeignKeys[i].Table]
		}
		o.Mappings = append(o.Mappings, Mapping{Source: t.source.Name, Target: &to})
	}
	decisions, _ := decide(w.spec, o, a, w.opts)
	for _, s := range wantedSplits(w.spec, o, decisions, w.opts) {
		o.Splits = append(o.Splits, w.cut(s.table))
	}
	return o
}

func (w *world) cut(t *catalog.Table) Split {
	parts := max(1, w.splits[t.Name])
	s := Split{Table: t.Name, Reason: "by key (ID)"}
	for i := range parts {
		r := catalog.Range{By: "key", Columns: []string{"ID"}, Rows: t.Rows / int64(parts), Bytes: t.Bytes / int64(parts)}
		if i > 0 {
			r.Lower = []string{string(rune('a' + i))}
		}
		if i < parts-1 {
			r.Upper = []string{string(rune('a' + i + 1))}
		}
		s.Ranges = append(s.Ranges, r)
	}
	return s
}

// plan plans and fails the test where the plan is refused.
func (w *world) plan(t *testing.T) *plan.Plan {
	t.Helper()
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if ds.HasErrors() {
		t.Fatalf("refused: %s", text(ds))
	}
	return p
}

// refused plans and returns what the refusal says.
func (w *world) refused(t *testing.T) string {
	t.Helper()
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if p != nil || !ds.HasErrors() {
		t.Fatalf("planned, with %q", text(ds))
	}
	return text(ds)
}

func text(ds diag.Diagnostics) string {
	var b bytes.Buffer
	if err := diag.WriteText(&b, ds, diag.TextOptions{Width: 1000}); err != nil {
		return err.Error()
	}
	return b.String()
}

// apply does to target and ledger what an executor does that is killed before it
// loads the packages that stop names; without one it ends and closes the migration.
func (w *world) apply(p *plan.Plan, stop ...string) {
	if !p.Changes() {
		return
	}
	l := w.begin(p)
	closed := false
	for _, s := range p.Steps {
		closed = closed || s.Kind == plan.StepClose
		switch s.Kind {
		case plan.StepForget:
			w.remove(s.Tables)
		case plan.StepEmpty:
			l.Loaded = slices.DeleteFunc(l.Loaded, func(x ledger.Loaded) bool { return slices.Contains(s.Tables, x.Source) })
			for _, n := range s.Tables {
				row(l, n).State = ledger.Empty
			}
		case plan.StepDrop:
			for _, n := range s.Tables {
				r, t := row(l, n), p.Table(n)
				if t.Predecessor != nil && r.Created {
					w.drop(*t.Predecessor)
				}
				if t.Drop {
					w.drop(t.Target.Name)
				}
				r.State, r.Created, r.Target = ledger.Planned, false, t.Target.Name
			}
		case plan.StepCreate:
			for _, n := range s.Tables {
				bare := *p.Table(n).Target
				if bare.Indexes = nil; !w.limits.InlineKeys {
					bare.Key, bare.ForeignKeys = nil, nil
				}
				w.target.Tables = append(w.target.Tables, &bare)
				row(l, n).State, row(l, n).Created = ledger.Made, true
			}
		case plan.StepCopy:
			w.load(p, s, stop)
		case plan.StepKey, plan.StepIndex:
			for _, n := range s.Tables {
				full := p.Table(n).Target
				if at := w.target.Find(full.Name); at != nil && (row(l, n).State.Complete() || len(p.Table(n).Packages) == 0) {
					at.Key, at.Indexes = full.Key, full.Indexes
				}
			}
		case plan.StepForeignKey:
			for _, n := range s.Tables {
				if at := w.target.Find(p.Table(n).Target.Name); at != nil {
					for _, f := range p.Table(n).Target.ForeignKeys {
						if !slices.ContainsFunc(at.ForeignKeys, func(x catalog.ForeignKey) bool { return x.Name == f.Name }) {
							at.ForeignKeys = append(at.ForeignKeys, f)
						}
					}
				}
			}
		case plan.StepVerify:
			for _, n := range s.Tables {
				if r := row(l, n); r.State.Complete() {
					r.State = map[plan.Level]ledger.State{plan.LevelCount: ledger.Counted, plan.LevelContent: ledger.Compared}[p.Table(n).Verify]
				}
			}
		}
	}
	l.Run.Closed = closed && len(stop) == 0
	slices.SortFunc(w.target.Tables, func(a, b *catalog.Table) int { return a.Compare(b.Name) })
}

// begin records the plan in the ledger.
func (w *world) begin(p *plan.Plan) *ledger.Contents {
	if w.ledger == nil {
		w.ledger = &ledger.Contents{Run: &ledger.Run{Migration: "erp", Lineage: "lineage-1"}}
	}
	l := w.ledger
	if p.Continues == "" {
		l.Run.Serial++
		l.Run.Plan = p.ID
	}
	l.Run.Spec, l.Run.Closed = p.SpecDigest, false
	for _, t := range p.Tables {
		if t.Action == plan.Forget {
			continue
		}
		if row(l, t.Source.Name) == nil {
			l.Tables = append(l.Tables, ledger.Table{Migration: "erp", Source: t.Source.Name, Target: t.Target.Name,
				Structure: t.SourceStructure, State: ledger.Planned, Serial: l.Run.Serial})
		}
		if r := row(l, t.Source.Name); t.Edition > r.Edition {
			r.Edition, r.State = t.Edition, ledger.Emptying
		}
		if t.Action == plan.Keep {
			continue
		}
		row(l, t.Source.Name).Structure, row(l, t.Source.Name).Serial = t.SourceStructure, l.Run.Serial
		l.Packages = slices.DeleteFunc(l.Packages, func(x ledger.Package) bool { return x.Source == t.Source.Name })
		for _, k := range t.Packages {
			l.Packages = append(l.Packages, ledger.Package{Migration: "erp", ID: k.ID, Source: t.Source.Name, Range: k.Range, Generation: k.Generation})
		}
	}
	return l
}

func (w *world) load(p *plan.Plan, s *plan.Step, stop []string) {
	l := w.ledger
	snapshot := "snapshot-" + p.ID
	if p.Quiet {
		snapshot = ledger.Epoch("", true, "1")
	}
	for _, n := range s.Tables {
		t := p.Table(n)
		for _, k := range t.Packages {
			if slices.Contains(s.Packages, k.ID) && !k.In && !slices.Contains(stop, k.ID) {
				l.Loaded = append(l.Loaded, ledger.Loaded{Migration: "erp", ID: k.ID, Source: n, Generation: k.Generation,
					Rows: k.Rows, Bytes: k.Bytes, ReadAt: w.reads, Snapshot: snapshot, Seconds: 1})
			}
		}
		in := 0
		for _, x := range l.Loaded {
			if x.Source == n {
				in++
			}
		}
		if in == len(t.Packages) {
			row(l, n).State = ledger.Complete
		}
	}
}

func (w *world) drop(n catalog.Name) {
	w.target.Tables = slices.DeleteFunc(w.target.Tables, func(t *catalog.Table) bool { return t.Name == n })
}

func (w *world) remove(names []catalog.Name) {
	l := w.ledger
	l.Tables = slices.DeleteFunc(l.Tables, func(x ledger.Table) bool { return slices.Contains(names, x.Source) })
	l.Packages = slices.DeleteFunc(l.Packages, func(x ledger.Package) bool { return slices.Contains(names, x.Source) })
	l.Loaded = slices.DeleteFunc(l.Loaded, func(x ledger.Loaded) bool { return slices.Contains(names, x.Source) })
}

func row(l *ledger.Contents, n catalog.Name) *ledger.Table {
	for i := range l.Tables {
		if l.Tables[i].Source == n {
			return &l.Tables[i]
		}
	}
	return nil
}

// kinds prints the steps that concern a table, in order.
func kinds(p *plan.Plan, name string) string {
	var out []string
	for _, s := range p.Steps {
		if slices.Contains(s.Tables, erp(name)) {
			out = append(out, string(s.Kind))
		}
	}
	return strings.Join(out, " ")
}
