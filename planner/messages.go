package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Bounds of what one message lists.
const (
	namesListed    = 20
	refusalsListed = 200
)

func at(d diag.Diagnostic, p desired.Position) diag.Diagnostic {
	return d.OnPlace(p.File, p.Line, p.Column)
}

// list prints names, bounded, the rest counted.
func list[T fmt.Stringer](names []T) string {
	var b strings.Builder
	for i, n := range names {
		if i == namesListed {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n.String())
	}
	return b.String()
}

// count prints "1 table" or "3 tables".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// unmatched reports patterns that take no table: an exact name is an error, a glob a warning.
func unmatched(m *matcher, all []desired.Pattern, known map[catalog.Name]bool) diag.Diagnostics {
	var ds diag.Diagnostics
	for _, p := range all {
		if n := p.Table(m.schema); p.Exact && !known[n] {
			ds = append(ds, unknownTable(p, n))
		}
	}
	for _, g := range m.globs {
		if !g.matched {
			ds = append(ds, at(diag.Warning(diag.PatternWithoutTable, "Pattern matches no table",
				fmt.Sprintf("No table of the source matches %q. Names are case-sensitive.", g.pattern.Text)), g.pattern.At))
		}
	}
	return ds
}

func unknownTable(p desired.Pattern, n catalog.Name) diag.Diagnostic {
	return at(diag.Error(diag.UnknownTable, "Unknown table",
		fmt.Sprintf("The source has no table %s. Names are case-sensitive.", n)), p.At)
}

// emptySource refuses a source without a table: its schema or file is most likely another
// one than was meant, and a migration of nothing would look like success.
func emptySource(spec *desired.Spec, o *Observation) diag.Diagnostic {
	where := spec.Source.Address()
	if o.Source.Schema != "" {
		where += " has no table in schema " + o.Source.Schema + " that the user can see"
	} else {
		where += " has no table"
	}
	return diag.Error(diag.EmptySource, "Source has no tables",
		where+". Check the schema, the database and the user's privileges; names of schemas are case-sensitive.")
}

func unassignedTables(names []catalog.Name) diag.Diagnostic {
	return diag.Error(diag.UnassignedTable, "Tables without a group",
		fmt.Sprintf("%s of the source without a table_group or an exclude: %s. Name them in one, or end with a group for the rest:\n"+
			"  table_group \"rest\" { tables = [\"*\"] }", count(len(names), "table"), list(names)))
}

func collision(a, b, target catalog.Name) diag.Diagnostic {
	return diag.Error(diag.TargetCollision, "Two tables with the same name on the target",
		fmt.Sprintf("%s and %s would both become %s on the target. Give one of them a different name with a rename block.", a, b, target))
}

func unmatchedExceptions(spec *desired.Spec, a *assignment, schema string) diag.Diagnostics {
	var ds diag.Diagnostics
	for _, e := range spec.Verify.Exceptions {
		n := e.Table.Table(schema)
		if _, ok := a.names[n]; !ok {
			ds = append(ds, at(diag.Warning(diag.ExceptionWithoutTable, "Exception for a table that is not migrated",
				fmt.Sprintf("The migration includes no table %s, so its exception has no effect.", n)), e.At))
		}
	}
	return ds
}

// refusals turns what cannot be migrated into diagnostics, all of them together.
func refusals(ds []*decision) diag.Diagnostics {
	var out diag.Diagnostics
	left := 0
	for _, d := range ds {
		for _, r := range append(slices.Clone(d.refusals), d.ownRefusals...) {
			if len(out) == refusalsListed {
				left++
				continue
			}
			out = append(out, refusal(d, r))
		}
	}
	if left > 0 {
		out = append(out, diag.Error(diag.CannotMigrate, "More tables cannot be migrated", fmt.Sprintf("%d more refusals are not shown.", left)))
	}
	return out
}

func refusal(d *decision, r plan.Conversion) diag.Diagnostic {
	where := d.source.Name.String()
	if r.Column != "" {
		where += "." + r.Column
		if c := d.source.Column(r.Column); c != nil {
			declared := c.Declared
			if declared == "" {
				declared = c.Type.String()
			}
			where += " (" + declared + ")"
		}
	}
	detail := where + ": " + r.What
	if r.Fix != "" {
		detail += " " + r.Fix
	}
	return diag.Error(diag.CannotMigrate, "Table cannot be migrated as it is", detail)
}

// notEmpty is the one error that names all tables which are there already.
func notEmpty(names []catalog.Name, target string) diag.Diagnostic {
	return diag.Error(diag.TargetNotEmpty, "Target is not empty",
		fmt.Sprintf("%s on %s already, and no run of this migration created %s: %s. "+
			"Drop them, choose another schema, or say in the target block what to do:\n"+
			"  existing = \"load\"      # load into them; they must hold no rows\n"+
			"  existing = \"recreate\"  # drop them first", exist(len(names)), target, them(len(names)), list(names)))
}

func exist(n int) string {
	if n == 1 {
		return "1 table of the plan exists"
	}
	return fmt.Sprintf("%d tables of the plan exist", n)
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
