package engine

import (
	"hash/fnv"
	"math"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// source is what a FROM clause names.
type source struct {
	alias, owner string
	cols         []sourceColumn
	table        *Table
	open         func(r *run, e *env) (rowIter, error)
	scan         *tableScan // of a table
}

type sourceColumn struct {
	name   string
	typ    Type
	hidden bool // not in *
	pseudo bool // only without quotes
}

// rowIter gives one row after the other, and nil at the end. A row is valid until the next call.
type rowIter func() ([][]byte, error)

func (s *source) types() []Type {
	out := make([]Type, len(s.cols))
	for i, c := range s.cols {
		out[i] = c.typ
	}
	return out
}

func (s *source) find(r *store.Ref) int {
	for i, c := range s.cols {
		if c.name == r.Column && (!c.pseudo || !r.Quoted) {
			return i
		}
	}
	return -1
}

// tableScan reads a table's rows that a snapshot sees.
type tableScan struct {
	table  *Table
	parts  []*part // nil is all
	asOf   *expr
	sample *expr
	seed   *expr
	block  bool
	bounds []bound // of ROWID
	ids    []expr  // ROWID = one of them
}

type bound struct {
	op string
	x  expr
}

func (c *compiler) tableSource(t *Table, ref *store.TableRef) (*source, error) {
	scan := &tableScan{table: t}
	src := &source{alias: ref.Alias, owner: t.owner, table: t, scan: scan}
	if src.alias == "" {
		src.alias = t.name
	}
	for _, col := range t.cols {
		src.cols = append(src.cols, sourceColumn{name: col.name, typ: col.typ, hidden: col.hidden})
	}
	kind := RowID
	if t.iot {
		kind = URowID
	}
	src.cols = append(src.cols, sourceColumn{name: "ROWID", typ: Type{Kind: kind, Length: 4000}, hidden: true, pseudo: true},
		sourceColumn{name: "ORA_ROWSCN", typ: number(), hidden: true, pseudo: true})
	if len(ref.Partition) > 0 {
		name, ok := ref.Partition[0].(*store.Ref)
		if !ok || len(ref.Partition) > 1 {
			return nil, ora.At(ref.Name.Pos, 933, "SQL command not properly ended")
		}
		if scan.parts = t.named(name.Column); scan.parts == nil {
			if t.kind.method == "" {
				return nil, ora.At(ref.Name.Pos, 14501, "object is not partitioned")
			}
			return nil, ora.At(ref.Name.Pos, 2149, "Specified partition does not exist")
		}
	}
	for _, o := range []struct {
		x   store.Expr
		put **expr
	}{{ref.AsOf, &scan.asOf}, {ref.Sample, &scan.sample}, {ref.Seed, &scan.seed}} {
		if o.x == nil {
			continue
		}
		e, err := c.expr(o.x)
		if err != nil {
			return nil, err
		}
		*o.put = &e
	}
	scan.block = ref.Block
	src.open = scan.open
	return src, nil
}

// at is the snapshot that the scan reads.
func (s *tableScan) at(r *run, e *env) (snapshot, error) {
	db := r.s.db
	if s.asOf != nil {
		v, err := s.asOf.eval(e)
		if err != nil {
			return snapshot{}, err
		}
		d, err := r.s.toNumber(s.asOf.typ, v)
		if err != nil {
			return snapshot{}, err
		}
		n, ok := d.Int64()
		if v == nil || !ok || n < firstSCN || uint64(n) > db.scn {
			return snapshot{}, ora.Errorf(8181, "specified number is not a valid system change number")
		}
		if s.table.ddlSCN > uint64(n) {
			return snapshot{}, ora.Errorf(1466, "unable to read data - table definition has changed")
		}
		return snapshot{scn: uint64(n)}, nil
	}
	if r.at.scn < s.table.ddlSCN {
		return snapshot{}, ora.Errorf(1466, "unable to read data - table definition has changed")
	}
	return r.at, nil
}

const firstSCN = 1_000_000

func (s *tableScan) open(r *run, e *env) (rowIter, error) {
	at, err := s.at(r, e)
	if err != nil {
		return nil, err
	}
	ranges, err := s.ranges(r, e)
	if err != nil {
		return nil, err
	}
	keep, err := s.sampling(r, e)
	if err != nil {
		return nil, err
	}
	w := &walker{run: r, at: at, scan: s, ranges: ranges, keep: keep, row: make([][]byte, len(s.table.cols)+2)}
	parts := s.parts
	if parts == nil {
		parts = s.table.leaves()
	}
	for _, p := range parts {
		w.segs = append(w.segs, p.seg)
	}
	return w.next, nil
}

// ranges evaluates the bounds of ROWID; nil is all rows.
func (s *tableScan) ranges(r *run, e *env) ([]*rowRange, error) {
	var out []*rowRange
	rowid := Type{Kind: RowID}
	for _, x := range s.ids {
		v, err := x.eval(e)
		if err != nil {
			return nil, err
		}
		if v, err = r.s.assign(rowid, x.typ, v); err != nil {
			return nil, err
		}
		if v != nil && !s.owns(v) {
			return nil, ora.Errorf(1410, "invalid ROWID")
		}
		out = append(out, &rowRange{low: v, high: v, throughHigh: v != nil})
		if v == nil {
			out[len(out)-1] = &rowRange{low: []byte{1}, high: []byte{0}} // nothing
		}
	}
	if out == nil && len(s.bounds) > 0 {
		out = []*rowRange{{}}
	}
	for _, b := range s.bounds {
		v, err := b.x.eval(e)
		if err != nil {
			return nil, err
		}
		if v, err = r.s.assign(rowid, b.x.typ, v); err != nil || v == nil {
			return out, err // NULL: the filter drops all
		}
		for _, g := range out {
			g.tighten(b.op, v)
		}
	}
	return out, nil
}

// owns says whether a ROWID's data object is one of the table's.
func (s *tableScan) owns(id []byte) bool {
	for _, seg := range s.table.segments() {
		if value.RowID(seg.object, 0, 0, 0)[3] == id[3] && compareBytes(value.RowID(seg.object, 0, 0, 0)[:4], id[:4]) == 0 {
			return true
		}
	}
	return false
}

func (g *rowRange) tighten(op string, v []byte) {
	switch op {
	case ">", ">=":
		if g.low == nil || compareBytes(v, g.low) > 0 {
			g.low, g.afterLow = v, op == ">"
		}
	case "<", "<=":
		if g.high == nil || compareBytes(v, g.high) < 0 {
			g.high, g.throughHigh = v, op == "<="
		}
	}
}

// sampling gives which blocks or rows a SAMPLE clause keeps: the same for the same seed.
func (s *tableScan) sampling(r *run, e *env) (func(id []byte) bool, error) {
	if s.sample == nil {
		return nil, nil
	}
	var n [2]float64
	for i, x := range []*expr{s.sample, s.seed} {
		if x == nil {
			n[i] = float64(r.now.UnixNano())
			continue
		}
		v, err := x.eval(e)
		if err != nil {
			return nil, err
		}
		d, err := r.s.toNumber(x.typ, v)
		if err != nil {
			return nil, err
		}
		n[i] = d.Float64()
	}
	if n[0] < 0.000001 || n[0] >= 100 {
		return nil, ora.Errorf(30562, "SAMPLE percentage must be in the range [0.000001,100)")
	}
	limit := uint64(n[0] / 100 * math.MaxUint32)
	return func(id []byte) bool {
		if s.block {
			id = id[:10]
		}
		h := fnv.New64a()
		_, _ = h.Write(id)
		_, _ = h.Write([]byte{byte(int64(n[1])), byte(int64(n[1]) >> 8)})
		return h.Sum64()*0x9E3779B97F4A7C15>>32 < limit
	}, nil
}

// walker is a scan in progress.
type walker struct {
	run    *run
	at     snapshot
	scan   *tableScan
	ranges []*rowRange
	keep   func(id []byte) bool
	segs   []*segment
	seg    *segment
	ext    int
	blk    int
	slot   int
	row    [][]byte
}

func (w *walker) next() ([][]byte, error) {
	for {
		if w.seg == nil {
			if len(w.segs) == 0 {
				return nil, nil
			}
			w.seg, w.segs = w.segs[0], w.segs[1:]
			w.ext, w.blk, w.slot = 0, 0, 0
		}
		if w.seg.gone {
			return nil, ora.Errorf(8103, "object no longer exists")
		}
		if w.ext >= len(w.seg.extents) {
			w.seg = nil
			continue
		}
		e := w.seg.extents[w.ext]
		if w.blk >= len(e.blocks) || w.blk == 0 && w.slot == 0 && !w.meets(e.file, e.first, e.first+e.size-1) {
			w.ext, w.blk, w.slot = w.ext+1, 0, 0
			continue
		}
		b := e.blocks[w.blk]
		if w.slot >= len(b.rows) || w.slot == 0 && !w.meets(b.file, b.number, b.number) {
			w.blk, w.slot = w.blk+1, 0
			continue
		}
		a := address{w.seg, b, w.slot}
		w.slot++
		if ok, err := w.take(a); ok || err != nil {
			return w.row, err
		}
	}
}

func (w *walker) meets(file uint16, first, last uint32) bool {
	if w.ranges == nil {
		return true
	}
	for _, g := range w.ranges {
		if g.meets(w.seg.object, file, first, last) {
			return true
		}
	}
	return false
}

// take fills the row where the snapshot and the clauses see it.
func (w *walker) take(a address) (bool, error) {
	if err := w.run.step(); err != nil {
		return false, err
	}
	v, err := w.run.s.db.visible(a.row(), w.at)
	if err != nil || v == nil {
		return false, err
	}
	id := a.rowid()
	if w.ranges != nil {
		in := false
		for _, g := range w.ranges {
			in = in || g.holds(id)
		}
		if !in {
			return false, nil
		}
	}
	if w.keep != nil && !w.keep(id) {
		return false, nil
	}
	t := w.scan.table
	if t.hides(w.run.s.user) {
		return false, nil
	}
	n := len(t.cols)
	t.decode(v.data, w.row[:n])
	if err := t.redact(w.run.s.user, w.row[:n]); err != nil {
		return false, err
	}
	w.row[n] = id
	scn := v.scn
	if v.tx != nil {
		scn = w.run.s.db.scn
	}
	if w.row[n+1], err = value.IntDec(int64(scn)).Encode(); err != nil {
		return false, err
	}
	return true, w.run.s.compute(t, w.row[:n], w.run)
}

// compute fills the virtual columns of a row.
func (s *Session) compute(t *Table, row [][]byte, r *run) error {
	for i, c := range t.cols {
		if !c.virtual || c.compute == nil {
			continue
		}
		v, err := c.compute.eval(&env{run: r, rows: [][][]byte{row}})
		if err != nil {
			return err
		}
		if row[i], err = s.assignLoose(c.typ, c.compute.typ, v); err != nil {
			return err
		}
	}
	return nil
}
