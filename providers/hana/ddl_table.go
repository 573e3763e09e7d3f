package hana

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// rowStore is what Table.Options says of a table in the row store, which has no delta.
const rowStore = "ROW"

// createTable makes a table with its primary key, or compares the one that exists.
func (a *alteration) createTable(d providers.CreateTable) error {
	t := d.Table
	if have := a.tables[t.Name]; have != nil {
		if d.New {
			return providers.TableExists(opAlter, t.Name)
		}
		if difference := compare(t, have); difference != "" {
			return &providers.Error{Kind: providers.Exists, Op: opAlter, Table: t.Name,
				Err: fmt.Errorf("the table exists and differs: %s", difference), Fix: "Drop it, alter it, or use existing = \"recreate\"."}
		}
		return nil
	}
	a.tables[t.Name] = made(t)
	var parts []string
	for _, c := range t.Columns {
		parts = append(parts, columnClause(c))
	}
	for _, c := range t.Checks {
		clause := "CHECK (" + c.Expression + ")"
		if c.Name != "" {
			clause = "CONSTRAINT " + quoteIdent(c.Name) + " " + clause
		}
		parts = append(parts, clause)
	}
	if k := t.Key; k != nil && k.Primary {
		parts = append(parts, "PRIMARY KEY ("+quoteIdents(k.Columns)+")")
	}
	// Without automatic merges a load is not interrupted by them; finalizing merges once.
	sql := "CREATE COLUMN TABLE " + quoteName(t.Name) + " (" + strings.Join(parts, ", ") + ") NO AUTO MERGE"
	partitions, err := a.target.placements.partitionClause(t)
	if err != nil {
		return err
	}
	if partitions != "" {
		sql += " PARTITION BY " + partitions
	}
	sql += a.target.placements.groupClause(t.Name.Name)
	if t.Comment != "" {
		sql += " COMMENT " + quoteLiteral(t.Comment)
	}
	a.create(ledger.KindTable, t.Name, sql)
	return nil
}

// made is the table right after it was made: keys other than the primary one, indexes and
// foreign keys are missing.
func made(t *catalog.Table) *catalog.Table {
	c := *t
	c.Uniques, c.Indexes, c.ForeignKeys, c.Options = nil, nil, nil, ""
	if c.Key != nil && !c.Key.Primary {
		c.Key = nil
	}
	return &c
}

func columnClause(c catalog.Column) string {
	sql := quoteIdent(c.Name) + " " + c.Declared
	switch {
	case c.Generated != "":
		sql += " GENERATED ALWAYS AS (" + c.Generated + ")"
	case c.Identity != "":
		how := "BY DEFAULT"
		if c.Identity == catalog.IdentityAlways {
			how = "ALWAYS"
		}
		sql += " GENERATED " + how + " AS IDENTITY"
		if c.Sequence != nil && c.Sequence.Increment != 0 {
			sql += " (" + strings.TrimSpace(sequenceOptions(*c.Sequence)) + ")"
		}
	case c.Default != "":
		sql += " DEFAULT " + c.Default
	}
	if !c.Nullable {
		sql += " NOT NULL"
	}
	return sql
}

func sequenceOptions(s catalog.Sequence) string {
	var b strings.Builder
	fmt.Fprintf(&b, " START WITH %d", s.Start)
	if s.Increment != 0 {
		fmt.Fprintf(&b, " INCREMENT BY %d", s.Increment)
	}
	if s.Min != 0 || s.Max != 0 {
		fmt.Fprintf(&b, " MINVALUE %d MAXVALUE %d", s.Min, s.Max)
	}
	if s.Cycle {
		b.WriteString(" CYCLE")
	}
	if s.Cache > 1 {
		fmt.Fprintf(&b, " CACHE %d", s.Cache)
	}
	return b.String()
}

// compare says how an existing table differs from the wanted one, or "". Keys are not
// compared: the planner does that. How a table is partitioned is the DBA's business.
func compare(want, have *catalog.Table) string {
	for _, w := range want.Columns {
		h := have.Column(w.Name)
		switch {
		case h == nil:
			return fmt.Sprintf("it has no column %s", w.Name)
		case w.Declared != h.Declared:
			return fmt.Sprintf("column %s is %s, expected %s", w.Name, h.Declared, w.Declared)
		case w.Nullable && !h.Nullable:
			return fmt.Sprintf("column %s is NOT NULL", w.Name)
		case (w.Generated == "") != (h.Generated == ""):
			return fmt.Sprintf("column %s is generated on one side only", w.Name)
		case h.Identity == catalog.IdentityAlways:
			return fmt.Sprintf("column %s is GENERATED ALWAYS AS IDENTITY, which accepts no values", w.Name)
		}
	}
	for _, h := range have.Columns {
		if want.Column(h.Name) == nil && !h.Nullable && h.Default == "" && h.Generated == "" && h.Identity == "" {
			return fmt.Sprintf("column %s is NOT NULL and not in the plan", h.Name)
		}
	}
	return ""
}

// raise sets a sequence to at least the source's position, in its own direction. Where it stands,
// and for an identity column which number is the last one stored, is asked under the token.
func raise(ctx context.Context, w *fenced.Session[*txn], d providers.RaiseSequence) error {
	q := d.Sequence
	if !q.Called && (q.Last == 0 || q.Last == q.Start) {
		return nil
	}
	table := q.Name
	if d.Table != nil {
		table = d.Table.Name
	}
	return w.Do(ctx, opAlter, fenced.Define, func(tx *txn) error {
		s := tx.session
		err := func() error {
			name, err := sequenceOf(ctx, s, d)
			if err != nil {
				return err
			}
			last, called, err := position(ctx, s, name)
			if err != nil {
				return err
			}
			up := q.Increment >= 0
			beyond := func(a, b int64) bool { return up && a > b || !up && a < b }
			// Rows that came with their numbers have drawn none.
			if stored, some, err := farthest(ctx, s, d); err != nil {
				return err
			} else if some && (!q.Called || beyond(stored, q.Last)) {
				q.Last, q.Called = stored, true
			}
			if called && !beyond(q.Last, last) {
				return nil
			}
			next := q.Last
			if q.Called {
				next += max(q.Increment, 1)
				if !up {
					next = q.Last + q.Increment
				}
			}
			_, err = s.exec(ctx, opAlter, "ALTER SEQUENCE "+quoteName(name)+" RESTART WITH "+formatInt(next))
			return err
		}()
		return alterError(err, table)
	})
}

// sequenceOf names the sequence: a free one by its name, that of an identity column by the name
// that the server gives it (assumption: _SYS_SEQUENCE_<COLUMN_ID>_#0_#, as its catalog shows).
func sequenceOf(ctx context.Context, s *session, d providers.RaiseSequence) (catalog.Name, error) {
	if d.Table == nil {
		return d.Sequence.Name, nil
	}
	id, err := count(ctx, s, opAlter, `SELECT "COLUMN_ID" FROM "SYS"."TABLE_COLUMNS" WHERE "SCHEMA_NAME" = ? AND "TABLE_NAME" = ? AND "COLUMN_NAME" = ?`,
		d.Table.Schema, d.Table.Name.Name, d.Column)
	return catalog.Name{Schema: d.Table.Schema, Name: identitySequence(id)}, err
}

func identitySequence(columnID int64) string { return fmt.Sprintf("_SYS_SEQUENCE_%d_#0_#", columnID) }

// position is the last number that a sequence has handed out. Of one that was restarted, and
// has handed out none since, the server says nothing.
func position(ctx context.Context, s *session, name catalog.Name) (last int64, called bool, err error) {
	r, err := s.one(ctx, opAlter, `SELECT "CURRENT_VALUE" FROM "SYS"."M_SEQUENCES" WHERE "SCHEMA_NAME" = ? AND "SEQUENCE_NAME" = ?`, name.Schema, name.Name)
	if err != nil || r == nil || r.null(0) {
		return 0, false, err
	}
	return r.int(0), true, nil
}

// farthest is the number of a table's rows that its sequence must not hand out again.
func farthest(ctx context.Context, s *session, d providers.RaiseSequence) (n int64, some bool, err error) {
	if d.Table == nil {
		return 0, false, nil
	}
	end := "MAX"
	if d.Sequence.Increment < 0 {
		end = "MIN"
	}
	r, err := s.one(ctx, opAlter, "SELECT "+end+"("+quoteIdent(d.Column)+") FROM "+quoteName(d.Table.Name))
	if err != nil || r == nil || r.null(0) {
		return 0, false, err
	}
	return r.int(0), true, nil
}

// whole reads a DECIMAL of the catalog that holds a whole number; one beyond 64 bits is the nearest that fits.
func whole(r row, i int) int64 {
	v, ok := r[i].(*big.Rat)
	if !ok {
		return r.int(i)
	}
	n := new(big.Int).Quo(v.Num(), v.Denom())
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return -1 << 63
	}
	return 1<<63 - 1
}
