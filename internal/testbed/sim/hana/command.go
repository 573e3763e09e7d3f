package hana

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// command is a compiled statement: one of query, rows, ddl and set is there.
type command struct {
	function int16
	params   []store.Type
	changes  int64 // of the catalog, when it was compiled

	query   *store.Query
	columns []store.Column // of query, as the client sees them
	base    *table         // of a query that locks

	// rows changes rows, for one row of parameters.
	rows  func(x *change, params []store.Value) (int64, error)
	table *table // that rows changes
	// lobs says which column a parameter goes to as it is.
	lobs map[int]int

	ddl func(tx *txn) error // commits, unless DDL does not
	set func() error        // changes the session, or another one
}

// statement is a prepared one.
type statement struct {
	text string
	cmd  *command
}

// compile parses a statement and looks up what it names.
func (s *session) compile(text string) (*command, error) {
	changes := s.db.changes.Load()
	p, err := store.NewParser(s.db.dialect, text)
	if err != nil {
		return nil, err
	}
	cmd, err := s.parse(p)
	if err != nil {
		return nil, err
	}
	for i, t := range cmd.params {
		if t.Name == "" {
			cmd.params[i] = typeNamed("NVARCHAR")
		}
	}
	cmd.changes = changes
	return cmd, nil
}

func (s *session) parse(p *store.Parser) (*command, error) {
	switch p.Peek(0).Text {
	case "SELECT", "WITH", "(":
		return s.compileSelect(p)
	case "INSERT", "UPSERT", "REPLACE":
		return s.compileInsert(p)
	case "UPDATE":
		return s.compileUpdate(p)
	case "DELETE":
		return s.compileDelete(p)
	case "CREATE":
		return s.parseCreate(p)
	case "DROP":
		return s.parseDrop(p)
	case "ALTER":
		return s.parseAlter(p)
	case "RENAME":
		return s.parseRename(p)
	case "TRUNCATE":
		return s.parseTruncate(p)
	case "COMMENT":
		return s.parseComment(p)
	case "MERGE":
		return s.parseMergeDelta(p)
	case "LOCK":
		return s.parseLock(p)
	case "GRANT", "REVOKE":
		return s.parseGrant(p)
	case "SET", "UNSET", "COMMIT", "ROLLBACK":
		return s.parseSession(p)
	case "LOAD", "UNLOAD":
		return s.parseLoad(p)
	}
	return nil, p.Unexpected()
}

// names resolves what a statement names, as the session sees it.
type names struct {
	s   *session
	tx  *txn
	use []*table // base tables of the statement
}

// Relation implements store.Resolver.
func (n *names) Relation(ref *store.TableRef) (*store.Relation, error) {
	name := ref.Name
	if name.Schema == "" {
		if name.Name == "DUMMY" {
			name.Schema = "SYS"
		} else {
			name.Schema = n.s.schema
		}
	}
	if ref.AsOf != nil {
		return nil, &Error{Code: codeSyntax, Pos: name.Pos + 1, Text: "sql syntax error: incorrect syntax near table"}
	}
	if t := n.s.db.relation(n.tx, name); t != nil {
		if err := n.s.allow(n.tx, "SELECT", name); err != nil {
			return nil, err
		}
		n.use = append(n.use, t)
		rel := t.relationOf(n.tx)
		if err := onePartition(t, rel, ref); err != nil {
			return nil, err
		}
		return rel, sample(rel, ref)
	}
	if rel := n.s.systemView(name, n.tx); rel != nil {
		return rel, nil
	}
	return nil, noTable(name)
}

func noTable(name store.Name) error {
	return &Error{Code: codeNoTable, Pos: name.Pos + 1, Text: fmt.Sprintf("invalid table name: Could not find table/view %s in schema %s: line 1 col %d (at pos %d)",
		name.Name, name.Schema, name.Pos+1, name.Pos+1)}
}

// compiler makes a compiler and its resolver. A statement that is only prepared
// sees the catalog of the transaction that is open, or none.
func (s *session) compiler() (*store.Compiler, *names) {
	n := &names{s: s, tx: s.current()}
	return &store.Compiler{D: s.db.dialect, Names: n}, n
}

func (s *session) compileSelect(p *store.Parser) (*command, error) {
	sel, err := p.Query()
	if err != nil {
		return nil, err
	}
	if p.Accept("WITH", "HINT", "(") {
		for !p.Accept(")") {
			if p.Next().Kind == store.End {
				return nil, p.Unexpected()
			}
		}
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	cmd := &command{function: funcSelect}
	if sel.Lock != nil {
		cmd.function = funcLocking
		if len(sel.Sets) > 0 || sel.Distinct || len(sel.Group) > 0 || len(sel.From) != 1 {
			return nil, &Error{Code: 7, Text: "feature not supported: FOR UPDATE of this query"}
		}
		sel.Items = append(sel.Items, store.Item{X: &store.Ref{Column: slotColumn}})
	}
	c, n := s.compiler()
	if cmd.query, err = c.Query(sel); err != nil {
		return nil, err
	}
	cmd.columns, cmd.params = cmd.query.Columns, c.Params
	if sel.Lock != nil {
		if len(n.use) != 1 || n.use[0].rows == nil {
			return nil, &Error{Code: 7, Text: "feature not supported: FOR UPDATE of this query"}
		}
		cmd.base = n.use[0]
		cmd.columns = cmd.columns[:len(cmd.columns)-1]
		if err := s.allow(n.tx, "UPDATE", cmd.base.name); err != nil {
			return nil, err
		}
	}
	return settleParams(p, cmd), nil
}

// settleParams makes room for placeholders that the compiler never came to.
func settleParams(p *store.Parser, cmd *command) *command {
	for len(cmd.params) < p.Params() {
		cmd.params = append(cmd.params, store.Type{})
	}
	return cmd
}

// target finds the table that a statement changes.
func (s *session) target(n *names, name store.Name, privilege string) (*table, error) {
	if name.Schema == "" {
		name.Schema = s.schema
	}
	t := s.db.relation(n.tx, name)
	if t == nil {
		if s.systemView(name, n.tx) != nil {
			return nil, errPrivilege
		}
		return nil, noTable(name)
	}
	if t.rows == nil {
		return nil, &Error{Code: 361, Pos: name.Pos + 1, Text: "data manipulation operation not legal on this view: " + name.Name}
	}
	return t, s.allow(n.tx, privilege, t.name)
}

// Pseudo implements store.Resolver: session words and sequences.
func (n *names) Pseudo(ref *store.Ref) (eval pseudo, typ store.Type, err error) {
	switch {
	case ref.Table == "" && sessionWords[ref.Column] && !ref.Quoted:
		eval, typ = n.s.sessionWord(ref.Column)
		return eval, typ, nil
	case ref.Table == "SESSION_CONTEXT" && ref.Schema == "":
		return n.s.sessionContext(ref.Column), typeNamed("NVARCHAR"), nil
	case ref.Table != "" && (ref.Column == "NEXTVAL" || ref.Column == "CURRVAL") && !ref.Quoted:
		name := store.Name{Schema: ref.Schema, Name: ref.Table}
		if name.Schema == "" {
			name.Schema = n.s.schema
		}
		q := n.s.db.sequence(n.tx, name)
		if q == nil {
			return nil, typ, &Error{Code: 313, Pos: ref.Pos + 1, Text: "invalid sequence: " + ref.Table}
		}
		if err := n.s.allow(n.tx, "SELECT", name); err != nil {
			return nil, typ, err
		}
		return n.s.sequenceValue(q, ref.Column == "NEXTVAL"), typeNamed("BIGINT"), nil
	}
	return nil, typ, nil
}

// sample is TABLESAMPLE: rows are chosen by their place, so that a test sees the same ones again.
func sample(rel *store.Relation, ref *store.TableRef) error {
	if ref.Sample == nil {
		return nil
	}
	l, ok := ref.Sample.(*store.Literal)
	if !ok || !l.Value.Numeric() || rel.Table == nil {
		return &Error{Code: codeSyntax, Pos: ref.Name.Pos + 1, Text: "sql syntax error: incorrect syntax near TABLESAMPLE"}
	}
	percent := store.ToFloat(l.Value)
	if percent <= 0 || percent > 100 {
		return &Error{Code: 8, Text: "invalid argument: TABLESAMPLE takes more than 0 and at most 100 percent"}
	}
	rel.Keep = func(slot uint32) bool {
		const spread = 2654435761 // Knuth's multiplicative hash
		return float64(slot*spread)/(1<<32)*100 < percent
	}
	return nil
}

// onePartition is SELECT ... FROM t PARTITION (n), by logical partition ids.
func onePartition(t *table, rel *store.Relation, ref *store.TableRef) error {
	if ref.Partition == nil {
		return nil
	}
	parts := make(map[int]bool)
	for _, x := range ref.Partition {
		l, ok := x.(*store.Literal)
		if !ok || l.Value.K != store.Int || t.rows == nil || l.Value.I < 1 || l.Value.I > int64(max(1, t.rows.Parts)) {
			return &Error{Code: 546, Pos: ref.Name.Pos + 1, Text: "invalid partition id"}
		}
		parts[int(l.Value.I)-1] = true
	}
	rel.Part = func(row []byte) bool { return t.rows.PartOf == nil || parts[t.rows.PartOf(row)] }
	return nil
}
