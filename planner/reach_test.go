package planner

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
)

func TestPolicyColumnsListed(t *testing.T) {
	field := func(name string, k catalog.Type, nullable bool) catalog.Column {
		c := catalog.Column{Name: name, Type: k, Nullable: nullable}
		if !nullable {
			c.Default = "' '"
		}
		return c
	}
	short := catalog.Type{Kind: catalog.String, Length: 9}
	mara, makt, logs := table("MARA", 1000), table("MAKT", 1000), table("DBATL", 10)
	mara.Columns = append(mara.Columns, field("MATKL", short, false), field("NOTE", short, true), field("PIC", catalog.Type{Kind: catalog.Blob}, true))
	for i := range 30 {
		makt.Columns = append(makt.Columns, field(fmt.Sprintf("F%02d", i), short, false))
	}
	logs.Columns = append(logs.Columns, field("F", short, false))
	w := newWorld(mara, makt, logs)
	w.spec.Excludes = []desired.Exclude{{Name: "logs", Tables: []desired.Pattern{pattern(t, "DBATL")}, Content: "structure", Reason: "monitoring"}}
	p, ds := Diff(w.spec, w.observe(), nil, w.opts)
	if ds.HasErrors() || p.Reach != nil {
		t.Fatalf("default policies reach %v; %s", p.Reach, text(ds))
	}
	w.spec.Policies.Blank, w.spec.Policies.EmptyString, w.spec.Policies.Number, w.spec.Policies.LOBMax = "abap", "null", "double", 1<<20
	p, ds = Diff(w.spec, w.observe(), nil, w.opts)
	if ds.HasErrors() {
		t.Fatal(text(ds))
	}
	want := []plan.PolicyReach{
		{Policy: "lob_max", Value: "1MiB", Tables: 1, Columns: 1, Listed: []plan.Column{{Table: erp("MARA"), Name: "PIC"}}},
		{Policy: "empty_string", Value: "null", Tables: 2, Columns: 3, Listed: []plan.Column{{Table: erp("MAKT"), Name: "NAME"}, {Table: erp("MARA"), Name: "NAME"}, {Table: erp("MARA"), Name: "NOTE"}}},
		{Policy: "blank", Value: "abap", Tables: 2, Columns: 31},
		{Policy: "number", Value: "double"},
	}
	for i := range 20 {
		want[2].Listed = append(want[2].Listed, plan.Column{Table: erp("MAKT"), Name: fmt.Sprintf("F%02d", i)})
	}
	if diff := cmp.Diff(want, p.Reach); diff != "" {
		t.Error(diff)
	}
}
