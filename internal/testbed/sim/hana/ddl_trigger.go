package hana

import (
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// parseCreateTrigger reads CREATE TRIGGER name BEFORE|AFTER event ON table, and takes the body as it is.
func (s *session) parseCreateTrigger(p *store.Parser) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	if !p.Accept("BEFORE") {
		if err := p.Expect("AFTER"); err != nil {
			return nil, err
		}
	}
	event := p.Next()
	if event.Kind != store.Word || !slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, event.Text) {
		p.Reset(p.Mark() - 1)
		return nil, p.Unexpected()
	}
	if err := p.Expect("ON"); err != nil {
		return nil, err
	}
	on, err := p.Name()
	if err != nil {
		return nil, err
	}
	for p.Done() != nil {
		p.Next()
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		t, err := s.altered(tx, on, "TRIGGER")
		if err != nil {
			return err
		}
		t.alter(tx, func(d *tableDef) {
			d.triggers = append(slices.Clone(d.triggers), trigger{name: s.full(name), event: event.Text, oid: s.db.nextOID.Add(1)})
		})
		return nil
	}}, nil
}

// dropTrigger drops a trigger of any table.
func (s *session) dropTrigger(tx *txn, name store.Name) error {
	named := func(x trigger) bool { return x.name == s.full(name) }
	for _, t := range s.db.relationsOf(tx) {
		if t.rows == nil || !slices.ContainsFunc(t.structure(tx).triggers, named) {
			continue
		}
		on, err := s.altered(tx, t.name, "TRIGGER")
		if err != nil {
			return err
		}
		on.alter(tx, func(d *tableDef) { d.triggers = slices.DeleteFunc(slices.Clone(d.triggers), named) })
		return nil
	}
	return &Error{Code: 260, Text: "invalid trigger name: " + name.Name}
}
