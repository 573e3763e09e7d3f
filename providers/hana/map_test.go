package hana

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

func TestMapTypes(t *testing.T) {
	utc := func(p *catalog.Policies) { p.TimeZone = "utc" }
	for _, c := range []struct {
		from       catalog.Type
		declared   string // empty is refused
		into       string
		conversion bool
		policy     func(*catalog.Policies)
	}{
		{from: catalog.Type{Kind: catalog.Bool}, declared: "BOOLEAN", into: "bool"},
		{from: catalog.Type{Kind: catalog.Int16}, declared: "SMALLINT", into: "int16"},
		{from: catalog.Type{Kind: catalog.Int64}, declared: "BIGINT", into: "int64"},
		{from: catalog.Type{Kind: catalog.Float32}, declared: "REAL", into: "float32"},
		{from: catalog.Type{Kind: catalog.Decimal, Precision: 38, Scale: 38}, declared: "DECIMAL(38,38)", into: "decimal(38,38)"},
		{from: catalog.Type{Kind: catalog.Decimal, Precision: 39}},
		{from: catalog.Type{Kind: catalog.Number}, declared: "DECIMAL", into: "number"},
		{from: catalog.Type{Kind: catalog.Number}, declared: "DOUBLE", into: "float64", conversion: true, policy: func(p *catalog.Policies) { p.Number = "double" }},
		{from: catalog.Type{Kind: catalog.Number}, declared: "DECIMAL(30,5)", into: "decimal(30,5)", policy: func(p *catalog.Policies) { p.Number = "decimal(30,5)" }},
		{from: catalog.Type{Kind: catalog.Number}, policy: func(p *catalog.Policies) { p.Number = "decimal(60,5)" }},
		{from: catalog.Type{Kind: catalog.String, Length: 5000}, declared: "NVARCHAR(5000)", into: "string(5000)"},
		{from: catalog.Type{Kind: catalog.String, Length: 5001}, declared: "NCLOB", into: "text", conversion: true},
		{from: catalog.Type{Kind: catalog.String}, declared: "NCLOB", into: "text"},
		{from: catalog.Type{Kind: catalog.Char, Length: 10}, declared: "NVARCHAR(10)", into: "string(10)"},
		{from: catalog.Type{Kind: catalog.Text}, declared: "NCLOB", into: "text"},
		{from: catalog.Type{Kind: catalog.JSON}, declared: "NCLOB", into: "text"},
		{from: catalog.Type{Kind: catalog.Binary, Length: 16}, declared: "VARBINARY(16)", into: "binary(16)"},
		{from: catalog.Type{Kind: catalog.Binary, Length: 5001}, declared: "BLOB", into: "blob", conversion: true},
		{from: catalog.Type{Kind: catalog.UUID}, declared: "VARBINARY(16)", into: "binary(16)"},
		{from: catalog.Type{Kind: catalog.Date}, declared: "DATE", into: "date"},
		{from: catalog.Type{Kind: catalog.Time, Precision: 6}, declared: "NVARCHAR(15)", into: "string(15)", conversion: true},
		{from: catalog.Type{Kind: catalog.Timestamp}, declared: "SECONDDATE", into: "timestamp(0)"},
		{from: catalog.Type{Kind: catalog.Timestamp, Precision: 6}, declared: "TIMESTAMP", into: "timestamp(6)"},
		{from: catalog.Type{Kind: catalog.Timestamp9, Precision: 7}, declared: "TIMESTAMP", into: "timestamp9(7)"},
		{from: catalog.Type{Kind: catalog.Timestamp9, Precision: 9}, declared: "TIMESTAMP", into: "timestamp9(7)", conversion: true},
		{from: catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}},
		{from: catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}, declared: "TIMESTAMP", into: "timestamp(6)", conversion: true, policy: utc},
		{from: catalog.Type{Kind: catalog.Native, Engine: "oracle", Name: "SDO_GEOMETRY"}},
		{from: catalog.Type{Kind: catalog.Refused, Engine: "oracle", Name: "BFILE"}},
	} {
		policies := catalog.DefaultPolicies()
		if c.policy != nil {
			c.policy(&policies)
		}
		m := mapTable(&catalog.Table{Name: catalog.Name{Schema: "S", Name: "T"}, Columns: []catalog.Column{{Name: "C", Type: c.from, Nullable: true}}},
			providers.MapOptions{Engine: "oracle", To: catalog.Name{Schema: "S", Name: "T"}, Policies: policies})
		got := m.Table.Columns[0]
		if (len(m.Refusals) > 0) != (c.declared == "") || len(m.Refusals) > 0 && m.Refusals[0].Fix == "" {
			t.Errorf("%s: refused %+v", c.from, m.Refusals)
			continue
		}
		if c.declared == "" {
			continue
		}
		if got.Declared != c.declared || got.Type.String() != c.into || (len(m.Conversions) > 0) != c.conversion {
			t.Errorf("%s becomes %s (%s), want %s (%s); conversions %+v", c.from, got.Declared, got.Type, c.declared, c.into, m.Conversions)
		}
		if newColumn(got.Type) == nil || !isLOB(got.Type) && newAppender(got.Type, builderOf(t, got.Type)) == nil {
			t.Errorf("%s cannot be written or read", got.Type)
		}
		if declared(got.Type) != got.Declared {
			t.Errorf("%s is spelled %s and %s", got.Type, declared(got.Type), got.Declared)
		}
	}
}

func builderOf(t *testing.T, typ catalog.Type) array.Builder {
	t.Helper()
	dt, err := batch.DataType(typ)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	t.Cleanup(b.Release)
	return b
}

func TestMapKeys(t *testing.T) {
	str := func(n string, length int, null bool) catalog.Column {
		return catalog.Column{Name: n, Type: catalog.Type{Kind: catalog.String, Length: length}, Nullable: null}
	}
	table := func(k *catalog.Key, rows int64) *catalog.Table {
		return &catalog.Table{Name: catalog.Name{Schema: "S", Name: "MARA"}, Columns: []catalog.Column{str("A", 3, false), str("B", 5, true), str("L", 6000, false)}, Key: k, Rows: rows}
	}
	of := func(src *catalog.Table) providers.Mapping {
		return mapTable(src, providers.MapOptions{Engine: "oracle", To: src.Name, Policies: catalog.DefaultPolicies()})
	}
	m := of(table(&catalog.Key{Name: "MARA~0", Columns: []string{"A"}, Index: true}, 1_500_000_000))
	if k := m.Table.Key; !k.Primary || k.Index || k.Name != "" {
		t.Errorf("a unique index over NOT NULL columns becomes %+v", k)
	}
	if m.Table.PartitionBy != `HASH ("A") PARTITIONS 3` {
		t.Errorf("1.5e9 rows are partitioned by %q", m.Table.PartitionBy)
	}
	if m = of(table(&catalog.Key{Name: "u", Columns: []string{"A", "B"}}, 1_000_000_000)); m.Table.Key.Primary || m.Table.PartitionBy != "" {
		t.Errorf("a unique key with a nullable column becomes %+v, partitioned by %q", m.Table.Key, m.Table.PartitionBy)
	}
	if m = of(table(&catalog.Key{Primary: true, Columns: []string{"L"}}, 0)); len(m.Refusals) > 0 || m.Table.Column("L").Declared != "NVARCHAR(5000)" || len(m.Conversions) != 1 {
		t.Errorf("a text of 6000 characters in the key becomes %s: %+v, %+v", m.Table.Column("L").Declared, m.Refusals, m.Conversions)
	}
	document := table(&catalog.Key{Primary: true, Columns: []string{"L"}}, 0)
	document.Columns[2].Type = catalog.Type{Kind: catalog.JSON}
	if m = of(document); len(m.Refusals) != 1 || !strings.Contains(m.Refusals[0].What, "NCLOB") {
		t.Errorf("a document in the key: %+v", m.Refusals)
	}
	if m = of(table(nil, 3_000_000_000)); len(m.Conversions) == 0 || !strings.Contains(m.Conversions[len(m.Conversions)-1].What, "2,100,000,000") {
		t.Errorf("3e9 rows without a key: %+v", m.Conversions)
	}
}

func TestMapNames(t *testing.T) {
	for _, n := range []string{"_SYS_X", "_SAP_X", "", strings.Repeat("ä", 64), "a\x00b"} {
		m := mapTable(&catalog.Table{Name: catalog.Name{Schema: "S", Name: n}}, providers.MapOptions{Engine: "oracle", To: catalog.Name{Schema: "S", Name: n}})
		if len(m.Refusals) != 1 {
			t.Errorf("table %q: %+v", n, m.Refusals)
		}
	}
	to := catalog.Name{Schema: "DMO", Name: "LOADED"}
	if m := mapTable(&catalog.Table{Name: to}, providers.MapOptions{Engine: "oracle", To: to}); len(m.Refusals) != 1 {
		t.Errorf("the ledger's name: %+v", m.Refusals)
	}
	for _, c := range [][3]string{{"", "MARA", "idx"}, {"MARA~0", "MARA", "idx"}, {"I", "MARA", "idx"}, {strings.Repeat("x", 200), "MARA", "idx"}, {"_SYS_C1", "MARA", "key"}} {
		got := fitName(c[0], c[1], c[2])
		if len(got) > maxIdentifier || reserved(got) || got == "" {
			t.Errorf("%q becomes %q", c[0], got)
		}
	}
	if got := quoteIdent(`a"b`); got != `"a""b"` {
		t.Error(got)
	}
	if got := quoteLiteral(`it's`); got != `'it''s'` {
		t.Error(got)
	}
}

func TestMapDefaults(t *testing.T) {
	str := catalog.Type{Kind: catalog.String, Length: 9}
	for _, c := range []struct {
		from string
		t    catalog.Type
		want string
		ok   bool
	}{
		{"'a'", str, "'a'", true}, {"N'it''s'", str, "'it''s'", true}, {"('x'::text)", str, "'x'", true}, {"0", catalog.Type{Kind: catalog.Int32}, "0", true}, {"-1.5 ", catalog.Type{Kind: catalog.Decimal}, "-1.5", true},
		{"5", str, "'5'", true}, {"SYSDATE", catalog.Type{Kind: catalog.Timestamp}, "", false}, {"CURRENT_TIMESTAMP", catalog.Type{Kind: catalog.Timestamp}, "CURRENT_TIMESTAMP", true},
		{"NULL", str, "", true}, {"'a'", catalog.Type{Kind: catalog.Text}, "", false}, {"true", catalog.Type{Kind: catalog.Bool}, "TRUE", true}, {"seq.NEXTVAL", catalog.Type{Kind: catalog.Int64}, "", false},
	} {
		if got, ok := literalDefault(c.from, c.t); got != c.want || ok != c.ok {
			t.Errorf("%s of %s becomes %q, %v", c.from, c.t, got, ok)
		}
	}
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{{"*", "", true}, {"*", "A/B", true}, {"CD*", "CDPOS", true}, {"CD*", "XCD", false}, {"?D*S", "CDPOS", true}, {"A?", "A", false}, {"?", "ä", true}, {"*~0", "MARA~0", true}, {"A*B*C", "AxBxBxC", true}} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestErrorKindsByCode(t *testing.T) {
	for kind, codes := range map[providers.Kind][]int{
		providers.Transient:    {131, 133, 138, 143, 146, 150, 16, 1343, 139, 129, 132, 145, 149, 154, 1038, 1034, 142},
		providers.Disconnected: {1029, 1033, 1036, 1888, 1890, 1892, 3587, 597, 613},
		providers.Full:         {4, 14},
		providers.Exhausted:    {2055},
		providers.Constraint:   {301, 287, 433, 461},
		providers.Value:        {274, 314, 339, 359, 609},
		providers.Auth:         {10, 416, 19},
		providers.Permission:   {258},
		providers.NotFound:     {259},
		providers.Internal:     {257},
	} {
		for _, c := range codes {
			if got := kindOfCode(c); got != kind {
				t.Errorf("code %d is %q, want %q", c, got, kind)
			}
		}
	}
}

func TestSignificantDigits(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "-1": 1, "1000": 1, "-0.00120": 2, "100.01": 5, "12345678901234567890123456789012345": 35} {
		if got := significant(text); got != want {
			t.Errorf("%s has %d digits", text, got)
		}
	}
}

func TestCompositeKeyRanges(t *testing.T) {
	where, err := predicate(&catalog.Table{}, catalog.Range{Columns: []string{"A", "B"}, Lower: []string{"'1'", "2"}, Upper: []string{"'1'", "9"}})
	want := ` WHERE (("A" > '1') OR ("A" = '1' AND "B" >= 2)) AND (("A" < '1') OR ("A" = '1' AND "B" < 9))`
	if err != nil || where != want {
		t.Errorf("%s, %v, want %s", where, err, want)
	}
	if _, err := predicate(&catalog.Table{}, catalog.Range{Partition: &catalog.Name{Name: "1) --"}}); err == nil {
		t.Error("a partition that is not a number is let through")
	}
}
