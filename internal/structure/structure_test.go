package structure

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// orders is a table that has one of everything, in PostgreSQL's words.
func orders() *catalog.Table {
	n := func(name string) catalog.Name { return catalog.Name{Schema: "app", Name: name} }
	return &catalog.Table{
		Name: n("orders"),
		Columns: []catalog.Column{
			{Name: "id", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Identity: "always",
				Sequence: &catalog.Sequence{Name: n("orders_id_seq"), Increment: 1, Start: 1, Min: 1, Max: 99, Last: 40, Called: true, DataType: "bigint"}},
			{Name: "customer", Type: catalog.Type{Kind: catalog.String, Length: 10}, Declared: "character varying(10)", Default: "'x'::character varying", Collation: `pg_catalog."C"`},
			{Name: "day", Type: catalog.Type{Kind: catalog.Date}, Declared: "date", Nullable: true},
			{Name: "twice", Type: catalog.Type{Kind: catalog.Int64}, Declared: "bigint", Nullable: true, Generated: "(id * 2)"},
		},
		Key:     &catalog.Key{Name: "orders_pkey", Columns: []string{"id"}, Primary: true, Definition: "PRIMARY KEY (id)"},
		Uniques: []catalog.Key{{Name: "orders_day_key", Columns: []string{"day"}, Definition: "UNIQUE (day)"}},
		Indexes: []catalog.Index{
			{Name: "orders_customer", Columns: []catalog.IndexColumn{{Name: "customer"}}, Definition: "USING btree (customer)"},
			{Name: "orders_low", Unique: true, Special: true, Definition: "USING btree (lower((customer)::text)) WHERE (id > 0)"},
		},
		ForeignKeys: []catalog.ForeignKey{{Name: "orders_customer_fkey", Columns: []string{"customer"}, Table: n("customers"), References: []string{"code"}, OnDelete: "CASCADE", Definition: "ON DELETE CASCADE"}},
		Checks:      []catalog.Check{{Name: "positive", Expression: "(id > 0)"}},
		PartitionBy: "RANGE (id)",
		Partitions:  []catalog.Partition{{Name: n("orders_1"), Parent: n("orders"), Bound: "FOR VALUES FROM ('1') TO ('9')"}},
	}
}

func printed(ds []Difference) string {
	parts := make([]string, len(ds))
	for i, d := range ds {
		parts[i] = d.String()
	}
	return strings.Join(parts, "; ")
}

func TestCompareReportsEachChange(t *testing.T) {
	// Done: structure: a finished structure is compared part by part with the one that was asked for.
	if ds := Compare(orders(), orders(), Options{Same: true}); len(ds) > 0 {
		t.Fatalf("a table differs from itself: %s", printed(ds))
	}
	for want, change := range map[string]func(*catalog.Table){
		"column day is missing, expected date": func(x *catalog.Table) { x.Columns = append(x.Columns[:2:2], x.Columns[3]) },
		"column extra is unexpected: text": func(x *catalog.Table) {
			x.Columns = append(x.Columns, catalog.Column{Name: "extra", Declared: "text", Nullable: true})
		},
		"type of column customer is character varying(11), expected character varying(10)":          func(x *catalog.Table) { x.Columns[1].Declared = "character varying(11)" },
		"nullability of column customer is NULL, expected NOT NULL":                                 func(x *catalog.Table) { x.Columns[1].Nullable = true },
		"nullability of column day is NOT NULL, expected NULL":                                      func(x *catalog.Table) { x.Columns[2].Nullable = false },
		"default of column customer is missing, expected 'x'::character varying":                    func(x *catalog.Table) { x.Columns[1].Default = "" },
		"default of column customer is 'y'::character varying, expected 'x'::character varying":     func(x *catalog.Table) { x.Columns[1].Default = "'y'::character varying" },
		"default of column day is unexpected: CURRENT_DATE":                                         func(x *catalog.Table) { x.Columns[2].Default = "CURRENT_DATE" },
		"expression of column twice is (id * 3), expected (id * 2)":                                 func(x *catalog.Table) { x.Columns[3].Generated = "(id * 3)" },
		"expression of column twice is none, expected (id * 2)":                                     func(x *catalog.Table) { x.Columns[3].Generated = "" },
		"identity of column id is default, expected always":                                         func(x *catalog.Table) { x.Columns[0].Identity = "default" },
		"identity of column id is missing, expected always":                                         func(x *catalog.Table) { x.Columns[0].Identity, x.Columns[0].Sequence = "", nil },
		"identity of column id is bigint, start 1, increment 2, minimum 1, maximum 99, expected bi": func(x *catalog.Table) { x.Columns[0].Sequence.Increment = 2 },
		"collation of column customer is none, expected pg_catalog.\"C\"":                           func(x *catalog.Table) { x.Columns[1].Collation = "" },
		"primary key orders_pkey is missing, expected PRIMARY KEY (id)":                             func(x *catalog.Table) { x.Key = nil },
		"primary key orders_pkey is PRIMARY KEY (id, day), expected PRIMARY KEY (id)": func(x *catalog.Table) {
			x.Key = &catalog.Key{Name: "other", Columns: []string{"id", "day"}, Primary: true, Definition: "PRIMARY KEY (id, day)"}
		},
		"unique key orders_day_key is missing, expected UNIQUE (day)":    func(x *catalog.Table) { x.Uniques = nil },
		"unique key orders_day_key is UNIQUE (day) DEFERRABLE, expected": func(x *catalog.Table) { x.Uniques[0].Definition = "UNIQUE (day) DEFERRABLE" },
		"unique key more is unexpected: UNIQUE (customer)": func(x *catalog.Table) {
			x.Uniques = append(x.Uniques, catalog.Key{Name: "more", Columns: []string{"customer"}, Definition: "UNIQUE (customer)"})
		},
		"unique index u is unexpected: USING btree (day, id)": func(x *catalog.Table) {
			x.Indexes = append(x.Indexes, catalog.Index{Name: "u", Unique: true, Columns: []catalog.IndexColumn{{Name: "day"}, {Name: "id"}}, Definition: "USING btree (day, id)"})
		},
		"index orders_customer is missing, expected USING btree (customer)":                                func(x *catalog.Table) { x.Indexes = x.Indexes[1:] },
		"index orders_customer is USING hash (customer), expected USING btree (customer)":                  func(x *catalog.Table) { x.Indexes[0].Definition = "USING hash (customer)" },
		"unique index orders_low is USING btree (lower((customer)::text)), expected USING btree (lower((c": func(x *catalog.Table) { x.Indexes[1].Definition = "USING btree (lower((customer)::text))" },
		"unique index orders_low is missing, expected USING btree (lower((customer)::text)) WHERE (id > 0": func(x *catalog.Table) { x.Indexes[1].Unique = false },
		"index orders_customer is missing (it is not valid: an earlier build failed), expected": func(x *catalog.Table) {
			x.Indexes = x.Indexes[1:]
			x.NotMigrated = []catalog.Object{{Kind: "index", Name: "orders_customer", Reason: "it is not valid: an earlier build failed"}}
		},
		"foreign key orders_customer_fkey is missing, expected (customer) REFERENCES app.customers (code) ON": func(x *catalog.Table) { x.ForeignKeys = nil },
		"foreign key orders_customer_fkey is (customer) REFERENCES app.customers (code) ON DELETE SET NULL, expected": func(x *catalog.Table) {
			x.ForeignKeys[0].OnDelete, x.ForeignKeys[0].Definition = "SET NULL", "ON DELETE SET NULL"
		},
		"foreign key orders_customer_fkey is missing (NOT VALID), expected": func(x *catalog.Table) {
			x.ForeignKeys[0].NotValid = true
			x.Pending, x.ForeignKeys = x.ForeignKeys, nil
		},
		"foreign key more is unexpected: (day) REFERENCES app.days (day)": func(x *catalog.Table) {
			x.ForeignKeys = append(x.ForeignKeys, catalog.ForeignKey{Name: "more", Columns: []string{"day"}, Table: catalog.Name{Schema: "app", Name: "days"}, References: []string{"day"}})
		},
		"check positive is missing, expected (id > 0)":   func(x *catalog.Table) { x.Checks = nil },
		"check positive is (id >= 0), expected (id > 0)": func(x *catalog.Table) { x.Checks[0].Expression = "(id >= 0)" },
		"check more is unexpected: (id < 9)": func(x *catalog.Table) {
			x.Checks = append(x.Checks, catalog.Check{Name: "more", Expression: "(id < 9)"})
		},
		"partition key is HASH (id), expected RANGE (id)":             func(x *catalog.Table) { x.PartitionBy = "HASH (id)" },
		"partition app.orders_1 is missing, expected of app.orders ":  func(x *catalog.Table) { x.Partitions = nil },
		"partition app.orders_1 is of app.orders FOR VALUES FROM ('1": func(x *catalog.Table) { x.Partitions[0].Bound = "FOR VALUES FROM ('1') TO ('5')" },
	} {
		have := orders()
		change(have)
		if got := Compare(orders(), have, Options{Same: true}); len(got) != 1 || !strings.HasPrefix(printed(got), want) {
			t.Errorf("want %s\n got %s", want, printed(got))
		}
	}
	if got := printed(Compare(orders(), nil, Options{})); got != "table is missing" {
		t.Error(got)
	}
}

func TestCompareEquivalentStructures(t *testing.T) {
	for what, change := range map[string]func(*catalog.Table){
		"a name": func(x *catalog.Table) {
			x.Indexes[0].Name, x.ForeignKeys[0].Name, x.Uniques[0].Name, x.Checks[0].Name = "a", "b", "c", "d"
		},
		"one more index": func(x *catalog.Table) {
			x.Indexes = append(x.Indexes, catalog.Index{Name: "more", Columns: []catalog.IndexColumn{{Name: "day"}}, Definition: "USING btree (day)"})
		},
		"a partition to come": func(x *catalog.Table) {
			x.Partitions = append(x.Partitions, catalog.Partition{Name: catalog.Name{Schema: "app", Name: "next"}, Bound: "DEFAULT"})
		},
		"quotes": func(x *catalog.Table) {
			x.Columns[3].Generated, x.Indexes[0].Definition = `("id" * 2)`, `USING btree ("customer")`
		},
		"sizes and comments": func(x *catalog.Table) { x.Rows, x.Bytes, x.Comment, x.File = 7, 7, "7", "7" },
		"a position":         func(x *catalog.Table) { x.Columns[0].Sequence.Last = 99 },
		"another order of columns": func(x *catalog.Table) {
			x.Columns = []catalog.Column{x.Columns[1], x.Columns[0], x.Columns[3], x.Columns[2]}
		},
	} {
		have := orders()
		change(have)
		if got := Compare(orders(), have, Options{Same: true}); len(got) > 0 {
			t.Errorf("%s is a difference: %s", what, printed(got))
		}
	}
}

func TestCompareForeignTable(t *testing.T) {
	have := orders()
	have.Columns[1].Default, have.Columns[1].Nullable, have.Checks = "", true, nil
	have.Uniques = append(have.Uniques, catalog.Key{Name: "more", Columns: []string{"customer"}, Definition: "UNIQUE (customer)"})
	have.Columns[1].Declared, have.Columns[1].Type.Length = "varchar", 10
	if got := Compare(orders(), have, Options{Same: true, Foreign: true}); len(got) > 0 {
		t.Errorf("its owner's decisions are differences: %s", printed(got))
	}
	have.Columns[2].Nullable, have.Columns[3].Type.Kind, have.Columns[3].Declared, have.ForeignKeys = false, catalog.Text, "text", nil
	if got := Compare(orders(), have, Options{Same: true, Foreign: true}); len(got) != 3 {
		t.Errorf("want three differences: %s", printed(got))
	}
}

func TestCompareConstantsAcrossEngines(t *testing.T) {
	type pair struct {
		kind       catalog.Kind
		want, have string
	}
	of := func(p pair) int {
		w := catalog.Column{Name: "c", Type: catalog.Type{Kind: p.kind}, Declared: "t", Nullable: true, Default: p.want}
		h := w
		h.Default = p.have
		x := &catalog.Table{Columns: []catalog.Column{w}}
		return len(Compare(x, &catalog.Table{Columns: []catalog.Column{h}}, Options{}))
	}
	for _, p := range []pair{
		{catalog.String, "'x'", "'x'::character varying"}, {catalog.Char, "'x'", "'x  '::bpchar"}, {catalog.Text, "'it''s'", "'it''s'::text"},
		{catalog.Int32, "-1", "'-1'::integer"}, {catalog.Int32, "-1", "(-1)"}, {catalog.Decimal, "1e3", "'1000'::numeric"}, {catalog.Float64, "1.50", "1.5"},
		{catalog.Bool, "true", "1"}, {catalog.Bool, "TRUE", "true"}, {catalog.Int32, "NULL", ""}, {catalog.Text, "", "NULL::character varying"},
		{catalog.Timestamp, "'2020-01-01'", "'2020-01-01 00:00:00'::timestamp without time zone"}, {catalog.Timestamp, "CURRENT_TIMESTAMP", "current_timestamp"},
		{catalog.Time, "'12:30'", "'12:30:00'::time without time zone"}, {catalog.Date, "'today'", "'2026-11-30'::date"},
		{catalog.UUID, "'A0EEBC999C0B4EF8BB6D6BB9BD380A11'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid"}, {catalog.Int64, "+5", "5"}, {catalog.Int64, "(5)", "5"},
		{catalog.Text, "'a::b'", "'a::b'::text"}, {catalog.Text, "'5'", "'5'::text"},
	} {
		if of(p) != 0 {
			t.Errorf("%s: %s and %s differ", p.kind, p.want, p.have)
		}
	}
	for _, p := range []pair{
		{catalog.String, "'x'", "'y'::text"}, {catalog.String, "'x'", ""}, {catalog.String, "'x'", "'X'"}, {catalog.Int32, "1", "2"}, {catalog.Int32, "", "0"},
		{catalog.Bool, "true", "false"}, {catalog.Timestamp, "'2020-01-01'", "'2020-01-02 00:00:00'::timestamp without time zone"}, {catalog.Text, "' '", "''"},
		{catalog.Timestamp, "CURRENT_TIMESTAMP", ""}, {catalog.Text, "'null'", "NULL"},
	} {
		if of(p) != 1 {
			t.Errorf("%s: %s and %s do not differ", p.kind, p.want, p.have)
		}
	}
}

func TestSequencesBehindSource(t *testing.T) {
	s := func(last int64, called bool, increment int64) catalog.Sequence {
		return catalog.Sequence{Name: catalog.Name{Name: "s"}, Start: 1, Increment: increment, Last: last, Called: called}
	}
	for i, x := range []struct {
		source, target catalog.Sequence
		behind         bool
	}{
		{s(40, true, 1), s(40, true, 1), false}, {s(40, true, 1), s(39, true, 1), true}, {s(40, true, 1), s(90, true, 1), false},
		{s(40, true, 1), s(41, false, 1), false}, {s(40, true, 1), s(40, false, 1), true}, {s(40, true, 1), s(1, false, 1), true}, {s(40, true, 1), s(0, false, 1), false},
		{s(0, false, 1), s(0, false, 1), false}, {s(1, false, 1), s(0, false, 1), false}, {s(77, false, 1), s(1, false, 1), true}, {s(77, false, 1), s(76, true, 1), false},
		{s(-40, true, -2), s(-42, false, -2), false}, {s(-40, true, -2), s(-38, true, -2), true}, {s(-40, true, -2), s(-90, true, -2), false},
	} {
		got := Sequences([]catalog.Sequence{x.source}, []catalog.Sequence{x.target})
		if (len(got) > 0) != x.behind {
			t.Errorf("%d: %s", i, printed(got))
		}
	}
	if got := printed(Sequences([]catalog.Sequence{s(1, true, 1)}, nil)); got != "sequence s is missing, expected start 1, increment 1, minimum 0, maximum 0" {
		t.Error(got)
	}
	if got := Sequences([]catalog.Sequence{s(1, false, 1)}, []catalog.Sequence{s(1, false, -1)}); len(got) != 1 || got[0].Kind != Different {
		t.Errorf("another step: %s", printed(got))
	}
	source, have := orders(), orders()
	have.Columns[0].Sequence.Last = 39
	if got := Positions(source, orders(), have, Options{}); len(got) != 1 || got[0].Name != "id" || !got[0].Made() {
		t.Errorf("an identity that stands behind: %s", printed(got))
	}
}

func TestExistingTypesCompared(t *testing.T) {
	enum := func(labels ...string) []catalog.UserType {
		return []catalog.UserType{{Name: catalog.Name{Schema: "app", Name: "mood"}, Kind: "enum", Labels: labels}}
	}
	if got := Types(enum("a", "b"), nil); len(got) > 0 {
		t.Errorf("a type that nothing needs: %s", printed(got))
	}
	if got := printed(Types(enum("a", "b"), enum("b", "a"))); got != "type app.mood is enum (b, a), expected enum (a, b)" {
		t.Error(got)
	}
}
