package engine

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// Load adds rows to a table in one transaction, checked like those of INSERT. Values are nil, string,
// []byte, bool, int, int64, float64 and time.Time, one for each column that is seen and not virtual. Rows
// are added a thousand at a time, so that sessions can read meanwhile.
func (db *DB) Load(owner, table string, rows iter.Seq[[]any]) (int, error) {
	u := db.users["SYS"]
	s := &Session{db: db, user: u, schema: owner, nls: loadNLS(), lastSeq: make(map[*sequence]value.Dec)}
	db.mu.Lock()
	defer db.mu.Unlock()
	o := db.objects[qname{owner, table}]
	if o == nil || o.table == nil {
		return 0, ora.Errorf(942, "table or view does not exist")
	}
	t := o.table
	var cols []int
	for _, i := range t.visibleColumns() {
		if !t.cols[i].virtual {
			cols = append(cols, i)
		}
	}
	r := s.newRun(context.Background(), nil)
	n, err := s.loadRows(r, t, cols, rows)
	if err == nil {
		err = s.loadKeys(r, t)
	}
	if err != nil {
		s.rollback(savepoint{})
		if s.tx != nil {
			s.endTx()
		}
		return 0, err
	}
	s.commit()
	return n, nil
}

func loadNLS() map[string]string {
	return map[string]string{"NLS_NUMERIC_CHARACTERS": ".,", "NLS_DATE_FORMAT": "YYYY-MM-DD HH24:MI:SS",
		"NLS_TIMESTAMP_FORMAT": "YYYY-MM-DD HH24:MI:SSXFF", "NLS_TIMESTAMP_TZ_FORMAT": "YYYY-MM-DD HH24:MI:SSXFF TZR"}
}

func (s *Session) loadRows(r *run, t *Table, cols []int, rows iter.Seq[[]any]) (int, error) {
	n := 0
	for in := range rows {
		if len(in) != len(cols) {
			return 0, fmt.Errorf("row %d of %s has %d values for %d columns", n, t.name, len(in), len(cols))
		}
		values := make([][]byte, len(t.cols))
		for k, i := range cols {
			v, err := s.goValue(in[k])
			if in[k] == "" && (t.cols[i].typ.Kind == Clob || t.cols[i].typ.Kind == NClob) {
				v = typed{Type{Kind: t.cols[i].typ.Kind}, []byte{}} // no NULL, as EMPTY_CLOB() is none
			}
			if err != nil {
				return 0, fmt.Errorf("row %d of %s, column %s: %w", n, t.name, t.cols[i].name, err)
			}
			if values[i], err = s.store(t, i, v); err != nil {
				return 0, err
			}
		}
		if err := s.compute(t, values, r); err != nil {
			return 0, err
		}
		if err := s.check(r, t, values); err != nil {
			return 0, err
		}
		p, err := t.partition(values)
		if err != nil {
			return 0, err
		}
		tx := s.begin()
		tx.changes = append(tx.changes, p.seg.insert(row{data: t.encode(values), tx: tx}))
		if n++; n%1000 == 0 {
			s.db.mu.Unlock()
			s.db.mu.Lock()
		}
	}
	t.mods.inserts += n
	return n, nil
}

// loadKeys reads all rows once more for the unique indexes.
func (s *Session) loadKeys(r *run, t *Table) error {
	for _, x := range t.indexes {
		if !x.unique {
			continue
		}
		if err := x.build(s, r, 1); err != nil {
			return err
		}
		x.keys = nil // built again when a statement needs it
	}
	return nil
}

// goValue gives a Go value as a bind of its type would come.
func (s *Session) goValue(v any) (typed, error) {
	switch v := v.(type) {
	case nil:
		return typed{typ: Type{Kind: Null}}, nil
	case string:
		if v == "" {
			return typed{typ: varchar(1)}, nil
		}
		return typed{varchar(len(v)), s.db.Charset.Encode(v)}, nil
	case []byte:
		return typed{Type{Kind: Blob}, v}, nil
	case int:
		b, err := intValue(v)
		return typed{number(), b}, err
	case int64:
		b, err := value.IntDec(v).Encode()
		return typed{number(), b}, err
	case float64:
		return typed{Type{Kind: BinaryDouble}, value.Float64(v)}, nil
	case time.Time:
		return typed{Type{Kind: Timestamp, Scale: 9}, civilOf(v).Timestamp()}, nil
	}
	return typed{}, fmt.Errorf("a %T is not a value of a table", v)
}

// Rows reads a table's committed rows: nil, string, or []byte of what is binary. Dates are
// YYYY-MM-DD HH24:MI:SS, with a fraction and a zone where the type has them.
func (db *DB) Rows(owner, table string) ([][]any, error) {
	s := &Session{db: db, user: db.users["SYS"], schema: owner, nls: loadNLS()}
	db.mu.RLock()
	defer db.mu.RUnlock()
	o := db.objects[qname{owner, table}]
	if o == nil || o.table == nil {
		return nil, ora.Errorf(942, "table or view does not exist")
	}
	t := o.table
	r := &run{s: s, ctx: context.Background(), at: snapshot{scn: db.scn}, now: now(), cache: make(map[any]any)}
	it, err := (&tableScan{table: t}).open(r, nil)
	if err != nil {
		return nil, err
	}
	var out [][]any
	for {
		row, err := it()
		if err != nil || row == nil {
			return out, err
		}
		one := make([]any, 0, len(t.cols))
		for _, i := range t.visibleColumns() {
			v, err := s.goCell(t.cols[i].typ, row[i])
			if err != nil {
				return nil, err
			}
			one = append(one, v)
		}
		out = append(out, one)
	}
}

func (s *Session) goCell(t Type, v []byte) (any, error) {
	switch {
	case v == nil:
		return nil, nil
	case t.Kind == Raw || t.Kind == Blob || t.Kind == LongRaw:
		return append([]byte{}, v...), nil
	case t.Kind == BinaryDouble || t.Kind == BinaryFloat:
		f, err := value.DecodeFloat(v)
		return strconv.FormatFloat(f, 'g', -1, 64), err
	}
	return s.toText(t, v)
}
