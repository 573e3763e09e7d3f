package postgres

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opClaim  = "claim packages"
	opCommit = "commit packages"
	// beginWriter says its level: the token is read in a view taken after the lock is held,
	// whatever the default is. Under repeatable read the first statement, which waits for
	// the lock, would fix the view, and a fenced run would find its own token.
	beginWriter = "BEGIN ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE"
)

// tx is one transaction of packages. One goroutine.
type tx struct {
	w       *writing
	s       *session
	begun   bool
	failed  bool // nothing but a rollback is left
	ended   bool
	writer  *writer
	claimed map[string]bool
}

// Begin implements providers.Session.
func (w *writing) Begin(ctx context.Context) (providers.Tx, error) {
	if err := w.alive(ctx); err != nil {
		return nil, err
	}
	s, err := w.get(ctx)
	if err != nil {
		return nil, err
	}
	return &tx{w: w, s: s, claimed: make(map[string]bool)}, nil
}

// Claim implements providers.Tx. A claim of a package that another transaction
// has claimed waits until that one has ended.
func (t *tx) Claim(ctx context.Context, packages []ledger.Loaded) ([]string, error) {
	if t.begun || t.ended {
		return nil, &providers.Error{Kind: providers.Internal, Op: opClaim, Err: errors.New("the transaction has claimed already")}
	}
	t.begun = true
	in, err := t.claim(ctx, packages)
	t.failed = err != nil
	return in, err
}

func (t *tx) claim(ctx context.Context, packages []ledger.Loaded) ([]string, error) {
	if err := t.w.guard(ctx, t.s, opClaim); err != nil {
		return nil, err
	}
	sorted := append([]ledger.Loaded{}, packages...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].ID < sorted[j].ID }) // two bundles never wait for each other
	rows := make([][]string, len(sorted))
	generation := make(map[string]string, len(sorted))
	for i, p := range sorted {
		rows[i] = []string{p.ID, p.Source.Schema, p.Source.Name, p.Generation, p.Run}
		generation[p.ID] = p.Generation
	}
	params := append([]string{t.w.run.Migration}, columnsOf(5, rows)...)
	err := t.s.query(ctx, opClaim, `INSERT INTO dmo.loaded (migration, id, source_schema, source_name, generation, rows, bytes, digest, read_at, snapshot, run, seconds)
SELECT $1, v.id, v.nsp, v.rel, v.generation, -1, 0, '', '', '', v.run, 0
FROM `+unnested(5)+` WITH ORDINALITY v(id, nsp, rel, generation, run, ord) ORDER BY v.ord
ON CONFLICT (migration, id) DO NOTHING RETURNING id`, params, func(r row) error {
		t.claimed[r.text(0)] = true
		return nil
	})
	if err != nil || len(t.claimed) == len(sorted) {
		return nil, err
	}
	return t.present(ctx, sorted, generation)
}

// present returns what was in, and refuses another generation.
func (t *tx) present(ctx context.Context, packages []ledger.Loaded, generation map[string]string) ([]string, error) {
	var ids, in []string
	for _, p := range packages {
		if !t.claimed[p.ID] {
			ids = append(ids, p.ID)
		}
	}
	err := t.s.query(ctx, opClaim, `SELECT id, generation FROM dmo.loaded WHERE migration = $1 AND id = ANY ($2::text[]) ORDER BY id COLLATE "C"`,
		[]string{t.w.run.Migration, textArray(ids)}, func(r row) error {
			if r.text(1) != generation[r.text(0)] {
				return &providers.Error{Kind: providers.Constraint, Op: opClaim, Err: fmt.Errorf("package %s is in with another generation", r.text(0)),
					Fix: "Copy the table again with dmoctl plan --reload."}
			}
			in = append(in, r.text(0))
			return nil
		})
	if err == nil && len(in) != len(ids) {
		err = &providers.Error{Kind: providers.Transient, Op: opClaim, Err: errors.New("a package was removed from the ledger while it was claimed")}
	}
	return in, err
}

// Writer implements providers.Tx.
func (t *tx) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (providers.Writer, error) {
	if !t.begun || t.failed || t.ended {
		return nil, &providers.Error{Kind: providers.Internal, Op: opWrite, Table: table.Name, Err: errors.New("nothing is claimed")}
	}
	forms, err := t.w.formsOf(ctx, t.s, table)
	if err != nil {
		return nil, providers.Gone(wrapTable(opWrite, table.Name, err))
	}
	w := &writer{table: table}
	var columns []string
	for _, c := range table.CopiedColumns() {
		f := forms[c.Name]
		e := newEncoder(c.Type, f.base, f.element)
		if e == nil {
			return nil, &providers.Error{Kind: providers.Unsupported, Op: opWrite, Table: table.Name, Column: c.Name, Err: fmt.Errorf("type %s cannot be written", c.Type)}
		}
		w.encoders = append(w.encoders, e)
		columns = append(columns, c.Name)
	}
	w.header = []byte{byte(len(columns) >> 8), byte(len(columns))}
	// A range's partition is the source's: names and bounds may be others here, and hashes
	// of enums always are. The server routes.
	if w.out, err = newCopyIn(t.s, "COPY "+quoteName(table.Name)+columnList(columns)+" FROM STDIN (FORMAT binary)"); err != nil {
		return nil, providers.Gone(wrapTable(opWrite, table.Name, err))
	}
	t.writer = w
	return w, nil
}

// columnList is empty for a table without copied columns, which COPY takes as it is.
func columnList(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " (" + quoteIdents(columns) + ")"
}

// Commit implements providers.Tx.
func (t *tx) Commit(ctx context.Context, packages []ledger.Loaded) error {
	if !t.begun || t.failed || t.ended || t.writer != nil && (t.writer.failed != nil || !t.writer.done) {
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: errors.New("the transaction has ended or failed, or nothing was claimed")}
	}
	rows := make([][]string, len(packages))
	for i, p := range packages {
		if !t.claimed[p.ID] {
			return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("package %s was not claimed", p.ID)}
		}
		rows[i] = []string{p.ID, formatInt(p.Rows), formatInt(p.Bytes), p.Digest, p.ReadAt.UTC().Format(time.RFC3339Nano), p.Snapshot, p.Run, fmt.Sprint(p.Seconds)}
	}
	if len(packages) != len(t.claimed) {
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("%d of %d claimed packages are to be committed", len(packages), len(t.claimed))}
	}
	filled := 0
	params := append([]string{t.w.run.Migration}, columnsOf(8, rows)...)
	err := t.s.query(ctx, opCommit, `UPDATE dmo.loaded l SET rows = v.rows::bigint, bytes = v.bytes::bigint, digest = v.digest, read_at = v.read_at,
snapshot = v.snapshot, run = v.run, seconds = v.seconds::float8
FROM `+unnested(8)+` v(id, rows, bytes, digest, read_at, snapshot, run, seconds) WHERE l.migration = $1 AND l.id = v.id RETURNING 1`, params,
		func(row) error { filled++; return nil })
	if err != nil {
		return err
	}
	if filled != len(packages) {
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("%d of %d ledger rows were filled in", filled, len(packages))}
	}
	err = commit(ctx, t.s, opCommit)
	if err != nil && ctx.Err() != nil {
		t.s.dead = true
	}
	t.end()
	return err
}

// Rollback implements providers.Tx.
func (t *tx) Rollback(context.Context) error {
	if t.ended {
		return nil
	}
	if t.writer != nil {
		_ = t.writer.Close() // the transaction is given up with it
	}
	err := t.s.rollback()
	t.end()
	return err
}

func (t *tx) end() {
	t.ended = true
	t.w.put(t.s)
}

// columnForm is what the encoder of a column must know from the target's catalog.
type columnForm struct {
	base    string // type below domains
	element uint32 // of an array
}

type columnForms map[string]columnForm

// formsOf asks the catalog only for tables whose columns leave a question open.
func (w *writing) formsOf(ctx context.Context, s *session, t *catalog.Table) (columnForms, error) {
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
	w.mu.Lock()
	known := w.elements[key]
	w.mu.Unlock()
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
		w.mu.Lock()
		w.elements[key] = forms
		w.mu.Unlock()
	}
	return forms, err
}
