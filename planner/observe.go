package planner

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// splitters is how many tables are sampled at once.
const splitters = 4

// dependentTables is how many tables to be dropped are asked about at once.
const dependentTables = 2000

// Sides are the two databases of a migration. The caller opens and closes them.
type Sides struct {
	TargetDriver providers.Driver
	// Source is nil in a plan without a connection; Catalog then stands for it.
	Source  providers.Database
	Catalog *catalog.Catalog // as "dmoctl inspect" wrote it; ignored where Source is there
	// Target is nil in a plan without a connection: an empty target is assumed, and the plan says so.
	Target providers.Target
}

// Options are what a plan depends on besides the spec and the databases.
type Options struct {
	Tables  []desired.Pattern // limits the plan to these; empty is all
	Reload  []desired.Pattern // tables to copy again
	Machine Machine
	Version string // of the dmoctl that plans
	// Compare: both sides are only compared. What a run is refused for, such as a name on the
	// target that is taken by now, is no reason not to.
	Compare bool
}

// Observation is what the planner knows about both sides: plain data, also as JSON.
type Observation struct {
	Source        *catalog.Catalog `json:"source"`
	SourceOffline bool             `json:"source_offline,omitempty"`
	Target        *catalog.Catalog `json:"target"`
	TargetOffline bool             `json:"target_offline,omitempty"`
	Limits        providers.Limits `json:"limits"`
	Ledger        *ledger.Contents `json:"ledger,omitempty"`
	Mappings      []Mapping        `json:"mappings"` // by source name
	// Types are the source's as the target will have them; none from another engine.
	Types  []catalog.UserType `json:"types,omitempty"`
	Splits []Split            `json:"splits,omitempty"` // by source name; a table without one is one package
	Filled []Filled           `json:"filled,omitempty"` // tables of existing = "load"
	// Blocking is what apply's preflight would stop at.
	Blocking []Finding `json:"blocking,omitempty"`
	// Noted is what apply's preflight would not stop at, and a reviewer should know.
	Noted []Finding `json:"noted,omitempty"`
	// Dependents is what would go with tables that are dropped.
	Dependents []TableDependents `json:"dependents,omitempty"`
	// Clashes are names of types and sequences that something else has on the target.
	Clashes []Clash `json:"clashes,omitempty"`
}

// Mapping is what the target's driver makes of a table.
type Mapping struct {
	Source catalog.Name `json:"source"`
	// Structure is the digest of the source's table as it was read, before it took the types in
	// which its rows are asked for; "" where it has not.
	Structure   string            `json:"structure,omitempty"`
	Target      *catalog.Table    `json:"target"`
	Conversions []plan.Conversion `json:"conversions,omitempty"`
	Refusals    []plan.Conversion `json:"refusals,omitempty"`
}

// Split is how the source cut a table.
type Split struct {
	Table  catalog.Name    `json:"table"`
	Ranges []catalog.Range `json:"ranges"`
	Reason string          `json:"reason"`
}

// TableDependents is a table of the target that is to be dropped, and what depends on it.
type TableDependents struct {
	Table      catalog.Name        `json:"table"`
	Dependents []catalog.Dependent `json:"dependents"`
}

// Filled is a table of the target that was there before and how many rows it holds.
type Filled struct {
	Table catalog.Name `json:"table"` // on the target
	Rows  int64        `json:"rows"`
}

// Observe reads both sides. It changes nothing, neither on source nor on target.
// Diagnostics are mistakes of the spec that the catalogs show; with errors among them
// the Observation is nil. The error is that of a provider.
func Observe(ctx context.Context, spec *desired.Spec, sides Sides, opts Options) (*Observation, diag.Diagnostics, error) {
	if ds := checkSchemas(spec); ds.HasErrors() {
		return nil, ds, nil
	}
	obs, pool := &Observation{}, &catalog.Pool{}
	if err := obs.readSource(ctx, spec, sides, pool); err != nil {
		return nil, nil, err
	}
	if err := obs.readTarget(ctx, spec, sides, pool); err != nil {
		return nil, nil, err
	}
	a, ds := assign(spec, obs)
	if ds.HasErrors() {
		return nil, ds, nil
	}
	if ds, err := obs.refuseSame(ctx, spec, sides, a); err != nil || ds.HasErrors() {
		return nil, ds, err
	}
	if err := obs.readOtherSchemas(ctx, sides, a, pool); err != nil {
		return nil, nil, err
	}
	obs.mapTables(spec, sides.TargetDriver, a)
	obs.ask(a, pool)
	d, _ := decide(spec, obs, a, opts)
	if err := obs.countTarget(ctx, spec, sides, d); err != nil {
		return nil, nil, err
	}
	if err := obs.readDependents(ctx, sides, d); err != nil {
		return nil, nil, err
	}
	if err := obs.preflight(ctx, sides, d); err != nil {
		return nil, nil, err
	}
	err := obs.split(ctx, sides.Source, wantedSplits(spec, obs, d, opts))
	if ds := obs.blockingErrors(); providers.KindOf(err) == providers.Permission && ds.HasErrors() {
		return nil, ds, nil // one table's missing privilege, where the preflight names all
	}
	if err != nil {
		return nil, nil, err
	}
	return obs, nil, nil
}

func (o *Observation) readSource(ctx context.Context, spec *desired.Spec, sides Sides, pool *catalog.Pool) error {
	if sides.Source == nil {
		if sides.Catalog == nil {
			return fmt.Errorf("read source catalog: neither a connection nor a file is given")
		}
		o.Source, o.SourceOffline = sides.Catalog, true
		return nil
	}
	c, err := sides.Source.Catalog(ctx, providers.Selector{Pool: pool})
	if err != nil {
		return fmt.Errorf("read source catalog: %w", err)
	}
	more := slices.DeleteFunc(namedSchemas(spec), func(s string) bool { return s == c.Schema })
	o.Source, err = widen(ctx, sides.Source, c, providers.Selector{Schemas: more, Pool: pool})
	if err != nil {
		return fmt.Errorf("read source catalog: %w", err)
	}
	return nil
}

// widen adds the tables of more schemas to a catalog.
func widen(ctx context.Context, db providers.Database, c *catalog.Catalog, sel providers.Selector) (*catalog.Catalog, error) {
	if len(sel.Schemas) == 0 {
		return c, nil
	}
	more, err := db.Catalog(ctx, sel)
	if err != nil {
		return nil, err
	}
	wide := *c
	wide.Tables = slices.Concat(c.Tables, more.Tables)
	slices.SortStableFunc(wide.Tables, func(a, b *catalog.Table) int { return a.Compare(b.Name) })
	wide.Tables = slices.CompactFunc(wide.Tables, func(a, b *catalog.Table) bool { return a.Name == b.Name })
	wide.Types = slices.Clone(c.Types) // not sorted: a domain follows the types it is made of
	for _, t := range more.Types {
		if !slices.ContainsFunc(wide.Types, func(u catalog.UserType) bool { return u.Name == t.Name }) {
			wide.Types = append(wide.Types, t)
		}
	}
	wide.Sequences = slices.Concat(c.Sequences, more.Sequences)
	slices.SortStableFunc(wide.Sequences, func(a, b catalog.Sequence) int { return a.Compare(b.Name) })
	wide.Sequences = slices.CompactFunc(wide.Sequences, func(a, b catalog.Sequence) bool { return a.Name == b.Name })
	wide.NotMigrated = slices.Concat(c.NotMigrated, more.NotMigrated)
	wide.Names = slices.Concat(c.Names, more.Names)
	return &wide, nil
}

func (o *Observation) readTarget(ctx context.Context, spec *desired.Spec, sides Sides, pool *catalog.Pool) error {
	if sides.Target == nil {
		o.TargetOffline = true
		o.Limits = sides.TargetDriver.Limits
		o.Target = &catalog.Catalog{Engine: spec.Target.Type, Schema: spec.Target.Config.String("schema")}
		if o.Target.Schema == "" && spec.Target.Type == o.Source.Engine {
			o.Target.Schema = o.Source.Schema
		}
		return nil
	}
	o.Limits = sides.Target.Limits()
	var err error
	if o.Ledger, err = sides.Target.Ledger(ctx, spec.Migration); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if o.Target, err = sides.Target.Catalog(ctx, providers.Selector{Names: true, IDs: true, Pool: pool}); err != nil {
		return fmt.Errorf("read target catalog: %w", err)
	}
	return nil
}

// readOtherSchemas reads those schemas of the target that only assignment tells.
func (o *Observation) readOtherSchemas(ctx context.Context, sides Sides, a *assignment, pool *catalog.Pool) error {
	if sides.Target == nil || !o.Limits.Schemas {
		return nil
	}
	var schemas []string
	add := func(n catalog.Name) {
		if n.Schema != o.Target.Schema && !slices.Contains(schemas, n.Schema) {
			schemas = append(schemas, n.Schema)
		}
	}
	for _, t := range a.tables {
		add(t.target)
		for _, p := range t.source.Partitions {
			add(targetName(p.Name, o))
		}
	}
	if o.Source.Engine == o.Target.Engine {
		for _, t := range o.Source.Types {
			add(targetName(t.Name, o))
		}
		for _, q := range o.Source.Sequences {
			add(targetName(q.Name, o))
		}
	}
	if o.Ledger != nil {
		for _, t := range o.Ledger.Tables {
			add(t.Target) // it may have another name now
		}
	}
	var err error
	if o.Target, err = widen(ctx, sides.Target, o.Target, providers.Selector{Schemas: schemas, Names: true, IDs: true, Pool: pool}); err != nil {
		return fmt.Errorf("read target catalog: %w", err)
	}
	return nil
}

func (o *Observation) mapTables(spec *desired.Spec, driver providers.Driver, a *assignment) {
	o.Mappings = make([]Mapping, 0, len(a.tables))
	how := providers.MapOptions{Engine: o.Source.Engine, Policies: spec.Policies, Types: o.Source.Types,
		Schema: o.Source.Schema, ToSchema: o.Target.Schema, Names: a.names}
	if o.Source.Engine == o.Target.Engine && driver.MapType != nil {
		for _, t := range o.Source.Types {
			o.Types = append(o.Types, driver.MapType(t, how))
		}
	}
	filled := make(map[catalog.Name]catalog.Name, len(a.names))
	for _, t := range a.tables {
		if !t.structure {
			filled[t.source.Name] = t.target
		}
	}
	mapped := func(t *assigned) providers.Mapping {
		// Rows can refer to a table that has rows only; one without any may refer to all.
		how.To, how.Names = t.target, filled
		if t.structure {
			how.Names = a.names
		}
		return driver.MapTable(t.source, how)
	}
	for i, t := range a.tables {
		m := mapped(&a.tables[i])
		conversions := toPlan(m.Conversions)
		if o.Source.Engine != o.Target.Engine {
			conversions = append(ofSource(t.source), conversions...)
		}
		o.Mappings = append(o.Mappings, Mapping{Source: t.source.Name, Target: m.Table, Conversions: conversions, Refusals: toPlan(m.Refusals)})
	}
	if driver.Names == nil {
		return
	}
	n := newNaming(spec, o, driver.Names)
	if how.Sequences = n.name(); len(how.Sequences) > 0 {
		for i := range a.tables {
			o.Mappings[i].Target = mapped(&a.tables[i]).Table
		}
	}
	n.rename()
}

// ask gives the source's tables the types in which their rows are asked for. Each is then held
// once, not beside the one that was read.
func (o *Observation) ask(a *assignment, pool *catalog.Pool) {
	at := make(map[*catalog.Table]*catalog.Table, len(a.tables))
	found := make(map[catalog.Name]*catalog.Table, len(o.Target.Tables))
	for _, t := range o.Target.Tables {
		found[fold(t.Name, o.Limits)] = t
	}
	for i := range o.Mappings {
		m, t := &o.Mappings[i], &a.tables[i]
		pool.Table(m.Target)
		m.Structure = t.source.StructureDigest()
		as := asked(t.source, m.Target)
		catalog.Unify(m.Target, as)
		if f := found[fold(m.Target.Name, o.Limits)]; f != nil {
			catalog.Unify(f, m.Target)
		}
		at[t.source], t.source = as, as
	}
	tables := make([]*catalog.Table, len(o.Source.Tables))
	for i, t := range o.Source.Tables {
		if tables[i] = t; at[t] != nil {
			tables[i] = at[t]
		}
	}
	source := *o.Source // of somebody else, where it came from a file
	source.Tables = tables
	o.Source = &source
}

// ofSource lists what a table's columns lose before they reach any target.
func ofSource(t *catalog.Table) []plan.Conversion {
	var out []plan.Conversion
	for _, c := range t.Columns {
		if c.Conversion != "" {
			out = append(out, plan.Conversion{Column: c.Name, What: c.Conversion})
		}
	}
	return out
}

func toPlan(in []providers.Conversion) []plan.Conversion {
	out := make([]plan.Conversion, 0, len(in))
	for _, l := range in {
		out = append(out, plan.Conversion{Column: l.Column, What: l.What, Fix: l.Fix})
	}
	return out
}

// countTarget counts the tables that existing = "load" wants to be empty.
func (o *Observation) countTarget(ctx context.Context, spec *desired.Spec, sides Sides, ds []*decision) error {
	if sides.Target == nil || spec.Target.Existing() != plan.ExistingLoad {
		return nil
	}
	var tables []*catalog.Table
	for _, d := range ds {
		if d.found != nil && d.Nothing() {
			tables = append(tables, d.found)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	snapshot, err := sides.Target.Snapshot(ctx, providers.SnapshotOptions{Readers: 1})
	if err != nil {
		return fmt.Errorf("count target tables: %w", err)
	}
	defer snapshot.Close()
	for part := range slices.Chunk(tables, bundleTables) {
		counted, err := countIn(ctx, snapshot, part)
		if err != nil {
			return fmt.Errorf("count target tables: %w", err)
		}
		for i, c := range counted {
			o.Filled = append(o.Filled, Filled{Table: part[i].Name, Rows: c.Rows})
		}
	}
	return nil
}

func countIn(ctx context.Context, s providers.Snapshot, tables []*catalog.Table) ([]providers.Counted, error) {
	view, err := s.Begin(ctx, tables)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	return view.Count(ctx, tables)
}

// readDependents reads what depends on the tables that are to be dropped.
func (o *Observation) readDependents(ctx context.Context, sides Sides, ds []*decision) error {
	var names []catalog.Name
	for _, t := range dropped(ds) {
		names = append(names, t.Name)
	}
	for part := range slices.Chunk(names, dependentTables) {
		c, err := sides.Target.Catalog(ctx, providers.Selector{Schemas: schemasOf(part), Tables: part, StructureOnly: true, Dependents: true})
		if err != nil {
			return fmt.Errorf("read dependents of target tables: %w", err)
		}
		for _, t := range c.Tables {
			if len(t.Dependents) > 0 {
				o.Dependents = append(o.Dependents, TableDependents{Table: t.Name, Dependents: t.Dependents})
			}
		}
	}
	return nil
}

func schemasOf(names []catalog.Name) []string {
	var out []string
	for _, n := range names {
		if n.Schema != "" && !slices.Contains(out, n.Schema) {
			out = append(out, n.Schema)
		}
	}
	return out
}

// split asks the source for the boundaries of tables. Without a connection there are none.
func (o *Observation) split(ctx context.Context, source providers.Database, wanted []wantedSplit) error {
	if source == nil || len(wanted) == 0 {
		return nil
	}
	o.Splits = make([]Split, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(splitters)
	for i, w := range wanted {
		group.Go(func() error {
			ranges, reason, err := source.Split(ctx, w.table, w.how)
			if err != nil {
				return fmt.Errorf("split table %s: %w", w.table.Name, err)
			}
			o.Splits[i] = Split{Table: w.table.Name, Ranges: ranges, Reason: reason}
			return nil
		})
	}
	return group.Wait()
}
