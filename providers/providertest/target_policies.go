package providertest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/providers"
)

// policyCase is a column of another engine under one policy.
type policyCase struct {
	name       string
	column     catalog.Column
	policies   func(*catalog.Policies)
	values     []any
	want       []string // as batch.Format prints what is read back
	conversion bool     // the mapping has to name a difference
}

func policyCases() []policyCase {
	blank := func(t catalog.Type) catalog.Column { return catalog.Column{Name: "v", Type: t, Default: "' '"} }
	null := func(t catalog.Type) catalog.Column { return catalog.Column{Name: "v", Type: t, Nullable: true} }
	number := catalog.Type{Kind: catalog.Number}
	return []policyCase{
		{name: "blank", column: blank(catalog.Type{Kind: catalog.String, Length: 9}), policies: func(p *catalog.Policies) { p.Blank = catalog.ABAP },
			values: []any{" ", "", "a  ", "  a"}, want: []string{"", "", "a", "  a"}},
		{name: "blank kept", column: blank(catalog.Type{Kind: catalog.String, Length: 9}), policies: func(*catalog.Policies) {},
			values: []any{" ", "a  "}, want: []string{" ", "a  "}},
		{
			name:     "empty string",
			column:   null(catalog.Type{Kind: catalog.String, Length: 9}),
			policies: func(p *catalog.Policies) { p.EmptyString = catalog.Null },
			values:   []any{"", " ", "a"},
			want:     []string{"NULL", " ", "a"},
		},
		{name: "empty text", column: null(catalog.Type{Kind: catalog.Text}), policies: func(p *catalog.Policies) { p.EmptyString = catalog.Null },
			values: []any{"a", ""}, want: []string{"a", "NULL"}},
		{name: "double", column: null(number), policies: func(p *catalog.Policies) { p.Number = catalog.NumberDouble }, conversion: true,
			values: []any{"0", "-1.5", "0.1000000000000000000000000001", "123456789012345678"}, want: []string{"0", "-1.5", "0.1", "1.2345678901234568e+17"}},
		{name: "decimal", column: null(number), policies: func(p *catalog.Policies) { p.Number = "decimal(38,10)" },
			values: []any{
				"0",
				"-1.5",
				"1234567890123456789012345678.0123456789",
			}, want: []string{"0.0000000000", "-1.5000000000", "1234567890123456789012345678.0123456789"}},
		{name: "zone", column: null(catalog.Type{Kind: catalog.TimestampTZ, Precision: 6}), policies: func(p *catalog.Policies) { p.TimeZone = catalog.UTC },
			values: []any{micros(1970, -1), micros(2024, 120_000)}},
	}
}

// targetPolicies loads another engine's rows under a policy: what is read back is what
// the policy says, and has the digest of what was sent.
func targetPolicies(t *testing.T, h Harness) {
	b := newBench(t, h)
	db := b.target(t)
	s := lock(t, db, "a")
	for i, c := range policyCases() {
		t.Run(c.name, func(t *testing.T) {
			src := &catalog.Table{
				Name:    b.name(fmt.Sprintf("p%d", i)),
				Columns: []catalog.Column{{Name: "id", Type: catalog.Type{Kind: catalog.Int64}}, c.column},
				Key:     &catalog.Key{Columns: []string{"id"}, Primary: true},
			}
			how := providers.MapOptions{Engine: "other", To: src.Name, Policies: c.set()}
			m := h.Driver.MapTable(src, how)
			if len(m.Refusals) > 0 {
				t.Fatalf("refused: %+v", m.Refusals)
			}
			if c.conversion && !namesColumn(m.Conversions, "v") {
				t.Errorf("the mapping names no conversion: %+v", m.Conversions)
			}
			if d := m.Table.Columns[1].Default; how.Policies.Blank == catalog.ABAP && strings.Contains(d, "' '") {
				t.Errorf("the default stays %s where blanks are trimmed", d)
			}
			alter(t, s, providers.CreateTable{Table: m.Table})
			sent := c.send(t, s, src, m.Table)
			alter(t, s, providers.CreateTable{Table: m.Table}) // there already, in the wanted form
			read, values := digestOf(t, db, m.Table)
			if read != sent {
				t.Errorf("digest read back %s, sent %s", read, sent)
			}
			for j, want := range c.want {
				if got := values[fmt.Sprint(j)]; got != want {
					t.Errorf("row %d: read back %q, want %q", j, got, want)
				}
			}
		})
	}
}

func (c policyCase) set() catalog.Policies {
	p := catalog.DefaultPolicies()
	c.policies(&p)
	return p
}

// send loads the case's rows and returns the digest of what was sent.
func (c policyCase) send(t *testing.T, s providers.Session, src, tb *catalog.Table) digest.Sum {
	t.Helper()
	rec := neutralBatch(t, src, neutralCase{t: c.column.Type, values: c.values})
	defer rec.Release()
	rows := rec.NewSlice(0, int64(len(c.values))) // without the row of a NULL
	defer rows.Release()
	transform, err := batch.Compile(src.Columns, tb.Columns, c.set())
	if err != nil {
		t.Fatal(err)
	}
	out, err := transform.Apply(rows)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	load(t, s, tb, pack(src.Name, src.Name.String()), func(w providers.Writer) (int64, error) {
		if err := w.Write(t.Context(), out); err != nil {
			return 0, err
		}
		return w.Finish(t.Context())
	})
	return hashed(t, tb, out)
}

func namesColumn(conversions []providers.Conversion, column string) bool {
	for _, l := range conversions {
		if l.Column == column && l.What != "" {
			return true
		}
	}
	return false
}

func hashed(t testing.TB, tb *catalog.Table, rec arrow.RecordBatch) digest.Sum {
	t.Helper()
	h, err := digest.New(tb.Columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := h.Sum(rec)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// digestOf reads a table of the columns id and v back, and digests it.
func digestOf(t testing.TB, db providers.Database, tb *catalog.Table) (total digest.Sum, values map[string]string) {
	t.Helper()
	values = make(map[string]string)
	inView(t, snapshot(t, db, providers.SnapshotOptions{Readers: 1}), []*catalog.Table{tb}, func(v providers.View) {
		rd, err := v.Read(t.Context(), tb, catalog.WholeTable(), providers.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, rd)
		for {
			rec, err := rd.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			total = total.Add(hashed(t, tb, rec))
			for i := range int(rec.NumRows()) {
				values[batch.Format(rec.Column(0), i)] = batch.Format(rec.Column(1), i)
			}
			rec.Release()
		}
	})
	return total, values
}
