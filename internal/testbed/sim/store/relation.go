package store

import "context"

// Column is one of a relation's, or of a query's result.
type Column struct {
	Name string
	Type Type
	// Of the table it comes from, where it is a plain column.
	Schema, Table, Origin string
}

// Relation is what a name in FROM stands for: a table, rows that are made when
// they are asked for, or a query (a view).
type Relation struct {
	Schema, Name string
	Columns      []Column
	Table        *Table
	Defaults     []Value // of columns that a table's old rows lack
	Rows         func(ctx context.Context) ([][]Value, error)
	Query        *Select
	// Pseudo are columns that are not in * and not stored, as ROWID.
	Pseudo map[string]PseudoColumn
	// Keep, where set, drops slots of a table before they are decoded, as SAMPLE BLOCK does.
	Keep func(slot uint32) bool
	// Part, where set, drops rows of other partitions.
	Part func(row []byte) bool
}

// PseudoColumn is computed from where a row lies.
type PseudoColumn struct {
	Type  Type
	Value func(Hit) Value
}

// Resolver knows the objects of a database, as one session sees them.
type Resolver interface {
	// Relation returns what a table's reference names; *Error with NoTable where nothing is.
	Relation(ref *TableRef) (*Relation, error)
	// Pseudo evaluates what is not a column, as a sequence's NEXTVAL; nil where it is nothing.
	Pseudo(ref *Ref) (func(ctx context.Context) (Value, error), Type, error)
}

// Env is what an execution knows. Rows, one a source, belong to one block.
type Env struct {
	Ctx      context.Context
	Params   []Value
	Snapshot Snapshot

	outer   *Env
	rows    [][]Value
	hits    []Hit
	group   []Value // values of GROUP BY's expressions
	totals  []Value // of the aggregates
	windows []Value
	cache   map[any]any // results of subqueries that depend on nothing
}

// NewEnv starts an execution.
func NewEnv(ctx context.Context, params []Value, s Snapshot) *Env {
	return &Env{Ctx: ctx, Params: params, Snapshot: s, cache: make(map[any]any)}
}

// Over is the execution with one row of the relation that Compiler.Over was given.
func (e *Env) Over(row []Value, hit Hit) *Env {
	in := e.inner(1)
	in.rows[0], in.hits[0] = row, hit
	return in
}

func (e *Env) inner(sources int) *Env {
	return &Env{Ctx: e.Ctx, Params: e.Params, Snapshot: e.Snapshot, outer: e, cache: e.cache,
		rows: make([][]Value, sources), hits: make([]Hit, sources)}
}

// node is a compiled expression.
type node struct {
	typ  Type
	eval func(*Env) (Value, error)
	// uses is the highest source of its block that it reads, -1 for none; outer
	// says that it reads an enclosing block's row.
	uses  int
	outer bool
	param int // 1 + the index of a placeholder whose type is open
	fixed bool
}

// Compiled is an expression ready to run.
type Compiled struct {
	node node
}

// Eval computes it.
func (c Compiled) Eval(e *Env) (Value, error) { return c.node.eval(e) }

// scope is where names are looked up while one block is compiled.
type scope struct {
	outer   *scope
	sources []*source
	ctes    map[string]CTE
	// Of a block with groups, while its list, HAVING and ORDER BY are compiled.
	grouping *grouping
	windows  *[]*windowCall
	crossed  bool // an inner block read this one's row
}

// source is one relation of a block.
type source struct {
	alias   string // how its columns are named
	schema  string // "" where an alias was written
	rel     *Relation
	query   *Query // of a view or a query in FROM
	crossed bool   // that query reads rows around this block
	left    bool   // keeps rows of the sources before it that match none of its own
	on      []node
	filter  []node // of WHERE, that can be decided with this source
	lookup  *lookup
	hash    []hashKey
}

// lookup finds a row by a unique key of values that are known before.
type lookup struct {
	index *Index
	key   []node
	types []Type
}

// hashKey equates an expression over this source with one over those before it.
type hashKey struct{ mine, theirs node }

type grouping struct {
	keys   []string
	nodes  []node
	calls  []*aggregate
	inside bool // an aggregate's argument is being compiled
}
