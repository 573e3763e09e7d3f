package hana

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opClaim  = "claim packages"
	opCommit = "commit packages"
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
	s, err := w.pool.Get(ctx, w.loading())
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
	sorted := append([]ledger.Loaded{}, packages...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].ID < sorted[j].ID }) // two bundles never wait for each other
	const attempts = 5
	for n := 1; ; n++ {
		in, err := t.claim(ctx, sorted)
		// Somebody else committed one of them between the question and the answer.
		if !hasCode(err, codeUnique) || n == attempts {
			t.failed = err != nil
			if hasCode(err, codeUnique) {
				err = &providers.Error{Kind: providers.Transient, Op: opClaim, Err: errors.New("packages are being claimed by others")}
			}
			return in, err
		}
		if err := t.s.rollback(); err != nil {
			t.failed = true
			return nil, err
		}
	}
}

func (t *tx) claim(ctx context.Context, sorted []ledger.Loaded) ([]string, error) {
	if err := t.w.guard(ctx, t.s, opClaim, false); err != nil {
		return nil, err
	}
	present, err := t.present(ctx, sorted)
	if err != nil {
		return nil, err
	}
	clear(t.claimed)
	var in []string
	var rows [][]any
	for _, p := range sorted {
		generation, found := present[p.ID]
		switch {
		case !found:
			rows = append(rows, []any{t.w.run.Migration, p.ID, p.Source.Schema, p.Source.Name, p.Generation, int64(-1), int64(0), "", "", "", p.Run, 0.0})
			t.claimed[p.ID] = true
		case generation != p.Generation:
			return nil, &providers.Error{Kind: providers.Constraint, Op: opClaim, Err: fmt.Errorf("package %s is in with another generation", p.ID),
				Fix: "Copy the table again with dmoctl plan --reload."}
		default:
			in = append(in, p.ID)
		}
	}
	_, err = t.s.bulk(ctx, opClaim, `INSERT INTO "DMO"."LOADED" ("MIGRATION", "ID", "SOURCE_SCHEMA", "SOURCE_NAME", "GENERATION", "ROWS", "BYTES", "DIGEST", "READ_AT", "SNAPSHOT", "RUN", "SECONDS")
VALUES (`+binds(12)+`)`, rows)
	return in, err
}

// present asks which packages are in, by statements of few lengths, because the server keeps a
// plan for each.
func (t *tx) present(ctx context.Context, packages []ledger.Loaded) (map[string]string, error) {
	out := make(map[string]string)
	for start := 0; start < len(packages); {
		n := len(packages) - start
		width := 1
		for width < n && width < 256 {
			width *= 4
		}
		args := []any{t.w.run.Migration}
		for i := range width {
			args = append(args, packages[min(start+i, len(packages)-1)].ID) // the last one fills up
		}
		err := t.s.query(ctx, opClaim, `SELECT "ID", "GENERATION" FROM "DMO"."LOADED" WHERE "MIGRATION" = ? AND "ID" IN (`+binds(width)+`)`, args, func(r row) error {
			out[r.text(0)] = r.text(1)
			return nil
		})
		if err != nil {
			return nil, err
		}
		start += width
	}
	return out, nil
}

// Writer implements providers.Tx.
func (t *tx) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (providers.Writer, error) {
	if !t.begun || t.failed || t.ended {
		return nil, &providers.Error{Kind: providers.Internal, Op: opWrite, Table: table.Name, Err: errors.New("nothing is claimed")}
	}
	w, err := newWriter(ctx, t.s, table)
	if err != nil {
		return nil, err
	}
	t.writer = w
	return w, nil
}

// Commit implements providers.Tx.
func (t *tx) Commit(ctx context.Context, packages []ledger.Loaded) error {
	if !t.begun || t.failed || t.ended || t.writer != nil && (t.writer.failed != nil || !t.writer.done) {
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: errors.New("the transaction has ended or failed, or nothing was claimed")}
	}
	rows := make([][]any, len(packages))
	for i, p := range packages {
		if !t.claimed[p.ID] {
			return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("package %s was not claimed", p.ID)}
		}
		rows[i] = []any{p.Rows, p.Bytes, p.Digest, p.ReadAt.UTC().Format(time.RFC3339Nano), p.Snapshot, p.Run, p.Seconds, t.w.run.Migration, p.ID}
	}
	if len(packages) != len(t.claimed) {
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("%d of %d claimed packages are to be committed", len(packages), len(t.claimed))}
	}
	filled, err := t.s.bulk(ctx, opCommit, `UPDATE "DMO"."LOADED" SET "ROWS" = ?, "BYTES" = ?, "DIGEST" = ?, "READ_AT" = ?, "SNAPSHOT" = ?, "RUN" = ?, "SECONDS" = ? WHERE "MIGRATION" = ? AND "ID" = ?`, rows)
	if err != nil {
		t.failed = true
		return err
	}
	if filled != int64(len(packages)) {
		t.failed = true
		return &providers.Error{Kind: providers.Internal, Op: opCommit, Err: fmt.Errorf("%d of %d ledger rows were filled in", filled, len(packages))}
	}
	err = t.s.commit(ctx, opCommit)
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
