package fenced

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// state of a package transaction. It only grows.
type state int

const (
	begun   state = iota // nothing is claimed
	claimed              // it may load and commit
	failed               // nothing but a rollback is left
	ended
)

// tx is one transaction of packages. One goroutine.
type tx[T Txn] struct {
	session *Session[T]
	state   state
	open    bool // txn is there
	txn     T
	writer  Writer
	claimed map[string]bool // ids that were not in
}

// Begin implements providers.Session. The engine's transaction begins with the claim.
func (s *Session[T]) Begin(ctx context.Context) (providers.Tx, error) {
	if _, err := s.alive(ctx, opClaim); err != nil {
		return nil, err
	}
	return &tx[T]{session: s}, nil
}

// Claim implements providers.Tx. A claim of a package that another transaction has claimed
// waits until that one has ended.
func (t *tx[T]) Claim(ctx context.Context, packages []ledger.Loaded) (in []string, err error) {
	if t.state != begun {
		return nil, misused(opClaim, noTable, "the transaction has already claimed its packages")
	}
	// Two bundles never wait for each other.
	byID := slices.SortedFunc(slices.Values(packages), func(a, b ledger.Loaded) int { return strings.Compare(a.ID, b.ID) })
	const attempts = 5
	for n := 1; ; n++ {
		in, err = t.claim(ctx, byID)
		if err == nil {
			t.state = claimed
			return in, nil
		}
		_ = t.release() // the claim's error says more
		if !errors.Is(err, ErrRaced) {
			break
		}
		if n == attempts {
			err = &providers.Error{Kind: providers.Transient, Op: opClaim, Err: ErrRaced}
			break
		}
	}
	t.state = failed
	return nil, err
}

func (t *tx[T]) claim(ctx context.Context, packages []ledger.Loaded) (in []string, err error) {
	if t.txn, err = t.session.begin(ctx, opClaim, Load); err != nil {
		return nil, err
	}
	t.open = true
	migration := t.session.run.Migration
	present, err := t.txn.Claim(ctx, rowsOf(packages, func(p ledger.Loaded) []any {
		return []any{migration, p.ID, p.Source, p.Generation, int64(-1), int64(0), "", "", "", p.Run, 0.0}
	}))
	if err != nil {
		return nil, err
	}
	t.claimed = make(map[string]bool, len(packages))
	for _, p := range packages {
		generation, there := present[p.ID]
		switch {
		case !there:
			t.claimed[p.ID] = true
		case generation != p.Generation:
			return nil, otherGeneration(p)
		default:
			in = append(in, p.ID)
		}
	}
	return in, nil
}

// Writer implements providers.Tx.
func (t *tx[T]) Writer(ctx context.Context, table *catalog.Table, r catalog.Range) (providers.Writer, error) {
	if t.state != claimed {
		return nil, misused(opWrite, table.Name, "the transaction has claimed no packages, has failed or has ended")
	}
	if t.unfinished() {
		return nil, misused(opWrite, table.Name, "the previous load has not finished")
	}
	w, err := t.txn.Writer(ctx, table, r)
	if err != nil {
		return nil, err
	}
	t.writer = w
	return w, nil
}

// unfinished says whether a load was begun that has not ended well.
func (t *tx[T]) unfinished() bool { return t.writer != nil && !t.writer.Done() }

// Commit implements providers.Tx. Whatever goes wrong, nothing but a rollback is left.
func (t *tx[T]) Commit(ctx context.Context, packages []ledger.Loaded) error {
	if t.state != claimed {
		return misused(opCommit, noTable, "the transaction has claimed no packages, has failed or has ended")
	}
	t.state = failed
	if err := t.fill(ctx, packages); err != nil {
		return err
	}
	t.state, t.open = ended, false
	return t.txn.Commit(ctx, opCommit)
}

// fill writes what the claimed packages have become.
func (t *tx[T]) fill(ctx context.Context, packages []ledger.Loaded) error {
	if t.unfinished() {
		return misused(opCommit, noTable, "a load has not finished")
	}
	rows := make([][]any, 0, len(packages))
	for _, p := range packages {
		if !t.claimed[p.ID] {
			return misused(opCommit, p.Source, "package %s was not claimed", p.ID)
		}
		delete(t.claimed, p.ID)
		rows = append(rows, []any{p.Rows, p.Bytes, p.Digest, p.ReadAt.UTC().Format(time.RFC3339Nano), p.Snapshot, p.Run,
			p.Seconds, t.session.run.Migration, p.ID})
	}
	if len(t.claimed) > 0 {
		return misused(opCommit, noTable, "%d claimed packages are not filled in", len(t.claimed))
	}
	if len(rows) == 0 {
		return nil
	}
	set := []string{"rows", "bytes", "digest", "read_at", "snapshot", "run", "seconds"}
	n, err := t.txn.Update(ctx, Loaded(), set, []string{ColMigration, ColID}, rows)
	if err == nil && n != int64(len(rows)) {
		err = misused(opCommit, noTable, "%d of %d ledger rows were filled in", n, len(rows))
	}
	return err
}

// Rollback implements providers.Tx.
func (t *tx[T]) Rollback(context.Context) error {
	t.state = ended
	if !t.open {
		return nil
	}
	if t.writer != nil {
		_ = t.writer.Close() // the transaction is given up with it
	}
	return t.release()
}

// release ends the engine's transaction where it is open.
func (t *tx[T]) release() error {
	if !t.open {
		return nil
	}
	t.open = false
	return t.txn.Rollback()
}
