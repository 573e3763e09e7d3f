package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// Writer implements fenced.Txn.
func (t *txn) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (fenced.Writer, error) {
	forms, err := t.forms.of(ctx, t.session, table)
	if err != nil {
		return nil, providers.Gone(wrapTable(opWrite, table.Name, err))
	}
	w := &writer{table: table}
	var columns []string
	for _, c := range table.CopiedColumns() {
		f := forms[c.Name]
		e := newEncoder(c.Type, f.base, f.element)
		if e == nil {
			return nil, &providers.Error{
				Kind:   providers.Unsupported,
				Op:     opWrite,
				Table:  table.Name,
				Column: c.Name,
				Err:    fmt.Errorf("type %s cannot be written", c.Type),
			}
		}
		w.encoders = append(w.encoders, e)
		columns = append(columns, c.Name)
	}
	w.header = []byte{byte(len(columns) >> 8), byte(len(columns))}
	// A range's partition is the source's: names and bounds may be others here, and hashes
	// of enums always are. The server routes.
	if w.out, err = newCopyIn(t.session, "COPY "+quoteName(table.Name)+columnList(columns)+" FROM STDIN (FORMAT binary)"); err != nil {
		return nil, providers.Gone(wrapTable(opWrite, table.Name, err))
	}
	return w, nil
}

// columnList is empty for a table without copied columns, which COPY takes as it is.
func columnList(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " (" + quoteIdents(columns) + ")"
}

// Commit implements fenced.Txn. It is sent only after all results before it have been read.
func (t *txn) Commit(ctx context.Context, op string) error {
	defer t.db.put(t.session)
	results, err := t.exec(ctx, op, "COMMIT")
	if err != nil {
		if ctx.Err() != nil {
			t.dead = true
		}
		return err
	}
	if tag := results[len(results)-1].CommandTag.String(); tag != "COMMIT" {
		return &providers.Error{Kind: providers.Internal, Op: op, Err: fmt.Errorf("the server answered COMMIT with %s", tag)}
	}
	return nil
}

// Rollback implements fenced.Txn.
func (t *txn) Rollback() error {
	defer t.db.put(t.session)
	return t.rollback()
}

// columnForm is what the encoder of a column must know from the target's catalog.
type columnForm struct {
	base    string // type below domains
	element uint32 // of an array
}

type columnForms map[string]columnForm

// forms are those of tables that were asked for. It is safe for concurrent use.
type forms struct {
	mu    sync.Mutex
	known map[string]columnForms
}

func newForms() *forms { return &forms{known: make(map[string]columnForms)} }

// of asks the catalog only for tables whose columns leave a question open.
func (f *forms) of(ctx context.Context, s *session, t *catalog.Table) (columnForms, error) {
	forms, open := make(columnForms), false
	for _, c := range t.CopiedColumns() {
		switch {
		case c.Type.Kind == catalog.Native && isArray(c.Type), c.UserType != nil && (c.Type.Kind == catalog.JSON || c.Type.Kind == catalog.Int64):
			open = true
		default:
			forms[c.Name] = columnForm{base: strings.ToLower(c.Declared)}
		}
	}
	if !open {
		return forms, nil
	}
	key := quoteName(t.Name)
	f.mu.Lock()
	known := f.known[key]
	f.mu.Unlock()
	if known != nil {
		return known, nil
	}
	err := s.query(ctx, opWrite, `
WITH RECURSIVE base(num, name, id) AS (
  SELECT a.attnum, a.attname, a.atttypid FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT b.num, b.name, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.id WHERE t.typtype = 'd'
) SELECT b.name, t.typname, t.typelem FROM base b JOIN pg_type t ON t.oid = b.id WHERE t.typtype <> 'd'`, []string{key}, func(r row) error {
		forms[r.text(0)] = columnForm{base: r.text(1), element: oid(r, 2)}
		return nil
	})
	if err == nil {
		f.mu.Lock()
		f.known[key] = forms
		f.mu.Unlock()
	}
	return forms, err
}
