package store

import "slices"

// windowCall is one function with OVER; its values are computed over all rows of
// the block before the select list is.
type windowCall struct {
	name      string
	arg       node
	partition []node
	order     []ordering
}

type ordering struct {
	node       node
	desc       bool
	nullsFirst bool
}

func (c *Compiler) windowCall(s *scope, x *Call) (node, error) {
	if s.windows == nil {
		return node{}, fail(BadAggregate, x.Pos, x.Name, "window function not allowed")
	}
	if s.grouping != nil {
		return node{}, fail(Unsupported, x.Pos, x.Name, "window function over groups")
	}
	w := &windowCall{name: x.Name}
	switch {
	case x.Name == "ROW_NUMBER" && len(x.Args) == 0, x.Name == "COUNT" && x.Star:
	case x.Name == "NTILE" && len(x.Args) == 1:
		n, err := c.compile(s, x.Args[0])
		if err != nil {
			return n, err
		}
		w.arg = n
	default:
		return node{}, fail(Unsupported, x.Pos, x.Name, "window function")
	}
	for _, p := range x.Over.Partition {
		n, err := c.compile(s, p)
		if err != nil {
			return n, err
		}
		w.partition = append(w.partition, n)
	}
	for _, o := range x.Over.Order {
		n, err := c.compile(s, o.X)
		if err != nil {
			return n, err
		}
		w.order = append(w.order, ordering{n, o.Desc, nullsFirst(o)})
	}
	typ, err := c.D.Aggregate("COUNT", Type{})
	if err != nil {
		return node{}, err
	}
	i := len(*s.windows)
	*s.windows = append(*s.windows, w)
	return node{typ: typ, uses: len(s.sources), eval: func(e *Env) (Value, error) { return e.windows[i], nil }}, nil
}

// nullsFirst is where NULLs go: first in ascending order, unless it is said.
func nullsFirst(o Order) bool {
	if o.NullsFirst != nil {
		return *o.NullsFirst
	}
	return !o.Desc
}

// compute numbers rows, each an Env of its own.
func (w *windowCall) compute(c *Compiler, at int, rows []*Env) error {
	type keyed struct {
		env  *Env
		part string
		keys []Value
	}
	list := make([]keyed, len(rows))
	parts := make(map[string]int)
	for i, e := range rows {
		var part []byte
		for _, n := range w.partition {
			v, err := n.eval(e)
			if err != nil {
				return err
			}
			part = AppendValue(part, Normalize(v))
		}
		list[i] = keyed{env: e, part: string(part)}
		parts[list[i].part]++
		for _, o := range w.order {
			v, err := o.node.eval(e)
			if err != nil {
				return err
			}
			list[i].keys = append(list[i].keys, v)
		}
	}
	slices.SortStableFunc(list, func(a, b keyed) int { return c.orderRows(w.order, a.keys, b.keys) })
	seen := make(map[string]int)
	for _, k := range list {
		n := seen[k.part]
		seen[k.part]++
		v := IntValue(int64(n + 1))
		switch w.name {
		case "COUNT":
			v = IntValue(int64(parts[k.part]))
		case "NTILE":
			buckets, err := w.arg.eval(k.env)
			if err != nil {
				return err
			}
			v = IntValue(int64(tile(n, parts[k.part], int(buckets.I))) + 1)
		}
		k.env.windows[at] = v
	}
	return nil
}

// tile puts row n of so many into buckets of which the first are one row larger.
func tile(n, rows, buckets int) int {
	small, large := rows/buckets, rows%buckets
	if n < large*(small+1) {
		return n / (small + 1)
	}
	return large + (n-large*(small+1))/small
}

// orderRows compares sort keys.
func (c *Compiler) orderRows(by []ordering, a, b []Value) int {
	for i, o := range by {
		x, y := a[i], b[i]
		switch {
		case x.IsNull() && y.IsNull():
			continue
		case x.IsNull() || y.IsNull():
			if x.IsNull() == o.nullsFirst {
				return -1
			}
			return 1
		}
		order, _ := CompareValues(x, y)
		if order != 0 {
			if o.desc {
				return -order
			}
			return order
		}
	}
	return 0
}
