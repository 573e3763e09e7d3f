package sample

// kind is what a column holds; each dialect spells it in its own way.
type kind uint8

const (
	varchar     kind = iota // size characters
	char                    // size characters, padded where the engine pads
	decimal                 // size digits, scale of them after the point
	number                  // decimal of any precision
	smallint                // 16 bits
	integer                 // 32 bits
	bigint                  // 64 bits
	double                  // IEEE 754, 64 bits
	boolean                 //
	date                    // ISO text
	timeOfDay               // ISO text
	timestamp               // ISO text, size fractional digits
	timestamptz             // ISO text in UTC, size fractional digits
	text                    // unbounded
	blob                    // unbounded
	uuid                    // canonical text
	json                    // a document
	identity                // 64 bits, numbered by the engine, primary key by itself
)

type column struct {
	name     string
	kind     kind
	size     int
	scale    int
	nullable bool
	initial  string // default, an SQL literal that both engines read alike
}

// null makes a column nullable.
func (c column) null() column {
	c.nullable = true
	return c
}

// or gives a column a default.
func (c column) or(literal string) column {
	c.initial = literal
	return c
}

func col(name string, k kind) column { return column{name: name, kind: k} }

func str(name string, size int) column { return column{name: name, kind: varchar, size: size} }

// sapText is a character field as ABAP declares it: never NULL, blank by default.
func sapText(name string, size int) column { return str(name, size).or("' '") }

func dec(name string, size, scale int) column {
	return column{name: name, kind: decimal, size: size, scale: scale}
}

// client is the key column that nearly every SAP table begins with.
func client(name string) column {
	return column{name: name, kind: char, size: 3, initial: "'000'"}
}

type index struct {
	name    string
	columns []string
	unique  bool
}

type reference struct {
	columns []string
	table   string
	to      []string
}

// table is one table for every engine.
type table struct {
	name         string
	columns      []column
	key          []string // primary key; empty where it has none, or an identity column
	indexes      []index
	references   []reference
	check        string // an expression that both engines read alike
	withoutRowID bool   // SQLite's table option
	custom       bool   // no table of SAP's: Oracle, too, has its keys and references as constraints
	only         string // engine that alone can hold its rows; empty is any
	rows         int64
	// fill appends the cells of row i, one a column. Rows are asked for in order, and
	// the row's random numbers depend on seed and table only.
	fill func(r *row, i int64)
}

// spread says which of parents row i of n belongs to, and as which of its children,
// counted from 0. Children of one parent are neighbours, and every parent gets n/parents of
// them, or one more.
func spread(i, n, parents int64) (parent, ordinal int64) {
	parent = mulDiv(i, parents, n)
	first := mulDiv(parent, n, parents)
	if mulDiv(first, parents, n) < parent {
		first++
	}
	return parent, i - first
}

// clientOf gives the first 80 % of n rows to client 100, most others to 200, the last to 800.
func clientOf(i, n int64) string {
	switch p := i * 100 / max(n, 1); {
	case p < 80:
		return "100"
	case p < 95:
		return "200"
	}
	return "800"
}
