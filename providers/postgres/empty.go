package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const reloadTogether = "Reload the tables that refer to it together with it, or drop their foreign keys first."

// Empty implements fenced.Txn: it truncates tables that exist. TRUNCATE refuses one that a table outside
// the set refers to: such a table is emptied by DELETE, which checks the references.
// A reference that would change the other table's rows instead is refused.
func (t *txn) Empty(ctx context.Context, tables []*catalog.Table) error {
	s := t.session
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = quoteName(t.Name)
	}
	referenced, cascades, exists := make([]bool, len(tables)), make([]bool, len(tables)), make([]bool, len(tables))
	err := s.query(ctx, opReload, `WITH w AS (SELECT v.ord, to_regclass(v.name)::oid AS id FROM unnest($1::text[]) WITH ORDINALITY v(name, ord))
SELECT w.ord, w.id IS NOT NULL, count(k.oid) > 0, count(k.oid) FILTER (WHERE k.confdeltype IN ('c', 'n', 'd')) > 0
FROM w LEFT JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = w.id AND k.conrelid NOT IN (SELECT id FROM w WHERE id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_partition_ancestors(k.conrelid) a JOIN w o ON o.id = a.relid)
GROUP BY w.ord, w.id`, []string{textArray(names)}, func(r row) error {
		i := r.int(0) - 1
		exists[i], referenced[i], cascades[i] = r.bool(1), r.bool(2), r.bool(3)
		return nil
	})
	if err != nil {
		return err
	}
	var truncate []string
	for i, t := range tables {
		switch {
		case !exists[i]:
		case cascades[i]:
			return &providers.Error{Kind: providers.Constraint, Op: opReload, Table: t.Name, Fix: reloadTogether,
				Err: errors.New("another table refers to it ON DELETE CASCADE or SET, so emptying it would change that table's rows")}
		case referenced[i]:
			if _, err := s.exec(ctx, opReload, "DELETE FROM "+from(t, catalog.WholeTable())); err != nil {
				var e *providers.Error
				if errors.As(err, &e) && e.Kind == providers.Constraint {
					e.Fix = reloadTogether
				}
				return wrapTable(opReload, t.Name, err)
			}
		default:
			truncate = append(truncate, from(t, catalog.WholeTable()))
		}
	}
	if len(truncate) == 0 {
		return nil
	}
	_, err = s.exec(ctx, opReload, "TRUNCATE "+strings.Join(truncate, ", "))
	return err
}
