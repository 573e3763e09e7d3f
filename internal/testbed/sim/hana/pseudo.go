package hana

import (
	"context"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// pseudo evaluates what is not a column.
type pseudo = func(context.Context) (store.Value, error)

// stampOf is a point in time as HANA stores it.
func stampOf(t time.Time) store.Value {
	t = t.UTC()
	day, _ := store.CivilDay(t.Year(), int(t.Month()), t.Day())
	return store.Value{K: store.Stamp, I: day*daySeconds + int64(t.Hour()*3600+t.Minute()*60+t.Second()), N: int32(t.Nanosecond() / 100 * 100)}
}

func (s *session) sessionWord(word string) (pseudo, store.Type) {
	typ := typeNamed("NVARCHAR")
	typ.Length = 256
	value := func(f func() store.Value) pseudo {
		return func(context.Context) (store.Value, error) { return f(), nil }
	}
	now := func(kind store.Kind) pseudo {
		return func(context.Context) (store.Value, error) {
			v := stampOf(time.Now())
			return toKind(v, store.Type{Kind: kind})
		}
	}
	switch word {
	case "CURRENT_USER", "SESSION_USER":
		return value(func() store.Value { return store.TextValue(s.user.name) }), typ
	case "CURRENT_SCHEMA":
		return value(func() store.Value { return store.TextValue(s.schema) }), typ
	case "CURRENT_TRANSACTION_ISOLATION_LEVEL":
		return value(func() store.Value { return store.TextValue(s.isolation) }), typ
	case "CURRENT_CONNECTION":
		return value(func() store.Value { return store.IntValue(s.id) }), typeNamed("INTEGER")
	case "CURRENT_DATE", "CURRENT_UTCDATE":
		return now(store.Day), typeNamed("DATE")
	case "CURRENT_TIME", "CURRENT_UTCTIME":
		return now(store.Clock), typeNamed("TIME")
	}
	return now(store.Stamp), typeNamed("TIMESTAMP")
}

func (s *session) sessionContext(key string) pseudo {
	return func(context.Context) (store.Value, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if v, ok := s.vars[key]; ok {
			return store.TextValue(v), nil
		}
		return store.Value{}, nil
	}
}

// sequenceValue is NEXTVAL or CURRVAL; numbers are never given twice, whatever
// becomes of the transaction.
func (s *session) sequenceValue(q *sequence, next bool) pseudo {
	return func(context.Context) (store.Value, error) {
		if !next {
			v, ok := s.currvals[q]
			if !ok {
				return store.Value{}, &Error{Code: 326, Text: "CURRVAL of given sequence is not yet defined in this session: " + q.name.Name}
			}
			return store.IntValue(v), nil
		}
		v, err := q.advance()
		if err != nil {
			return store.Value{}, err
		}
		s.currvals[q] = v
		return store.IntValue(v), nil
	}
}

func (q *sequence) advance() (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.exhausted {
		if !q.cycle {
			return 0, &Error{Code: 312, Text: "sequence is exhausted: " + q.name.Name}
		}
		q.next = q.min
		if q.increment < 0 {
			q.next = q.max
		}
		q.exhausted = false
	}
	v := q.next
	q.used = true
	if q.increment > 0 && v > q.max-q.increment || q.increment < 0 && v < q.min-q.increment {
		q.exhausted = true
	} else {
		q.next += q.increment
	}
	return v, nil
}
