package store

// Dialect is what differs between engines in queries and data changes. It holds
// no state and may be shared.
type Dialect struct {
	Reserved      map[string]bool     // words that are no identifiers without quotes
	Functions     map[string]Function // by name in upper case
	MaxIdentifier int                 // bytes; 0 has no limit
	Digits        int                 // significant digits of a quotient

	// Without are the words of clauses that other engines have and this one has not:
	// LIMIT, FETCH, SAMPLE, TABLESAMPLE, SKIP, IGNORE.
	Without map[string]bool

	// ParseType reads a type name, as in CAST.
	ParseType func(p *Parser) (Type, error)
	// Primary reads what only this dialect has at the begin of an operand, as
	// CURRENT_TIMESTAMP or DATE '...'; nil, nil where there is nothing of it.
	Primary func(p *Parser) (Expr, error)
	// Convert brings a value to a kind, as a comparison of a text with a number does.
	Convert func(v Value, to Type) (Value, error)
	// Common is the type of a result that may come from two branches, and of
	// arithmetic; op is "" for the former.
	Common func(op string, a, b Type) (Type, error)
	// Aggregate is the result type of COUNT, SUM, MIN, MAX or AVG.
	Aggregate func(name string, arg Type) (Type, error)
	// Names of the types of literals and of conditions.
	IntType, DecType, FloatType, TextType, BytesType, BoolType string
}

// Function is one that computes a value from values.
type Function struct {
	Min, Max int // arguments; Max -1 has no bound
	// Nulls: the function wants to see NULL arguments; else the result is NULL.
	Nulls bool
	// Type is the result's; args have the types that were found.
	Type func(args []Type) (Type, error)
	// Eval computes. It may be called concurrently.
	Eval func(args []Value) (Value, error)
	// Bind, where set, makes Eval of the types of the arguments.
	Bind func(args []Type) func(args []Value) (Value, error)
}
