package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// policy is one of DBMS_RLS, whose predicate is always 1 = 0, or of DBMS_REDACT, which
// redacts one column in full.
type policy struct {
	name    string
	column  string // of DBMS_REDACT
	enabled bool
}

// arguments reads "name => 'text', ..." up to the closing parenthesis; what is not text is kept as words.
func arguments(p *store.Parser) (map[string]string, error) {
	out := make(map[string]string)
	name, words := "", ""
	end := func() {
		if name != "" {
			out[name] = words
		}
		name, words = "", ""
	}
	for depth := 1; ; {
		t := p.Next()
		op := t.Kind == store.Op
		switch {
		case t.Kind == store.End:
			return nil, ora.Errorf(6550, "line 1, column 7:\nPLS-00103: Encountered the symbol \"end-of-file\"")
		case op && t.Text == "(":
			depth++
		case op && t.Text == ")":
			if depth--; depth == 0 {
				end()
				return out, nil
			}
		case depth == 1 && op && t.Text == ",":
			end()
		case depth == 1 && op && (t.Text == "=>" || t.Text == "=" && p.Accept(">")):
			name, words = strings.ToUpper(words), ""
		default:
			words += t.Text
		}
	}
}

// addPolicy carries out DBMS_RLS.ADD_POLICY and DBMS_REDACT.ADD_POLICY.
func (s *Session) addPolicy(pkg string, a map[string]string) error {
	if !s.user.has("EXECUTE ANY PROCEDURE", "EXECUTE ON "+pkg) {
		return ora.Errorf(6550, "line 1, column 7:\nPLS-00201: identifier '%s' must be declared", pkg)
	}
	t, err := s.policyTable(a)
	if err != nil {
		return err
	}
	p := &policy{name: a["POLICY_NAME"], column: a["COLUMN_NAME"], enabled: strings.ToUpper(a["ENABLE"]) != "FALSE"}
	if pkg == "DBMS_RLS" {
		t.rls = append(t.rls, p)
		return nil
	}
	for _, c := range t.cols {
		if c.name == p.column {
			t.redacted = append(t.redacted, p)
			return nil
		}
	}
	return ora.Errorf(28068, "The object does not have a Data Redaction policy.")
}

func (s *Session) dropPolicy(pkg string, a map[string]string) error {
	t, err := s.policyTable(a)
	if err != nil {
		return err
	}
	list := &t.rls
	if pkg == "DBMS_REDACT" {
		list = &t.redacted
	}
	var kept []*policy
	for _, p := range *list {
		if p.name != a["POLICY_NAME"] {
			kept = append(kept, p)
		}
	}
	*list = kept
	return nil
}

func (s *Session) policyTable(a map[string]string) (*Table, error) {
	q := qname{a["OBJECT_SCHEMA"], a["OBJECT_NAME"]}
	if q.owner == "" {
		q.owner = s.schema
	}
	o := s.db.objects[q]
	if o == nil || o.table == nil {
		return nil, ora.Errorf(942, "table or view does not exist")
	}
	return o.table, nil
}

// hides says whether a policy keeps all rows of a table from a user.
func (t *Table) hides(u *user) bool {
	for _, p := range t.rls {
		if p.enabled && !u.has("EXEMPT ACCESS POLICY") {
			return true
		}
	}
	return false
}

// redact puts what full redaction shows in the place of values.
func (t *Table) redact(u *user, row [][]byte) error {
	for _, p := range t.redacted {
		if !p.enabled || u.has("EXEMPT REDACTION POLICY") {
			continue
		}
		for i, c := range t.cols {
			if c.name != p.column || row[i] == nil {
				continue
			}
			shown := []byte(" ")
			if c.typ.Kind == Number {
				var err error
				if shown, err = value.IntDec(0).Encode(); err != nil {
					return err
				}
			}
			row[i] = shown
		}
	}
	return nil
}

// policyViews are those of DBMS_RLS and DBMS_REDACT.
func policyViews() []family {
	return []family{
		{"POLICIES", "", "OBJECT_OWNER OBJECT_NAME POLICY_NAME ENABLE SEL", func(v *viewRows) {
			for _, t := range v.tables() {
				for _, p := range t.rls {
					v.add(t.owner, t.name, p.name, yesNo(p.enabled, "YES", "NO"), "YES")
				}
			}
		}},
	}
}

// redactionViews have no ALL_ form: only the dictionary's readers see them.
func (v *viewRows) redactions(columns bool) {
	for _, t := range v.db.tables() {
		for _, p := range t.redacted {
			if columns {
				v.add(t.owner, t.name, p.column, "FULL REDACTION")
			} else {
				v.add(t.owner, t.name, p.name, "1=1", yesNo(p.enabled, "YES", "NO"))
			}
		}
	}
}
