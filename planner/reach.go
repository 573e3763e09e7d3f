package planner

import (
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// reach says which columns of the tables whose rows travel each policy decides about
// that is not the default, in the order of the types block. A policy that decides about
// none is there, too: its author may have expected something else.
func reach(p catalog.Policies, ds []*decision) []plan.PolicyReach {
	out := notDefault(p)
	if len(out) == 0 {
		return nil
	}
	at := make(map[string]*plan.PolicyReach, len(out))
	for i := range out {
		at[out[i].Policy] = &out[i]
	}
	for _, d := range ds {
		if r := at[expressions]; r != nil && len(d.source.Code) > 0 && d.create {
			r.Tables++
			for _, c := range d.source.Code {
				r.Add(plan.Column{Table: d.source.Name, Name: c.Name})
			}
		}
		if d.structure || len(d.source.Columns) != len(d.mapped.Columns) {
			continue
		}
		touched := make(map[*plan.PolicyReach]bool)
		for i, c := range d.source.Columns {
			for _, name := range concerns(c, d.mapped.Columns[i], p) {
				if r := at[name]; r != nil {
					touched[r] = true
					r.Add(plan.Column{Table: d.source.Name, Name: c.Name})
				}
			}
		}
		for r := range touched {
			r.Tables++
		}
	}
	return out
}

// concerns adds lob_max, which readers hold, to what conversions are concerned with.
func concerns(src, dst catalog.Column, p catalog.Policies) []string {
	names := batch.Concerns(src, dst, p)
	if src.Copied() && unbounded(src.Type) {
		names = append(names, lobMax)
	}
	return names
}

const (
	lobMax      = "lob_max"
	expressions = "expressions"
)

func notDefault(p catalog.Policies) []plan.PolicyReach {
	usual := catalog.DefaultPolicies()
	var out []plan.PolicyReach
	for _, v := range []struct {
		name         string
		value, usual catalog.Policy
	}{
		{batch.InvalidDate, p.InvalidDate, usual.InvalidDate},
		{batch.Overflow, p.Overflow, usual.Overflow},
		{batch.NUL, p.NUL, usual.NUL},
		{lobMax, catalog.Policy(schema.FormatSize(p.LOBMax)), catalog.Policy(schema.FormatSize(usual.LOBMax))},
		{batch.EmptyString, p.EmptyString, usual.EmptyString},
		{batch.Blank, p.Blank, usual.Blank},
		{batch.TimeZone, p.TimeZone, usual.TimeZone},
		{batch.Number, catalog.Policy(p.Number), catalog.Policy(usual.Number)},
		{expressions, p.Expressions, usual.Expressions},
	} {
		if v.value != v.usual {
			out = append(out, plan.PolicyReach{Policy: v.name, Value: string(v.value)})
		}
	}
	return out
}
