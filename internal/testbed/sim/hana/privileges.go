package hana

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// systemPrivileges are those that the first user has (SQL reference, "System Privileges").
var systemPrivileges = []string{"CATALOG READ", "CREATE SCHEMA", "DATA ADMIN", "DATABASE ADMIN", "EXPORT", "IMPORT", "INIFILE ADMIN", "MONITOR ADMIN",
	"RESOURCE ADMIN", "ROLE ADMIN", "SAVEPOINT ADMIN", "SESSION ADMIN", "TABLE ADMIN", "USER ADMIN"}

// objectPrivileges are those on schemas and tables.
var objectPrivileges = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE ANY", "ALTER", "DROP", "INDEX", "REFERENCES", "TRIGGER", "EXECUTE"}

var errPrivilege = &Error{Code: codePrivilege, Text: "insufficient privilege: Not authorized"}

func (u *user) has(g grant) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.grants[g]
}

// system checks a system privilege.
func (s *session) system(privilege string) error {
	if s.user.has(grant{privilege: privilege}) {
		return nil
	}
	return errPrivilege
}

// may says whether the session's user has a privilege on an object: as the owner
// of its schema, by a grant on the schema or by one on the object.
func (s *session) may(tx *txn, privilege string, name store.Name) bool {
	if name.Schema == "SYS" {
		return privilege == "SELECT"
	}
	if sc := s.db.schema(tx, name.Schema); sc != nil && sc.owner == s.user.name {
		return true
	}
	return s.user.has(grant{privilege, name.Schema, ""}) || s.user.has(grant{privilege, name.Schema, name.Name})
}

// allow is may as an error.
func (s *session) allow(tx *txn, privilege string, name store.Name) error {
	if s.may(tx, privilege, name) {
		return nil
	}
	return errPrivilege
}

// shown says whether catalog views list what is in a schema: with CATALOG READ, or
// any privilege on it or on something in it.
func (s *session) shown(tx *txn, schema string) bool {
	if schema == "SYS" || s.user.has(grant{privilege: "CATALOG READ"}) {
		return true
	}
	if sc := s.db.schema(tx, schema); sc != nil && sc.owner == s.user.name {
		return true
	}
	s.user.mu.Lock()
	defer s.user.mu.Unlock()
	for g := range s.user.grants {
		if g.schema == schema {
			return true
		}
	}
	return false
}

// parseGrant reads GRANT and REVOKE.
func (s *session) parseGrant(p *store.Parser) (*command, error) {
	revoke := p.Next().Text == "REVOKE"
	var names []string
	for {
		var words []string
		for p.Peek(0).Kind == store.Word && !p.Is("ON") && !p.Is("TO") && !p.Is("FROM") {
			words = append(words, p.Next().Text)
		}
		name := strings.Join(words, " ")
		if !slices.Contains(systemPrivileges, name) && !slices.Contains(objectPrivileges, name) {
			return nil, p.Unexpected()
		}
		names = append(names, name)
		if !p.Accept(",") {
			break
		}
	}
	var schema, object string
	if p.Accept("ON") {
		var err error
		if p.Accept("SCHEMA") {
			schema, err = p.Identifier()
		} else {
			var n store.Name
			n, err = p.Name()
			schema, object = n.Schema, n.Name
			if schema == "" {
				schema = s.schema
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if !p.Accept("TO") && !p.Accept("FROM") {
		return nil, p.Unexpected()
	}
	grantee, err := p.Identifier()
	if err != nil {
		return nil, err
	}
	_ = p.Accept("WITH", "GRANT", "OPTION") || p.Accept("WITH", "ADMIN", "OPTION")
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		u := s.db.user(grantee)
		switch {
		case u == nil:
			return &Error{Code: 332, Text: "invalid user name: " + grantee}
		case schema != "" && s.db.schema(tx, schema) == nil:
			return &Error{Code: 362, Text: "invalid schema name: " + schema}
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, n := range names {
			if schema == "" && !slices.Contains(systemPrivileges, n) || schema != "" && !slices.Contains(objectPrivileges, n) {
				return &Error{Code: 334, Text: "invalid user privilege: " + n}
			}
			if revoke {
				delete(u.grants, grant{n, schema, object})
			} else {
				u.grants[grant{n, schema, object}] = true
			}
		}
		return nil
	}}, nil
}

// parseCreateUser reads CREATE USER name PASSWORD "..." [NO FORCE_FIRST_PASSWORD_CHANGE].
func (s *session) parseCreateUser(p *store.Parser) (*command, error) {
	name, err := p.Identifier()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("PASSWORD"); err != nil {
		return nil, err
	}
	password := p.Next()
	if password.Kind != store.Quoted && password.Kind != store.Word {
		return nil, p.Unexpected()
	}
	p.Accept("NO", "FORCE_FIRST_PASSWORD_CHANGE")
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(*txn) error {
		if err := s.system("USER ADMIN"); err != nil {
			return err
		}
		_, err := s.db.addUser(name, password.Text)
		return err
	}}, nil
}
