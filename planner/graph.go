package planner

import (
	"fmt"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Bounds of what shares a step. Locks on servers are finite, and so is what is lost
// when a bundle fails.
const (
	bundleTables = 100
	bundleBytes  = 16 << 20
	smallTable   = 4 << 20 // larger ones have steps of their own
	unknownBytes = 64 << 10
)

// graph is the steps of a plan in the making.
type graph struct {
	p     *plan.Plan
	o     *Observation
	pace  *pace
	k     *kept
	steps []*plan.Step
	// made holds the steps after which a target's table has its rows and keys: what
	// references to it wait for.
	made map[catalog.Name][]string
	// there are the tables that the target has now; of the migration's own, incomplete are
	// those whose rows are not all in.
	there, incomplete map[catalog.Name]bool
	// fresh are the tables that come into being, or are emptied without the references
	// to them, so that these are made again.
	fresh map[catalog.Name]bool
	// vacates holds the step after which a place on the target is free that a table of ours had.
	vacates map[catalog.Name]string
}

func newGraph(p *plan.Plan, o *Observation, pace *pace, k *kept) *graph {
	g := &graph{p: p, o: o, pace: pace, k: k, made: make(map[catalog.Name][]string),
		fresh: make(map[catalog.Name]bool), vacates: make(map[catalog.Name]string)}
	g.incomplete = make(map[catalog.Name]bool)
	for _, t := range k.tables {
		if e := t.Entry; e != nil && len(t.Planned) > 0 {
			g.incomplete[e.Target] = !e.State.Complete()
		}
	}
	return g
}

// bundle is what goes through the steps together: one large table, or small ones.
type bundle struct {
	id     string
	tables []*decision
	large  bool
	bytes  int64
	last   []string // ids of the latest steps
}

// build makes all steps.
func (g *graph) build(ds []*decision, forgotten []*plan.Table, opts Options) {
	if len(g.p.Schemas)+len(g.p.Types)+len(g.p.Sequences) > 0 {
		g.add(&plan.Step{ID: plan.StepSchemas.ID(""), Phase: plan.Structures, Kind: plan.StepSchemas})
	}
	for _, d := range ds {
		g.fresh[d.target] = d.create || d.empty
	}
	bundles := g.bundles(ds)
	for _, b := range bundles {
		g.structures(b)
		g.copies(b)
		g.keysAndIndexes(b)
		g.verify(b)
	}
	g.waitForPlaces(ds)
	g.forget(forgotten)
	for _, b := range bundles {
		g.references(b)
		g.sequences(b)
	}
	g.freeSequences()
	g.close(ds, opts)
}

// forget adds the steps that take tables out of the ledger. They wait until no table refers to
// those any more: that such a foreign key is dmoctl's is known from the ledger alone.
func (g *graph) forget(tables []*plan.Table) {
	var names []catalog.Name
	for _, t := range tables {
		names = append(names, t.Source.Name)
	}
	var needs []string
	for _, s := range g.steps {
		if s.Kind == plan.StepDropForeignKey {
			needs = append(needs, s.ID)
		}
	}
	for i := 0; i < len(names); i += bundleTables {
		g.add(&plan.Step{ID: fmt.Sprintf("forget/%04d", i/bundleTables+1), Phase: plan.Structures, Kind: plan.StepForget,
			Tables: names[i:min(i+bundleTables, len(names))], Needs: needs, Reason: "no longer migrated"})
	}
}

// waitForPlaces lets the making of tables wait until those that had their names are gone.
func (g *graph) waitForPlaces(ds []*decision) {
	if len(g.vacates) == 0 {
		return
	}
	target := make(map[catalog.Name]catalog.Name, len(ds))
	for _, d := range ds {
		target[d.source.Name] = fold(d.target, g.o.Limits)
	}
	for _, s := range g.steps {
		if s.Kind != plan.StepCreate {
			continue
		}
		for _, n := range s.Tables {
			if before := g.vacates[target[n]]; before != "" {
				s.Needs = append(s.Needs, before)
			}
		}
	}
}

// bundles shares tables out, in order of their source names.
func (g *graph) bundles(ds []*decision) []*bundle {
	var out []*bundle
	var open *bundle
	n := 0
	for _, d := range ds {
		if g.idle(d) {
			continue
		}
		size := bytesOf(d.source)
		if len(d.packages) > 1 || size > smallTable || size < 0 && !d.structure && d.copies() {
			out = append(out, &bundle{id: tableID(d.source.Name), tables: []*decision{d}, large: true})
			continue
		}
		size = max(size, unknownBytes)
		if open == nil || len(open.tables) == bundleTables || open.bytes+size > bundleBytes {
			n++
			open = &bundle{id: fmt.Sprintf("bundle-%04d", n)}
			out = append(out, open)
		}
		open.tables, open.bytes = append(open.tables, d), open.bytes+size
	}
	return out
}

// add appends a step and returns its id.
func (g *graph) add(s *plan.Step) string {
	g.steps = append(g.steps, s)
	return s.ID
}

// stage adds one step for those tables of a bundle that take part in it. The bundle's
// next step needs it.
func (g *graph) stage(b *bundle, phase plan.Phase, kind plan.Kind, takes func(*decision) bool) *plan.Step {
	s := &plan.Step{ID: kind.ID(b.id), Phase: phase, Kind: kind, Needs: slices.Clone(b.last)}
	for _, d := range b.tables {
		if takes(d) {
			s.Tables = append(s.Tables, d.source.Name)
		}
	}
	if len(s.Tables) == 0 {
		return nil
	}
	if b.large {
		s.Reason = b.tables[0].reason
	}
	b.last = []string{g.add(s)}
	return s
}

// structures empties, drops and makes tables, in this order: once the ledger no
// longer says that rows are in, a crash at any point leads to a copy.
func (g *graph) structures(b *bundle) {
	if s := g.stage(b, plan.Structures, plan.StepDropForeignKey, func(d *decision) bool { return len(d.dropForeignKeys)+len(d.unwantedLeft()) > 0 }); s != nil {
		s.Reason = dropReason(b)
	}
	g.stage(b, plan.Structures, plan.StepEmpty, func(d *decision) bool { return d.empty })
	if s := g.stage(b, plan.Structures, plan.StepDrop, func(d *decision) bool { return d.drop || d.predecessor != nil }); s != nil {
		for _, d := range b.tables {
			if d.predecessor != nil {
				g.vacates[fold(*d.predecessor, g.o.Limits)] = s.ID
			}
		}
	}
	if s := g.stage(b, plan.Structures, plan.StepCreate, func(d *decision) bool { return d.create }); s != nil {
		if len(g.p.Schemas)+len(g.p.Types)+len(g.p.Sequences) > 0 {
			s.Needs = append(s.Needs, plan.StepSchemas.ID(""))
		}
		s.Reason = ""
	}
}

// copies adds one step a package of a large table, one for all packages of small ones.
// A table whose packages are all in, but that nobody looked at since, has a step too.
func (g *graph) copies(b *bundle) {
	var steps []string
	needs := slices.Clone(b.last)
	shared := &plan.Step{ID: plan.StepCopy.ID(b.id), Phase: plan.Downtime, Kind: plan.StepCopy, Needs: needs}
	for _, d := range b.tables {
		if !d.copies() {
			continue
		}
		before, left := len(shared.Packages), g.toCopy(d)
		for i, k := range d.packages {
			if k.In && (left > 0 || i < len(d.packages)-1) {
				continue
			}
			s := shared
			if b.large {
				s = &plan.Step{ID: plan.StepCopy.ID(k.ID), Phase: plan.Downtime, Kind: plan.StepCopy,
					Tables: []catalog.Name{d.source.Name}, Needs: slices.Clone(needs)}
				steps = append(steps, g.add(s))
			}
			s.Packages = append(s.Packages, k.ID)
			if !k.In {
				s.Rows, s.Bytes, s.Seconds = s.Rows+max(0, k.Rows), s.Bytes+max(0, k.Bytes), s.Seconds+k.Seconds
			}
		}
		if len(shared.Packages) > before {
			shared.Tables = append(shared.Tables, d.source.Name)
		}
	}
	if len(shared.Packages) > 0 {
		shared.Seconds += stepSeconds
		steps = append(steps, g.add(shared))
	}
	if len(steps) > 0 {
		b.last = steps
	}
}

// keysAndIndexes makes what speeds up a load when it comes after it.
func (g *graph) keysAndIndexes(b *bundle) {
	keys := g.stage(b, plan.Finalize, plan.StepKey, func(d *decision) bool { return len(g.keysLeft(d)) > 0 })
	g.price(keys, b, func(d *decision) float64 { return float64(len(g.keysLeft(d))) * g.pace.indexSeconds(d) })
	for _, d := range b.tables {
		g.made[d.target] = slices.Clone(b.last)
	}
	if !b.large {
		s := g.stage(b, plan.Finalize, plan.StepIndex, func(d *decision) bool { return len(g.indexesLeft(d)) > 0 })
		g.price(s, b, func(d *decision) float64 { return float64(len(g.indexesLeft(d))) * g.pace.indexSeconds(d) })
		return
	}
	d := b.tables[0]
	var steps []string
	for _, x := range g.indexesLeft(d) {
		steps = append(steps, g.add(&plan.Step{ID: plan.StepIndex.ID(b.id + "/" + x.Name), Phase: plan.Finalize, Kind: plan.StepIndex,
			Tables: []catalog.Name{d.source.Name}, Index: x.Name, Needs: slices.Clone(b.last), Seconds: g.pace.indexSeconds(d)}))
	}
	if len(steps) > 0 {
		b.last = steps
	}
}

func (g *graph) price(s *plan.Step, b *bundle, seconds func(*decision) float64) {
	if s == nil {
		return
	}
	for _, d := range b.tables {
		s.Seconds += seconds(d)
	}
}

// idle says whether nothing is left of a table.
func (g *graph) idle(d *decision) bool {
	return d.action == plan.Keep && len(d.unwantedLeft()) == 0 && len(g.keysLeft(d)) == 0 && len(g.indexesLeft(d)) == 0 && !g.refers(d) &&
		!g.numbers(d) && !g.unverified(d)
}

// toCopy is how many packages of a table are to be copied.
func (g *graph) toCopy(d *decision) int {
	n := 0
	for _, k := range d.packages {
		if !k.In {
			n++
		}
	}
	return n
}

func (g *graph) verify(b *bundle) {
	s := g.stage(b, plan.Verify, plan.StepVerify, func(d *decision) bool { return g.unverified(d) })
	if s == nil {
		return
	}
	s.Reason = ""
	g.price(s, b, func(d *decision) float64 {
		if !g.unverified(d) {
			return 0
		}
		return g.pace.verifySeconds(d, g.level(d))
	})
}

// level is how the table is to be verified.
func (g *graph) level(d *decision) plan.Level {
	if d.structure {
		return plan.LevelNone
	}
	return d.level
}

// unverified says whether a table has to be compared under this plan.
func (g *graph) unverified(d *decision) bool {
	level := g.level(d)
	if d.action != plan.Keep {
		return level != plan.LevelNone
	}
	return !left.Verified(level, d.excepted, d.Entry.State)
}
