package planner

import (
	"fmt"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// warnings lists what a reviewer should know about the data and the target.
func warnings(spec *desired.Spec, o *Observation, ds []*decision, forgotten []*plan.Table) []plan.Warning {
	var out []plan.Warning
	add := func(id diag.ID, summary, detail string) {
		out = append(out, plan.Warning{ID: id, Summary: summary, Detail: detail})
	}
	for _, u := range o.Blocking {
		add(u.id(diag.SourceNotFit, diag.TargetNotFit), u.summary(), u.Summary+": "+u.Detail+" Until this is fixed, apply refuses to start.")
	}
	for _, n := range o.Noted {
		add(n.id(diag.SourceNoted, diag.TargetNoted), n.Summary, n.Detail)
	}
	if o.SourceOffline {
		add(diag.SourceNotSeen, "Planned without a connection to the source",
			"Its catalog was read from a file. Large tables are not split, because finding boundaries needs the data.")
	}
	if o.TargetOffline {
		add(diag.TargetNotSeen, "Planned without a connection to the target",
			"An empty target is assumed. This plan is for review; apply needs one made with a connection.")
	}
	if resplit := namesOf(ds, func(d *decision) bool { return d.resplit && d.action != plan.Reload && !d.structure }); len(resplit) > 0 {
		add(
			diag.SplitIgnored,
			"A changed split is ignored",
			pluralTables(resplit)+
				". Some of its packages are already loaded; the others keep their ranges. To split it differently, copy the table again with --reload.",
		)
	}
	if len(forgotten) > 0 {
		names := make([]catalog.Name, 0, len(forgotten))
		for _, t := range forgotten {
			names = append(names, t.Source.Name)
		}
		add(diag.TableVanished, "Tables are no longer migrated",
			pluralTables(names)+". The ledger forgets them; their tables on the target are kept as they are.")
	}
	if old, from, to := readEarlier(ds); len(old) > 0 {
		add(diag.ReadAtDifferentTimes, "Tables are read at different times",
			fmt.Sprintf("%s. Their rows were read %s, those of other tables will be read by this plan, so references between them may not hold. "+
				"To copy them again, plan with --reload.", pluralTables(old), span(from, to)))
	}
	if amiss := amissTables(o, ds); amiss != "" {
		add(diag.StructureDiffers, "Tables on the target differ from what was planned", amiss)
	}
	if moved := namesOf(ds, func(d *decision) bool { return d.predecessor != nil }); len(moved) > 0 {
		add(diag.TableMoved, "Tables have a new name on the target",
			pluralTables(moved)+". They are copied again. The tables under the old names are dropped if dmoctl created them, otherwise emptied.")
	}
	return out
}

func namesOf(ds []*decision, take func(*decision) bool) []catalog.Name {
	var out []catalog.Name
	for _, d := range ds {
		if take(d) {
			out = append(out, d.source.Name)
		}
	}
	return out
}

// readEarlier returns the tables that stay while others are copied, and when their
// rows were read. A quiet source has one state only.
func readEarlier(ds []*decision) (names []catalog.Name, from, to time.Time) {
	copies := false
	for _, d := range ds {
		switch d.action {
		case plan.Keep:
			if len(d.Loaded) == 0 || readQuietly(d) {
				continue
			}
			names = append(names, d.source.Name)
			for _, l := range d.Loaded {
				if from.IsZero() || l.ReadAt.Before(from) {
					from = l.ReadAt
				}
				if l.ReadAt.After(to) {
					to = l.ReadAt
				}
			}
		case plan.Copy, plan.Restart, plan.Reload, plan.Resume:
			copies = true
		}
	}
	if !copies {
		return nil, time.Time{}, time.Time{}
	}
	return names, from, to
}

// span prints when rows were read.
func span(from, to time.Time) string {
	first, last := from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)
	if first == last {
		return "at " + first
	}
	return "between " + first + " and " + last
}

// targetErrors refuses a target that is not as existing demands.
func targetErrors(spec *desired.Spec, o *Observation, ds []*decision) diag.Diagnostics {
	var out diag.Diagnostics
	var occupied []catalog.Name
	for _, d := range ds {
		if d.occupied {
			occupied = append(occupied, d.target)
		}
	}
	if len(occupied) > 0 {
		out = append(out, notEmpty(occupied, spec.Target.Address()))
	}
	var filled []catalog.Name
	for _, f := range o.Filled {
		if f.Rows > 0 {
			filled = append(filled, f.Table)
		}
	}
	if len(filled) > 0 && spec.Target.Existing() == plan.ExistingLoad {
		out = append(out, diag.Error(diag.TargetHoldsRows, "Tables on the target hold rows",
			fmt.Sprintf("existing = \"load\" loads into empty tables only. %s of %s. Empty them first.", pluralTables(filled), spec.Target.Address())))
	}
	return append(out, longNames(o, ds)...)
}

// longNames refuses names that the target would cut.
func longNames(o *Observation, ds []*decision) diag.Diagnostics {
	limit := o.Limits.Identifier
	if limit <= 0 {
		return nil
	}
	var out diag.Diagnostics
	check := func(d *decision, kind, name string) {
		if len(name) > limit && len(out) < refusalsListed {
			out = append(out, diag.Error(diag.NameTooLong, "Name is too long for the target",
				fmt.Sprintf("The %s %q of table %s has %d bytes; the target allows %d. Tables can be given a different name with a rename block.",
					kind, name, d.source.Name, len(name), limit)))
		}
	}
	for _, d := range ds {
		if !d.create {
			continue
		}
		check(d, "table", d.target.Name)
		for _, c := range d.mapped.Columns {
			check(d, "column", c.Name)
		}
		for _, x := range d.mapped.Indexes {
			check(d, "index", x.Name)
		}
		for _, k := range catalog.KeysOf(d.mapped) {
			check(d, "key", k.Name)
		}
		for _, f := range d.mapped.ForeignKeys {
			check(d, "foreign key", f.Name)
		}
	}
	return out
}

// unmatchedFlags refuses --table and --reload that take no table: with a name that is
// misspelled nothing would be done, and that would look like success.
func unmatchedFlags(o *Observation, opts Options) diag.Diagnostics {
	var out diag.Diagnostics
	check := func(flag string, patterns []desired.Pattern) {
		for _, p := range patterns {
			found := false
			for _, t := range o.Source.Tables {
				if p.Match(o.Source.Schema, t.Name) {
					found = true
					break
				}
			}
			if !found {
				out = append(out, diag.Error(diag.UnknownTable, "Unknown table",
					fmt.Sprintf("No table of the source matches %s %q. Names are case-sensitive.", flag, p.Text)))
			}
		}
	}
	check("--table", opts.Tables)
	check("--reload", opts.Reload)
	return out
}
