package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// judge decides about tables, one by one.
type judge struct {
	spec *desired.Spec
	o    *Observation
	k    *kept
	opts Options
	// names are all tables that the migration includes, also those that --table leaves out.
	names map[catalog.Name]catalog.Name
	// vacated are places on the target that tables of ours leave: what is found there goes.
	vacated map[catalog.Name]bool
	// shared is what the generations of all tables have in common, pool what those of many have.
	shared generation
	pool   catalog.Pool
	// columns are the digests of lists of columns, by the first one of the source's and the target's.
	columns map[[2]*catalog.Column]string
}

func (j *judge) judge(d *decision) {
	if d.Entry != nil {
		d.edition = d.Entry.Edition
	}
	if j.vacated[fold(d.target, j.o.Limits)] {
		d.found = nil
	}
	switch {
	case d.Nothing():
		j.judgeNew(d)
	case d.Entry.Target != d.target:
		j.judgeMoved(d)
	case d.structure:
		j.judgeStructure(d)
	default:
		j.judgeKnown(d)
	}
	d.expected = j.tableGeneration(d)
	d.reuse = d.copies() && j.reuses(d)
	if d.action == plan.Resume && !d.reuse {
		j.again(d, "the loaded packages are not those that the ledger planned")
		d.expected.edition = formatEdition(d.edition)
	}
	if d.action == plan.Keep {
		d.expected = nil // there is one of each table: it is needed where packages are made
	}
}

// again asks for another copy of a table: what is in does not count any more.
func (j *judge) again(d *decision, reason string) {
	d.action, d.reason, d.empty = plan.Reload, reason, true
	d.edition = d.Entry.Edition + 1
}

// judgeNew decides about a table of which dmoctl has neither made nor loaded anything.
func (j *judge) judgeNew(d *decision) {
	d.action = plan.Copy
	if d.structure {
		d.action, d.reason = plan.Structure, d.why
	}
	j.place(d)
	if d.structure && d.Entry != nil && !d.create && !d.occupied { // the DBA's, and a run has taken it as it is
		d.action, d.reason = plan.Keep, "structure only: "+d.why
	}
}

// place decides what becomes of what is on the target where a table is to be made.
func (j *judge) place(d *decision) {
	if d.found == nil {
		d.create = true
		return
	}
	switch mode := j.spec.Target.Existing(); {
	case d.replaced && mode != plan.ExistingRecreate:
		d.occupied = true
	case mode == plan.ExistingLoad:
		j.refuseAltered(d, "existing = \"load\" needs tables with a matching structure.")
	case mode == plan.ExistingRecreate:
		d.drop, d.foreign, d.create = true, true, true
		if d.reason == "" {
			d.reason = "it exists on the target and is dropped first"
		}
	default:
		d.occupied = true
	}
}

// judgeMoved decides about a table that has another name on the target now: it is made
// there, and its predecessor goes.
func (j *judge) judgeMoved(d *decision) {
	from := d.Entry.Target
	j.again(d, moved(d))
	if d.structure {
		d.action = plan.Structure
	}
	d.predecessor = &from
	j.place(d)
}

// judgeStructure decides about a table without rows that the ledger names.
func (j *judge) judgeStructure(d *decision) {
	d.action, d.reason = plan.Keep, "structure only: "+d.why
	changed := d.Entry.Structure != "" && d.Entry.Structure != d.structureDigest
	switch why := d.Emptying(false); {
	case why != "":
		d.edition, d.empty = d.Entry.Edition+1, true
		d.action, d.reason = plan.Structure, why+": "+d.why
	case d.found == nil:
		d.action, d.reason = plan.Structure, d.why
	case changed:
		d.action, d.reason = plan.Structure, sourceChange(d)
	case targetChange(d) != "":
		d.action, d.reason = plan.Structure, targetChange(d)
	case j.remade(d) != "":
		d.action, d.reason = plan.Structure, j.remade(d)
	}
	if d.action == plan.Structure {
		j.rebuild(d, changed)
	}
}

// judgeKnown decides about a table of which something is made or loaded.
func (j *judge) judgeKnown(d *decision) {
	change := j.change(d)
	switch why := d.Emptying(true); {
	case matches(j.opts.Reload, j.o.Source.Schema, d.source.Name):
		j.again(d, "requested with --reload")
	case len(d.Loaded) == 0 && why == "":
		d.action = plan.Copy
	case d.Requested() && change == "" && j.requested(d):
		d.action, d.reason, d.empty = plan.Reload, why, true // the request stands in the ledger: its packages are planned
	case why != "":
		j.again(d, why)
	case d.found == nil:
		j.again(d, "the table no longer exists on the target")
	case change != "":
		j.again(d, change)
	case d.Gap() != "":
		j.again(d, "the loaded packages are not those that the ledger planned: "+d.Gap())
	default:
		j.judgeLoaded(d)
	}
	d.empty = d.empty || d.action == plan.Restart
	if d.copies() {
		j.rebuild(d, d.Entry.Structure != "" && d.Entry.Structure != d.structureDigest)
	}
}

// judgeLoaded decides about a table with packages in, all of those that are planned.
func (j *judge) judgeLoaded(d *decision) {
	missing := len(d.Missing())
	switch {
	case targetChange(d) != "":
		j.again(d, targetChange(d))
	case j.remade(d) != "":
		j.again(d, j.remade(d))
	case missing == 0 && d.Entry.State.Complete():
		d.action = plan.Keep
	case !j.spec.Source.Quiet() && (missing > 0 || mixed(d)):
		d.action = plan.Restart
		d.reason = fmt.Sprintf("%d of %s were read from a snapshot that no longer exists", len(d.Planned)-missing, count(len(d.Planned), "package"))
	case j.spec.Source.Quiet() && !readQuietly(d):
		d.action, d.reason = plan.Restart, "its packages were read before the source was declared quiet"
	case !j.spec.Source.Quiet() && readQuietly(d):
		d.action, d.reason = plan.Restart, "its packages were read while the source was declared quiet"
	case !j.spec.Source.Quiet() && d.Entry.File != d.source.FileIdentity():
		d.action, d.reason = plan.Restart, "its stored rows were rewritten since its packages were read"
	case missing == 0:
		d.action, d.reason = plan.Resume, "all packages are loaded; its structure is compared again"
	default:
		d.action, d.reason = plan.Resume, fmt.Sprintf("%d of %s loaded", len(d.Planned)-missing, count(len(d.Planned), "package"))
	}
}

// rebuild adds what the target's table needs before rows can go in.
func (j *judge) rebuild(d *decision, changed bool) {
	switch {
	case d.predecessor != nil: // place has decided
	case d.found == nil:
		d.create = true
	case !changed && len(differences(d.mapped, d.found)) == 0 && (!d.Entry.Created || !d.amiss() && j.remade(d) == ""):
	case d.Entry.Created:
		d.drop, d.create, d.empty = true, true, true
		d.edition = d.Entry.Edition + 1
	default:
		j.refuseAltered(d, "dmoctl did not create it, and does not alter such tables.")
	}
}

// refuseAltered refuses a table that is not on the target as it is needed.
func (j *judge) refuseAltered(d *decision, why string) {
	all := clashes(catalog.Comparison{IgnoreCase: j.o.Limits.IgnoreCase}, d.mapped, d.found)
	if columns := wanted(d.mapped, d.found); columns != "" {
		all = append([]string{columns}, all...)
	}
	for _, x := range d.parts {
		if j.inline(x) {
			all = append(all, x.String()+", and keys can only be created with the table")
		}
	}
	if len(all) > 0 {
		d.ownRefusals = append(d.ownRefusals, plan.Conversion{
			What: fmt.Sprintf("The table %s on the target differs: %s. %s", d.target, strings.Join(all, ", "), why),
			Fix:  "Alter it, or drop it so that dmoctl creates it.",
		})
	}
}

// change names what makes the packages that are loaded others than those of this plan,
// or returns "".
func (j *judge) change(d *decision) string {
	e := j.tableGeneration(d)
	for _, l := range d.Loaded {
		g, ok := parseGeneration(l.Generation)
		if !ok {
			return "its packages were written by another version of dmoctl"
		}
		switch {
		case g.source != e.source:
			return "its packages were read from a different source database"
		case g.structure != e.structure:
			return sourceChange(d)
		case g.columns != e.columns:
			return "its column types are converted differently" + since(d)
		case g.policies != e.policies:
			return "the types block of the spec changed" + since(d)
		}
		d.resplit = d.resplit || g.split != e.split
	}
	if len(d.Loaded) > 0 && d.Entry.Structure != "" && d.Entry.Structure != d.structureDigest {
		return sourceChange(d)
	}
	return ""
}

// requested says whether the packages of the copy that the ledger asks for are planned.
func (j *judge) requested(d *decision) bool {
	d.expected = j.tableGeneration(d)
	return j.reuses(d)
}

// reuses says whether the ledger's ranges stay: new samples must not invent new
// packages beside those that are in.
func (j *judge) reuses(d *decision) bool {
	if d.Gap() != "" {
		return false
	}
	for _, p := range d.Planned {
		g, ok := parseGeneration(p.Generation)
		if !ok || !g.same(d.expected.of(p.Range)) {
			return false
		}
		if len(d.Loaded) == 0 && g.split != d.expected.split {
			return false // nothing is loaded: the spec's new split holds
		}
	}
	return true
}

// mixed says whether packages were read under different snapshots.
func mixed(d *decision) bool {
	return slices.ContainsFunc(d.Loaded, func(l *ledger.Loaded) bool { return l.Snapshot != d.Loaded[0].Snapshot })
}

// readQuietly says whether packages were read from a source that was declared quiet.
func readQuietly(d *decision) bool {
	return !slices.ContainsFunc(d.Loaded, func(l *ledger.Loaded) bool { return l.Snapshot != "" && !ledger.IsQuiet(l.Snapshot) })
}
