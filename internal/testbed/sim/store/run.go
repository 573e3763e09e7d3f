package store

import (
	"slices"
)

// batch is how many slots a scan looks at between two looks at the lock.
const batch = 1024

func (b *block) run(outer *Env, emit emitter) error {
	e := outer.inner(len(b.sources))
	ok, err := all(e, b.before)
	if err != nil {
		return err
	}
	if !ok {
		if b.groups != nil {
			return b.emitGroups(e, nil, emit)
		}
		return nil
	}
	switch {
	case b.groups != nil:
		return b.runGroups(e, emit)
	case len(b.windows) > 0:
		return b.runWindows(e, emit)
	}
	sink := b.sink(emit)
	if _, err := b.step(e, 0, func() (bool, error) { return sink.row(e) }); err != nil {
		return err
	}
	return sink.close()
}

// step finds the rows of source i for those of the sources before it.
func (b *block) step(e *Env, i int, done func() (bool, error)) (more bool, err error) {
	if i == len(b.sources) {
		return done()
	}
	src := b.sources[i]
	matched := false
	filtered := func(row []Value, hit Hit) (bool, error) {
		e.rows[i], e.hits[i] = row, hit
		if ok, err := all(e, src.filter); err != nil || !ok {
			return true, err
		}
		return b.step(e, i+1, done)
	}
	more, err = src.each(b, e, i, func(row []Value, hit Hit) (bool, error) {
		e.rows[i], e.hits[i] = row, hit
		if ok, err := all(e, src.on); err != nil || !ok {
			return true, err
		}
		matched = true
		return filtered(row, hit)
	})
	if err != nil || !more || matched || !src.left {
		return more, err
	}
	return filtered(make([]Value, len(src.columns())), Hit{})
}

// all says whether every condition holds.
func all(e *Env, conditions []node) (bool, error) {
	for _, n := range conditions {
		v, err := n.eval(e)
		if err != nil || !v.True() {
			return false, err
		}
	}
	return true, nil
}

type visitor func(row []Value, hit Hit) (more bool, err error)

// each visits the rows of a source that may match.
func (s *source) each(b *block, e *Env, i int, visit visitor) (bool, error) {
	if s.lookup != nil {
		return s.find(b, e, visit)
	}
	if i > 0 && len(s.hash) > 0 && !s.left {
		return s.probe(b, e, i, visit)
	}
	if s.rel != nil && s.rel.Table != nil && s.query == nil {
		return s.scan(e, visit)
	}
	rows, err := s.materialized(e)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		if more, err := visit(row, Hit{}); err != nil || !more {
			return more, err
		}
	}
	return true, nil
}

func (s *source) scan(e *Env, visit visitor) (bool, error) {
	var hits []Hit
	row := make([]Value, len(s.rel.Columns))
	for next, end := uint32(0), false; !end; {
		if err := e.Ctx.Err(); err != nil {
			return false, fail(Canceled, -1, "", "canceled")
		}
		hits, next, end = s.rel.Table.Scan(e.Snapshot, next, batch, hits[:0])
		for _, hit := range hits {
			if s.rel.Keep != nil && !s.rel.Keep(hit.Slot) || s.rel.Part != nil && !s.rel.Part(hit.Row) {
				continue
			}
			s.rel.decode(hit.Row, row)
			if more, err := visit(row, hit); err != nil || !more {
				return more, err
			}
		}
	}
	return true, nil
}

// Decode decodes a stored row of the relation's table into one value a column.
func (r *Relation) Decode(row []byte) []Value {
	out := make([]Value, len(r.Columns))
	r.decode(row, out)
	return out
}

func (r *Relation) decode(row []byte, dst []Value) {
	n := DecodeRow(row, dst)
	for ; n < len(dst); n++ {
		dst[n] = Value{}
		if n < len(r.Defaults) {
			dst[n] = r.Defaults[n]
		}
	}
}

// find looks one row up by a unique key.
func (s *source) find(b *block, e *Env, visit visitor) (bool, error) {
	key := make([]Value, len(s.lookup.key))
	for i, n := range s.lookup.key {
		v, err := n.eval(e)
		if err != nil {
			return false, err
		}
		if v.IsNull() {
			return true, nil
		}
		if key[i], err = b.c.D.Convert(v, s.lookup.types[i]); err != nil {
			return s.scan(e, visit) // a value that the column cannot hold: the filter decides
		}
		if order, ok := CompareValues(v, key[i]); !ok || order != 0 {
			return s.scan(e, visit)
		}
	}
	hit, ok := s.rel.Table.Find(e.Snapshot, s.lookup.index, key)
	if !ok {
		return true, nil
	}
	return visit(s.rel.Decode(hit.Row), hit)
}

// materialized returns the rows of a query, a view or a relation that makes its own.
func (s *source) materialized(e *Env) ([][]Value, error) {
	if s.query != nil {
		return s.query.results(e.outer, s.crossed)
	}
	if r, ok := e.cache[s]; ok {
		return r.([][]Value), nil
	}
	var rows [][]Value
	var err error
	if s.rel.Table != nil {
		_, err = s.scan(e, func(row []Value, _ Hit) (bool, error) {
			rows = append(rows, slices.Clone(row))
			return true, nil
		})
	} else {
		rows, err = s.rel.Rows(e.Ctx)
	}
	e.cache[s] = rows
	return rows, err
}

// probe joins by a hash of the equated columns.
func (s *source) probe(b *block, e *Env, i int, visit visitor) (bool, error) {
	type built struct{ s *source }
	table, ok := e.cache[built{s}].(map[string][][]Value)
	if !ok {
		rows, err := s.materialized(e)
		if err != nil {
			return false, err
		}
		table = make(map[string][][]Value, len(rows))
		for _, row := range rows {
			e.rows[i] = row
			key, null, err := s.hashed(e, true)
			if err != nil {
				return false, err
			}
			if !null {
				table[key] = append(table[key], row)
			}
		}
		e.cache[built{s}] = table
	}
	key, null, err := s.hashed(e, false)
	if err != nil || null {
		return true, err
	}
	for _, row := range table[key] {
		if more, err := visit(row, Hit{}); err != nil || !more {
			return more, err
		}
	}
	return true, nil
}

func (s *source) hashed(e *Env, mine bool) (key string, null bool, err error) {
	values := make([]Value, len(s.hash))
	for i, k := range s.hash {
		n := k.theirs
		if mine {
			n = k.mine
		}
		if values[i], err = n.eval(e); err != nil {
			return "", false, err
		}
		null = null || values[i].IsNull()
	}
	return string(normalRow(values)), null, nil
}

// sink evaluates the list and sorts.
type sink struct {
	b    *block
	emit emitter
	seen map[string]bool
	rows []sorted
}

type sorted struct {
	keys []Value
	row  []byte
}

func (b *block) sink(emit emitter) *sink {
	s := &sink{b: b, emit: emit}
	if b.distinct {
		s.seen = make(map[string]bool)
	}
	return s
}

func (s *sink) row(e *Env) (bool, error) {
	out := make([]Value, len(s.b.items))
	for i, n := range s.b.items {
		v, err := n.eval(e)
		if err != nil {
			return false, err
		}
		out[i] = v
	}
	if s.seen != nil {
		key := string(normalRow(out))
		if s.seen[key] {
			return true, nil
		}
		s.seen[key] = true
	}
	if len(s.b.order) == 0 {
		return s.emit(out)
	}
	keys := make([]Value, len(s.b.order))
	for i, o := range s.b.order {
		if at := s.b.byOutput[i]; at >= 0 {
			keys[i] = out[at]
			continue
		}
		v, err := o.node.eval(e)
		if err != nil {
			return false, err
		}
		keys[i] = v
	}
	s.rows = append(s.rows, sorted{keys, EncodeRow(nil, out)})
	return true, nil
}

func (s *sink) close() error {
	if len(s.b.order) == 0 {
		return nil
	}
	slices.SortStableFunc(s.rows, func(a, b sorted) int { return s.b.c.orderRows(s.b.order, a.keys, b.keys) })
	out := make([]Value, len(s.b.items))
	for _, r := range s.rows {
		DecodeRow(r.row, out)
		if more, err := s.emit(out); err != nil || !more {
			return err
		}
	}
	return nil
}
