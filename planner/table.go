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
	// names are all tables that the migration carries, also those that --table leaves out.
	names map[catalog.Name]catalog.Name
}

func (j *judge) judge(d *decision) {
	switch {
	case d.entry == nil:
		j.judgeNew(d)
	case d.structure:
		j.judgeStructure(d)
	default:
		j.judgeKnown(d)
	}
	d.reuse = d.copies() && j.reuses(d)
	if d.action == plan.Resume && !d.reuse {
		d.action, d.empty, d.reason = plan.Reload, true, "the packages that are in are not those that the ledger planned"
	}
}

// judgeNew decides about a table that the ledger does not name.
func (j *judge) judgeNew(d *decision) {
	d.action = plan.Copy
	if d.structure {
		d.action, d.reason = plan.Structure, d.why
	}
	if d.found == nil {
		d.create = true
		return
	}
	switch existing(j.spec) {
	case existingLoad:
		j.refuseAltered(d, "existing = \"load\" takes tables that fit.")
	case existingRecreate:
		d.drop, d.foreign, d.create, d.reason = true, true, true, "it exists on the target and is dropped first"
	default:
		d.occupied = true
	}
}

// judgeStructure decides about a table without rows that the ledger names.
func (j *judge) judgeStructure(d *decision) {
	d.action, d.reason = plan.Keep, "structure only: "+d.why
	changed := d.entry.Structure != "" && d.entry.Structure != d.structureDigest
	switch {
	case len(d.loaded) > 0:
		d.action, d.empty, d.reason = plan.Structure, true, "its rows are no longer part of the migration: "+d.why
	case d.entry.Target != d.target:
		d.action, d.reason = plan.Structure, moved(d)
		d.occupied = d.found != nil
	case d.found == nil:
		d.action, d.reason = plan.Structure, d.why
	case changed || len(differences(d.mapped, d.found)) > 0:
		d.action, d.reason = plan.Structure, sourceChange(d)
	case j.k.unfinished() && d.entry.State == ledger.Planned:
		d.action, d.reason = plan.Structure, d.why
	}
	if d.action == plan.Structure {
		j.rebuild(d, changed)
	}
}

// judgeKnown decides about a table that the ledger names.
func (j *judge) judgeKnown(d *decision) {
	change := j.change(d)
	switch {
	case d.entry.Target != d.target:
		d.action, d.reason = plan.Reload, moved(d)
		if d.found != nil {
			d.occupied = true
			return
		}
	case len(d.loaded) == 0 && d.entry.State != ledger.Emptying:
		d.action = plan.Copy
	case d.found == nil:
		d.action, d.reason = plan.Reload, "the table is gone from the target"
	case matches(j.opts.Reload, j.o.Source.Schema, d.source.Name):
		d.action, d.reason = plan.Reload, "asked for with --reload"
	case d.entry.State == ledger.Emptying:
		d.action, d.reason = plan.Reload, "emptying it was interrupted"
	case change != "":
		d.action, d.reason = plan.Reload, change
	default:
		j.judgeLoaded(d)
	}
	d.empty = d.action == plan.Reload || d.action == plan.Restart
	if d.copies() {
		j.rebuild(d, d.entry.Structure != "" && d.entry.Structure != d.structureDigest)
	}
}

// judgeLoaded decides about a table with packages in, all of this generation.
func (j *judge) judgeLoaded(d *decision) {
	altered := differences(d.mapped, d.found)
	left := missing(d)
	switch {
	case left+len(d.loaded) != len(d.planned):
		d.action, d.reason = plan.Reload, "the packages that are in are not those that the ledger planned"
	case len(altered) > 0:
		d.action, d.reason = plan.Reload, joined(altered)+" on the target since it was made"
	case left == 0 && finished(d.entry.State):
		d.action = plan.Keep
	case !quiet(j.spec) && (left > 0 || mixed(d)):
		d.action = plan.Restart
		d.reason = fmt.Sprintf("%d of %s were read from a snapshot that is gone", len(d.planned)-left, count(len(d.planned), "package"))
	case quiet(j.spec) && !readQuietly(d):
		d.action, d.reason = plan.Restart, "its packages were read before the source was declared quiet"
	case !quiet(j.spec) && readQuietly(d):
		d.action, d.reason = plan.Restart, "its packages were read while the source was declared quiet"
	case left == 0:
		d.action, d.reason = plan.Resume, "all packages are in; its structure is compared again"
	default:
		d.action, d.reason = plan.Resume, fmt.Sprintf("%d of %s are in", len(d.planned)-left, count(len(d.planned), "package"))
	}
}

// rebuild adds what the target's table needs before rows can go in.
func (j *judge) rebuild(d *decision, changed bool) {
	switch {
	case d.found == nil:
		d.create = true
	case !changed && len(differences(d.mapped, d.found)) == 0:
	case d.entry.Created:
		d.drop, d.create = true, true
	default:
		j.refuseAltered(d, "dmoctl did not make it, and alters no table of others.")
	}
}

// refuseAltered refuses a table that is not on the target as it is needed.
func (j *judge) refuseAltered(d *decision, why string) {
	all := clashes(catalog.Comparison{IgnoreCase: j.o.Limits.IgnoreCase}, d.mapped, d.found)
	if columns := wanted(d.mapped, d.found); columns != "" {
		all = append([]string{columns}, all...)
	}
	if len(all) > 0 {
		d.ownRefusals = append(d.ownRefusals, plan.Loss{
			What: fmt.Sprintf("The table %s on the target differs: %s. %s", d.target, strings.Join(all, ", "), why),
			Fix:  "Alter it, or drop it so that dmoctl makes it.",
		})
	}
}

// change names what makes the packages that are in others than those of this plan,
// or returns "".
func (j *judge) change(d *decision) string {
	for _, l := range d.loaded {
		g, ok := parseGeneration(l.Generation)
		if !ok {
			return "its packages were made by another version of dmoctl"
		}
		switch e := d.expected; {
		case g.source != e.source:
			return "its packages were read from another source database"
		case g.structure != e.structure:
			return sourceChange(d)
		case g.columns != e.columns:
			return "its column types are carried in another way" + since(d)
		case g.policies != e.policies:
			return "the types block of the spec changed" + since(d)
		}
		d.resplit = d.resplit || g.split != d.expected.split
	}
	if len(d.loaded) > 0 && d.entry.Structure != "" && d.entry.Structure != d.structureDigest {
		return sourceChange(d)
	}
	return ""
}

// reuses says whether the ledger's ranges stay: new samples must not invent new
// packages beside those that are in.
func (j *judge) reuses(d *decision) bool {
	if len(d.planned) == 0 || d.action == plan.Reload {
		return false
	}
	for _, p := range d.planned {
		g, ok := parseGeneration(p.Generation)
		if !ok || !g.same(d.expected.of(p.Range)) {
			return false
		}
		if len(d.loaded) == 0 && g.split != d.expected.split {
			return false // nothing is in: the spec's new split holds
		}
	}
	return true
}

// missing returns how many planned packages are not in.
func missing(d *decision) int {
	in := make(map[string]bool, len(d.loaded))
	for _, l := range d.loaded {
		in[l.ID] = true
	}
	n := 0
	for _, p := range d.planned {
		if !in[p.ID] {
			n++
		}
	}
	return n
}

// finished says whether a ledger state means that every package is in and was looked at.
func finished(state string) bool {
	return state == ledger.Complete || state == ledger.Counted || state == ledger.Compared
}

// mixed says whether packages were read under different snapshots.
func mixed(d *decision) bool {
	return slices.ContainsFunc(d.loaded, func(l *ledger.Loaded) bool { return l.Snapshot != d.loaded[0].Snapshot })
}

// readQuietly says whether packages were read from a source that was declared quiet.
func readQuietly(d *decision) bool {
	return !slices.ContainsFunc(d.loaded, func(l *ledger.Loaded) bool { return l.Snapshot != "" && !ledger.IsQuiet(l.Snapshot) })
}
