package store

import "slices"

// group is one group of a block with aggregates.
type group struct {
	values []Value
	totals []accumulator
}

func (b *block) runGroups(e *Env, emit emitter) error {
	groups := make(map[string]*group)
	var order []*group
	_, err := b.step(e, 0, func() (bool, error) {
		values := make([]Value, len(b.groups.nodes))
		for i, n := range b.groups.nodes {
			v, err := n.eval(e)
			if err != nil {
				return false, err
			}
			values[i] = v
		}
		key := string(normalRow(values))
		g := groups[key]
		if g == nil {
			g = &group{values: values, totals: make([]accumulator, len(b.groups.calls))}
			groups[key] = g
			order = append(order, g)
		}
		for i, a := range b.groups.calls {
			if err := a.add(b.c, e, &g.totals[i]); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return b.emitGroups(e, order, emit)
}

// emitGroups ends each group; a block without GROUP BY has one over nothing too.
func (b *block) emitGroups(e *Env, order []*group, emit emitter) error {
	if len(order) == 0 && len(b.groups.nodes) == 0 {
		order = []*group{{totals: make([]accumulator, len(b.groups.calls))}}
	}
	sink := b.sink(emit)
	for _, g := range order {
		e.group = g.values
		e.totals = make([]Value, len(g.totals))
		for i, a := range b.groups.calls {
			v, err := a.result(b.c, &g.totals[i])
			if err != nil {
				return err
			}
			e.totals[i] = v
		}
		if b.having != nil {
			v, err := b.having.eval(e)
			if err != nil {
				return err
			}
			if !v.True() {
				continue
			}
		}
		if more, err := sink.row(e); err != nil || !more {
			return err
		}
	}
	return sink.close()
}

// runWindows collects the block's rows first.
func (b *block) runWindows(e *Env, emit emitter) error {
	var rows []*Env
	_, err := b.step(e, 0, func() (bool, error) {
		row := e.outer.inner(len(b.sources))
		for i, r := range e.rows {
			row.rows[i] = slices.Clone(r)
		}
		copy(row.hits, e.hits)
		row.windows = make([]Value, len(b.windows))
		rows = append(rows, row)
		return true, nil
	})
	if err != nil {
		return err
	}
	for i, w := range b.windows {
		if err := w.compute(b.c, i, rows); err != nil {
			return err
		}
	}
	sink := b.sink(emit)
	for _, row := range rows {
		if more, err := sink.row(row); err != nil || !more {
			return err
		}
	}
	return sink.close()
}
