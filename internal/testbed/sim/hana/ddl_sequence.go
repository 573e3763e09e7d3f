package hana

import (
	"fmt"
	"math"
	"slices"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// newSequence has no bounds yet: prepare fills in what was not said.
func newSequence() *sequence {
	return &sequence{increment: 1, cache: 1, start: math.MinInt64, min: math.MinInt64, max: math.MaxInt64}
}

func copySequence(q *sequence) *sequence {
	return &sequence{start: q.start, increment: q.increment, min: q.min, max: q.max, cycle: q.cycle, cache: q.cache, next: q.next, identity: q.identity}
}

// identityName is an assumption: the name that traces show for the sequence of an identity column.
func identityName(columnID int64) string { return fmt.Sprintf("_SYS_SEQUENCE_%d_#0_#", columnID) }

// parse reads a sequence's parameters (SQL reference, "CREATE SEQUENCE Statement").
func (q *sequence) parse(p *store.Parser) error {
	for {
		var err error
		switch {
		case p.Accept("START", "WITH"):
			q.start, err = p.Integer()
		case p.Accept("INCREMENT", "BY"):
			if q.increment, err = p.Integer(); err == nil && q.increment == 0 {
				err = &Error{Code: 313, Text: "invalid sequence: increment is 0"}
			}
		case p.Accept("MINVALUE"):
			q.min, err = p.Integer()
		case p.Accept("MAXVALUE"):
			q.max, err = p.Integer()
		case p.Accept("NO", "MINVALUE"), p.Accept("NO", "MAXVALUE"):
		case p.Accept("NO", "CYCLE"):
			q.cycle = false
		case p.Accept("CYCLE"):
			q.cycle = true
		case p.Accept("NO", "CACHE"):
			q.cache = 1
		case p.Accept("CACHE"):
			q.cache, err = p.Integer()
		default:
			return q.prepare()
		}
		if err != nil {
			return err
		}
	}
}

// prepare sets what was not said.
func (q *sequence) prepare() error {
	if q.increment > 0 && q.min == math.MinInt64 {
		q.min = 1
	}
	if q.increment < 0 && q.max == math.MaxInt64 {
		q.max = -1
	}
	if q.start == math.MinInt64 {
		q.start = q.min
		if q.increment < 0 {
			q.start = q.max
		}
	}
	if q.min > q.max || q.start < q.min || q.start > q.max {
		return &Error{Code: 313, Text: "invalid sequence: START WITH is outside of MINVALUE and MAXVALUE"}
	}
	q.next = q.start
	return nil
}

func (s *session) parseCreateSequence(p *store.Parser) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	q := newSequence()
	if err := q.parse(p); err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		name, err := s.qualify(tx, name)
		if err != nil {
			return err
		}
		if err := s.reserve(tx, name); err != nil {
			return err
		}
		if s.db.sequence(tx, name) != nil {
			return &Error{Code: 324, Text: "cannot use duplicate sequence name: " + name.Name}
		}
		made := copySequence(q)
		made.name, made.oid = name, s.db.nextOID.Add(1)
		s.db.addSequence(tx, made)
		return nil
	}}, nil
}

func (db *database) addSequence(tx *txn, q *sequence) {
	q.by = tx
	db.mu.Lock()
	db.sequences[q.name] = append(db.sequences[q.name], q)
	db.mu.Unlock()
	tx.onEnd(func() { db.settle(&q.object) }, func() { db.removeSequence(q) })
}

func (db *database) removeSequence(q *sequence) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.sequences[q.name] = slices.DeleteFunc(db.sequences[q.name], func(o *sequence) bool { return o == q })
}

// parseAlterSequence reads RESTART WITH and the parameters. A restart takes effect at
// once, like NEXTVAL.
func (s *session) parseAlterSequence(p *store.Parser) (*command, error) {
	name, err := p.Name()
	if err != nil {
		return nil, err
	}
	restart, at := false, int64(0)
	if p.Accept("RESTART", "WITH") {
		restart = true
		if at, err = p.Integer(); err != nil {
			return nil, err
		}
	}
	changes := newSequence()
	if !restart {
		return nil, p.Unexpected()
	}
	if err := changes.parse(p); err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	return &command{function: funcDDL, ddl: func(tx *txn) error {
		q := s.db.sequence(tx, s.full(name))
		if q == nil {
			return &Error{Code: 313, Text: "invalid sequence: " + name.Name}
		}
		if err := s.allow(tx, "ALTER", q.name); err != nil {
			return err
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if at < q.min || at > q.max {
			return &Error{Code: 313, Text: fmt.Sprintf("invalid sequence: RESTART WITH %d is outside of MINVALUE and MAXVALUE", at)}
		}
		q.next, q.used, q.exhausted = at, false, false
		return nil
	}}, nil
}
