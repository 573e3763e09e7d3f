package hana

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// partitioning is one level of PARTITION BY.
type partitioning struct {
	kind    string // HASH or RANGE
	columns []store.Name
	parts   int // of HASH
	ranges  []partRange
}

// partRange is low <= VALUES < high; a single value has only low, OTHERS neither.
type partRange struct {
	low, high *store.Literal
	single    bool
}

const maxPartitions = 16000

func parsePartitioning(p *store.Parser) (*partitioning, error) {
	d := &partitioning{}
	switch {
	case p.Accept("HASH"):
		d.kind = "HASH"
	case p.Accept("RANGE"):
		d.kind = "RANGE"
	default:
		return nil, p.Unexpected()
	}
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	for {
		n := store.Name{Pos: p.Peek(0).Pos}
		var err error
		if n.Name, err = p.Identifier(); err != nil {
			return nil, err
		}
		d.columns = append(d.columns, n)
		if !p.Accept(",") {
			break
		}
	}
	if err := p.Expect(")"); err != nil {
		return nil, err
	}
	if d.kind == "RANGE" {
		return d, d.parseRanges(p)
	}
	if err := p.Expect("PARTITIONS"); err != nil {
		return nil, err
	}
	n, err := p.Integer()
	if err != nil {
		return nil, err
	}
	if n < 1 || n > maxPartitions {
		return nil, &Error{Code: 545, Text: fmt.Sprintf("invalid partition spec: %d partitions", n)}
	}
	d.parts = int(n)
	return d, nil
}

func (d *partitioning) parseRanges(p *store.Parser) error {
	if err := p.Expect("("); err != nil {
		return err
	}
	for {
		if err := p.Expect("PARTITION"); err != nil {
			return err
		}
		var r partRange
		var err error
		switch {
		case p.Accept("OTHERS"):
		case p.Accept("VALUE", "="):
			r.single = true
			r.low, err = literal(p)
		default:
			if r.low, err = literal(p); err == nil {
				if err = p.Expect("<=", "VALUES", "<"); err == nil {
					r.high, err = literal(p)
				}
			}
		}
		if err != nil {
			return err
		}
		d.ranges = append(d.ranges, r)
		if !p.Accept(",") {
			break
		}
	}
	if len(d.ranges) > maxPartitions {
		return &Error{Code: 545, Text: "invalid partition spec: too many partitions"}
	}
	return p.Expect(")")
}

func literal(p *store.Parser) (*store.Literal, error) {
	t := p.Next()
	switch t.Kind {
	case store.String:
		return &store.Literal{Value: store.TextValue(t.Text)}, nil
	case store.Number:
		if v, ok := store.ParseNumber(t.Text, false); ok {
			return &store.Literal{Value: v}, nil
		}
	case store.Op:
		if t.Text == "-" {
			n, err := p.Integer()
			return &store.Literal{Value: store.IntValue(-n)}, err
		}
	}
	return nil, &Error{Code: codeSyntax, Pos: t.Pos + 1, Text: "sql syntax error: partition bound is not a constant"}
}

func (d *partitioning) count() int {
	if d.kind == "HASH" {
		return d.parts
	}
	return len(d.ranges)
}

// check: partition columns are part of the primary key, where there is one (CREATE
// TABLE, "partition_clause"), and a range has one column.
func (d *partitioning) check(t *tableDef) error {
	if d.kind == "RANGE" && len(d.columns) != 1 {
		return &Error{Code: 545, Text: "invalid partition spec: RANGE takes one column"}
	}
	for _, n := range d.columns {
		at := t.position(n.Name)
		if at < 0 {
			return noColumn(n)
		}
		if len(t.primary) > 0 && !slices.Contains(t.primary, at) {
			return &Error{Code: 550, Text: "invalid partition column: " + n.Name + " is not part of the primary key"}
		}
		if families[t.columns[at].typ.Name].lob {
			return &Error{Code: 550, Text: "invalid partition column: " + n.Name}
		}
	}
	for i := range d.ranges {
		col := t.columns[t.position(d.columns[0].Name)]
		col.typ.NotNull = false
		for _, l := range []*store.Literal{d.ranges[i].low, d.ranges[i].high} {
			if l == nil {
				continue
			}
			v, err := toKind(l.Value, col.typ)
			if err == nil {
				v, err = store1(v, col)
			}
			if err != nil {
				return &Error{Code: 548, Text: "invalid partition range: " + asError(err).Text}
			}
			l.Value = v
		}
		if r := d.ranges[i]; r.high != nil {
			if order, ok := store.CompareValues(r.low.Value, r.high.Value); !ok || order >= 0 {
				return &Error{Code: 548, Text: "invalid partition range"}
			}
		}
	}
	return nil
}

// of says in which partition a row belongs.
func (d *partitioning) of(t *tableDef) func(row []byte) int {
	var at []int
	for _, n := range d.columns {
		at = append(at, t.position(n.Name))
	}
	width := slices.Max(at) + 1
	return func(row []byte) int {
		values := make([]store.Value, width)
		store.DecodeRow(row, values)
		if d.kind == "RANGE" {
			return d.rangeOf(values[at[0]])
		}
		h := fnv.New64a()
		for _, i := range at {
			h.Write(store.AppendValue(nil, values[i]))
		}
		return int(h.Sum64() % uint64(d.parts))
	}
}

// rangeOf returns the partition of a value; one that no range covers belongs to
// OTHERS, or to none, which is the last number plus one.
func (d *partitioning) rangeOf(v store.Value) int {
	others := len(d.ranges)
	for i, r := range d.ranges {
		switch {
		case r.low == nil:
			others = i
			continue
		case v.IsNull():
			continue
		}
		low, _ := store.CompareValues(v, r.low.Value)
		if r.single {
			if low == 0 {
				return i
			}
			continue
		}
		if high, _ := store.CompareValues(v, r.high.Value); low >= 0 && high < 0 {
			return i
		}
	}
	return others
}

// text spells the clause as PARTITION_DEFINITION does.
func (d *partitioning) text() string {
	var names []string
	for _, n := range d.columns {
		names = append(names, quote(n.Name))
	}
	head := d.kind + " (" + strings.Join(names, ", ") + ")"
	if d.kind == "HASH" {
		return fmt.Sprintf("%s PARTITIONS %d", head, d.parts)
	}
	var parts []string
	for _, r := range d.ranges {
		switch {
		case r.low == nil:
			parts = append(parts, "PARTITION OTHERS")
		case r.single:
			parts = append(parts, "PARTITION VALUE = "+bound(r.low))
		default:
			parts = append(parts, "PARTITION "+bound(r.low)+" <= VALUES < "+bound(r.high))
		}
	}
	return head + " (" + strings.Join(parts, ", ") + ")"
}

func bound(l *store.Literal) string {
	if l.Value.Numeric() {
		return textOf(l.Value)
	}
	return "'" + strings.ReplaceAll(textOf(l.Value), "'", "''") + "'"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
