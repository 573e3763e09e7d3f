package engine

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// grant reads GRANT and REVOKE of privileges, roles and rights on objects.
func (s *Session) grant(p *store.Parser, give bool) error {
	var rights []string
	for word := ""; ; {
		t := p.Next()
		if t.Kind == store.End {
			return ora.At(t.Pos, 990, "missing or invalid privilege")
		}
		if end := t.Text == "ON" || t.Text == "TO" || t.Text == "FROM"; end || t.Text == "," {
			rights = append(rights, strings.TrimSpace(word))
			word = ""
			if !end {
				continue
			}
			if t.Text == "ON" {
				return s.grantOn(p, rights, give)
			}
			return s.grantees(p, func(u *user) {
				for _, r := range rights {
					setRight(u.privileges, r, give)
				}
			})
		}
		word += " " + t.Text
	}
}

func setRight(m map[string]bool, right string, give bool) {
	if give {
		m[right] = true
	} else {
		delete(m, right)
	}
}

func (s *Session) grantOn(p *store.Parser, rights []string, give bool) error {
	n, err := p.Name()
	if err != nil {
		return err
	}
	q := qname{n.Schema, n.Name}
	if q.owner == "" {
		q.owner = s.schema
	}
	if !p.Accept("TO") && !p.Accept("FROM") {
		return p.Unexpected()
	}
	if q.owner == "SYS" || s.db.objects[q] == nil { // a package of the server
		return s.grantees(p, func(u *user) {
			for _, r := range rights {
				setRight(u.privileges, r+" ON "+q.name, give)
			}
		})
	}
	return s.grantees(p, func(u *user) {
		if u.grants[q] == nil {
			u.grants[q] = make(map[string]bool)
		}
		for _, r := range rights {
			setRight(u.grants[q], strings.TrimSuffix(r, " PRIVILEGES"), give)
		}
		if len(u.grants[q]) == 0 {
			delete(u.grants, q)
		}
	})
}

func (s *Session) grantees(p *store.Parser, do func(*user)) error {
	for {
		name, err := p.Identifier()
		if err != nil {
			return err
		}
		u := s.db.users[name]
		if u == nil {
			return ora.Errorf(1917, "user or role '%s' does not exist", name)
		}
		do(u)
		if !p.Accept(",") {
			break
		}
	}
	_ = p.Accept("WITH", "GRANT", "OPTION") || p.Accept("WITH", "ADMIN", "OPTION")
	return done(p)
}

func (s *Session) createUser(p *store.Parser) error {
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	if !s.user.has("CREATE USER") {
		return ora.Errorf(1031, "insufficient privileges")
	}
	if s.db.users[name] != nil {
		return ora.Errorf(1920, "user name '%s' conflicts with another user or role name", name)
	}
	if err := p.Expect("IDENTIFIED", "BY"); err != nil {
		return err
	}
	u := &user{name: name, password: p.Next().Text, id: 100 + len(s.db.users), privileges: make(map[string]bool), grants: make(map[qname]map[string]bool)}
	rest(p)
	s.db.users[name] = u
	return nil
}

func (s *Session) dropUser(p *store.Parser) error {
	name, err := p.Identifier()
	if err != nil {
		return err
	}
	cascade := p.Accept("CASCADE")
	if s.db.users[name] == nil {
		return ora.Errorf(1918, "user '%s' does not exist", name)
	}
	for n, o := range s.db.objects {
		if n.owner != name {
			continue
		}
		if !cascade {
			return ora.Errorf(1922, "CASCADE must be specified to drop '%s'", name)
		}
		if o.table != nil {
			if err := s.dropTable(o, true); err != nil {
				return err
			}
		}
		delete(s.db.objects, n)
	}
	delete(s.db.users, name)
	return done(p)
}
