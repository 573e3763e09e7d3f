package store

// Name is an object's name; Schema is "" where none was written.
type Name struct {
	Schema, Name string
	Pos          int
}

// Expr is an expression: one of the pointer types below.
type Expr any

// Expressions.
type (
	// Literal is a constant.
	Literal struct {
		Value Value
		Type  Type
	}
	// Placeholder is a parameter; Index counts from 0 in the order of occurrence.
	Placeholder struct {
		Index int
		Pos   int
	}
	// Ref names a column or a pseudo-column.
	Ref struct {
		Schema, Table, Column string
		Quoted                bool // the last part was in quotes
		Pos                   int
	}
	// Unary is -, + or NOT.
	Unary struct {
		Op  string
		X   Expr
		Pos int
	}
	// Binary is a comparison, arithmetic, ||, AND or OR.
	Binary struct {
		Op   string
		L, R Expr
		Pos  int
	}
	// In is a membership in a list or in a query's rows.
	In struct {
		X     Expr
		List  []Expr
		Query *Select
		Not   bool
		Pos   int
	}
	// Between includes its bounds.
	Between struct {
		X, Low, High Expr
		Not          bool
		Pos          int
	}
	// Like matches % and _.
	Like struct {
		X, Pattern, Escape Expr
		Not                bool
		Pos                int
	}
	// IsNull tests for NULL.
	IsNull struct {
		X   Expr
		Not bool
	}
	// IsKind tests for a word that a dialect knows, as IS NAN.
	IsKind struct {
		X    Expr
		Word string
		Not  bool
		Pos  int
	}
	// Case with an operand compares, without one tests.
	Case struct {
		Operand Expr
		When    []When
		Else    Expr
		Pos     int
	}
	// When is one branch.
	When struct{ If, Then Expr }
	// Call is a function or an aggregate.
	Call struct {
		Schema, Name string
		Args         []Expr
		Star         bool
		Distinct     bool
		Over         *Window
		Pos          int
	}
	// Window is what stands behind OVER.
	Window struct {
		Partition []Expr
		Order     []Order
	}
	// Cast converts.
	Cast struct {
		X    Expr
		Type Type
	}
	// Exists tests for rows.
	Exists struct {
		Query *Select
	}
	// Subquery is a scalar one.
	Subquery struct {
		Query *Select
		Pos   int
	}
	// Tuple is a list in parentheses, on either side of = and IN.
	Tuple struct {
		Items []Expr
		Pos   int
	}
	// Outer marks a column with (+).
	Outer struct {
		X   *Ref
		Pos int
	}
)

// Item is one element of a select list. Star with a Table is t.*.
type Item struct {
	X     Expr
	Alias string
	Text  string // as written, for the name of a column without alias
	Star  bool
	Table string
	Pos   int
}

// Order is one element of ORDER BY.
type Order struct {
	X          Expr
	Desc       bool
	NullsFirst *bool
	Pos        int
}

// From is a source of rows: *TableRef, *QueryRef or *Join.
type From any

// Sources of rows.
type (
	// TableRef names a table or a view.
	TableRef struct {
		Name      Name
		Alias     string
		Partition []Expr // PARTITION (...) or SUBPARTITION (...), as written
		AsOf      Expr   // a commit time
		Sample    Expr   // percent
		Seed      Expr   // SAMPLE (...) SEED (...)
		Block     bool   // SAMPLE BLOCK
	}
	// QueryRef is a query in parentheses.
	QueryRef struct {
		Query *Select
		Alias string
	}
	// Join joins two sources; Kind is INNER, LEFT, RIGHT, FULL or CROSS.
	Join struct {
		Kind string
		L, R From
		On   Expr
	}
)

// Locking is FOR UPDATE or FOR SHARE LOCK.
type Locking struct {
	Share  bool
	Wait   *int64 // seconds; nil waits as long as the engine does
	NoWait bool
	Skip   bool // rows that are locked
}

// SetOperation appends the rows of another query; Op is UNION, INTERSECT or EXCEPT.
type SetOperation struct {
	Op    string
	All   bool
	Query *Select
}

// CTE is one query of WITH.
type CTE struct {
	Name    string
	Columns []string
	Query   *Select
}

// Select is a query.
type Select struct {
	With     []CTE
	Distinct bool
	Items    []Item
	From     []From
	Where    Expr
	Group    []Expr
	Having   Expr
	Sets     []SetOperation
	Order    []Order
	Limit    Expr // also TOP and FETCH FIRST
	Offset   Expr
	Lock     *Locking
	Pos      int
}

// Assignment is one of UPDATE's.
type Assignment struct {
	Column string
	X      Expr // nil where DEFAULT was written
	Pos    int
}

// Insert adds rows. Values has one row, or Query is set.
type Insert struct {
	Verb       string // INSERT, UPSERT or REPLACE
	Table      Name
	Columns    []Name // only Name and Pos are set
	Values     []Expr // nil elements are DEFAULT
	Query      *Select
	Where      Expr // UPSERT ... WHERE
	PrimaryKey bool // UPSERT ... WITH PRIMARY KEY
	Pos        int
}

// Update changes rows.
type Update struct {
	Table Name
	Alias string
	Set   []Assignment
	Where Expr
}

// Delete removes rows.
type Delete struct {
	Table Name
	Alias string
	Where Expr
}
