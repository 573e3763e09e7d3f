package catalog

import "testing"

// exact compares as PostgreSQL does, loose as SQLite.
var exact, loose = Comparison{}, Comparison{IgnoreCase: true}

func TestSameExpression(t *testing.T) {
	for _, x := range []struct {
		c    Comparison
		a, b string
		want bool
	}{
		{exact, `("value" > 0)`, `value > 0`, true},
		{exact, `(a) + (b)`, `a) + (b`, false},
		{exact, `"A" > 0`, `a > 0`, false},
		{exact, `x = 'A'`, `x = 'a'`, false},
		{exact, `x = 'it''s (1)'`, `x='it''s (1)'`, true},
		{exact, `"(" = 1`, `( = 1`, false},
		{exact, `"a"."b"`, `a.b`, true},
		{exact, `a /* b */ = 1`, "a\n= 1 -- c", true},
		{exact, `"a b"`, `a b`, false},
		{loose, "[A b] > `C`", `"a B" > c`, true},
		{loose, `x = 'A'`, `X = 'a'`, false},
		{exact, `'unclosed`, `'unclosed `, false},
		{exact, ``, `0`, false},
		{exact, `((x)::text = ANY ((ARRAY['a'::character varying, 'b,'::character varying])::text[]))`,
			`((x)::text = ANY (ARRAY[('a'::character varying)::text, ('b,'::character varying)::text]))`, true},
		{exact, `(ARRAY['a'::character varying])::text[]`, `ARRAY[('b'::character varying)::text]`, false},
		{exact, `(ARRAY[f(a, b)])::s.t[]`, `ARRAY[(f(a, b))::s.t]`, true},
	} {
		if got := x.c.SameExpression(x.a, x.b); got != x.want {
			t.Errorf("%s and %s: %v", x.a, x.b, got)
		}
	}
}

func TestSameIndex(t *testing.T) {
	on := func(columns ...IndexColumn) Index { return Index{Name: "x", Columns: columns} }
	a, b := IndexColumn{Name: "a"}, IndexColumn{Name: "b"}
	text := func(sql string) Index { return Index{Definition: sql, Columns: []IndexColumn{a}} }
	special := on(a)
	special.Special = true
	unique := on(a)
	unique.Unique = true
	for i, x := range []struct {
		c          Comparison
		want, have Index
		same       bool
	}{
		{exact, on(a, b), on(a, b), true},
		{exact, on(a, b), on(b, a), false},
		{exact, on(a), on(IndexColumn{Name: "a", Desc: true}), false},
		{exact, on(a), on(IndexColumn{Name: "A"}), false},
		{loose, on(a), on(IndexColumn{Name: "A"}), true},
		{exact, on(a), unique, false},
		{exact, on(a), special, false},
		{exact, on(), on(), false},
		{exact, on(a), text("USING btree (a)"), true},
		{exact, text("USING btree (a)"), text(`USING btree ("a")`), true},
		{exact, text("USING btree (a)"), text("USING hash (a)"), false},
		{exact, text("USING btree (a) WHERE (a > 0)"), text("USING btree (a)"), false},
		{loose, text(`CREATE INDEX "on" ON t (a)`), text("CREATE INDEX other ON [a T] (A)"), true},
		{loose, text(`CREATE INDEX x ON t (a)`), text("CREATE INDEX x ON t (a) WHERE a > 0"), false},
	} {
		if got := x.c.SameIndex(x.want, x.have); got != x.same {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func TestSameKey(t *testing.T) {
	k := func(definition string, index bool, columns ...string) Key {
		return Key{Columns: columns, Definition: definition, Index: index}
	}
	primary := k("", false, "a")
	primary.Primary = true
	for i, x := range []struct {
		want, have Key
		same       bool
	}{
		{k("", false, "a", "b"), k("UNIQUE (a, b)", false, "a", "b"), true},
		{k("", false, "a"), k("UNIQUE (a) DEFERRABLE", false, "a"), false},
		{k("", false, "a"), k("UNIQUE (a) INCLUDE (b)", false, "a"), false},
		{k("", false, "a"), k("USING btree (a)", true, "a"), true},
		{k("UNIQUE (a)", false, "a"), k("USING btree (a)", true, "a"), false},
		{k("USING btree (a)", true, "a"), k("USING btree (a)", true, "a"), true},
		{k("", false, "a", "b"), k("", false, "b", "a"), false},
		{k("", false, "a"), primary, false},
		{k("", false, "a b"), k(`UNIQUE ("a b")`, false, "a b"), true},
		{k("", true, "a"), k("CREATE UNIQUE INDEX x ON t (a)", true, "a"), true},
		{k("", true, "a"), k("CREATE UNIQUE INDEX x ON t (a COLLATE nocase)", true, "a"), false},
	} {
		if got := exact.SameKey(x.want, x.have); got != x.same {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func TestSameForeignKey(t *testing.T) {
	base := ForeignKey{Name: "f", Columns: []string{"a"}, Table: Name{"s", "p"}, References: []string{"id"}}
	with := func(change func(*ForeignKey)) ForeignKey {
		f := base
		change(&f)
		return f
	}
	for i, x := range []struct {
		have ForeignKey
		same bool
	}{
		{with(func(f *ForeignKey) { f.Name = "other" }), true},
		{with(func(f *ForeignKey) { f.Table.Name = "q" }), false},
		{with(func(f *ForeignKey) { f.OnDelete = "CASCADE" }), false},
		{with(func(f *ForeignKey) { f.References = []string{"x"} }), false},
		{with(func(f *ForeignKey) { f.Deferrable = "DEFERRABLE" }), false},
		{with(func(f *ForeignKey) { f.Definition = "MATCH FULL" }), false},
		{with(func(f *ForeignKey) { f.Definition = "ON DELETE SET NULL (a)" }), false},
	} {
		if got := exact.SameForeignKey(base, x.have); got != x.same {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func TestSameTypeAndSequence(t *testing.T) {
	enum := func(labels ...string) UserType { return UserType{Kind: "enum", Labels: labels} }
	domain := func(sql string) UserType { return UserType{Kind: "domain", Definition: sql} }
	for i, x := range []struct {
		want, have UserType
		same       bool
	}{
		{enum("a", "b"), enum("a", "b"), true},
		{enum("a", "b"), enum("b", "a"), false},
		{enum("a"), enum("a", "b"), false},
		{domain("real"), domain("integer"), false},
		{domain("integer"), domain("integer NOT NULL"), false},
		{domain("integer CONSTRAINT a CHECK ((VALUE > 0)) CONSTRAINT b CHECK ((VALUE < 9))"), domain("integer CONSTRAINT x CHECK ((VALUE < 9)) CONSTRAINT y CHECK ((VALUE > 0))"), true},
		{domain("integer CONSTRAINT a CHECK ((VALUE > 0))"), domain("integer"), false},
		{domain("integer DEFAULT 1"), domain("integer DEFAULT 2"), false},
	} {
		if got := exact.SameType(x.want, x.have); got != x.same {
			t.Errorf("%d: %v", i, got)
		}
	}
	s := Sequence{Increment: 1, Min: 1, Max: 9, Start: 1, DataType: "bigint", Last: 3}
	other := s
	other.Start, other.Last, other.Called, other.Cache = 5, 7, true, 10
	if !exact.SameSequence(s, other) || !exact.SameSequence(Sequence{}, s) {
		t.Error("position, start and cache are no difference, and zero is any")
	}
	for i, change := range []func(*Sequence){func(s *Sequence) { s.Increment = -1 }, func(s *Sequence) { s.Max = 8 },
		func(s *Sequence) { s.Cycle = true }, func(s *Sequence) { s.DataType = "integer" }} {
		x := s
		if change(&x); exact.SameSequence(s, x) {
			t.Errorf("%d is the same", i)
		}
	}
}
