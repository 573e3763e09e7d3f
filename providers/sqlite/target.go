package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	opLedger = "read ledger"
	opRecord = "write ledger"
)

// target is one file, written to by at most one session.
type target struct {
	*database
	*fenced.Target[*txn]
}

func newTarget(d *database) *target {
	t := &target{database: d}
	t.Target = &fenced.Target[*txn]{Engine: t}
	return t
}

// Limits: SQLite takes one writer, and makes keys with the table.
func (d *target) Limits() providers.Limits { return limits() }

// View implements fenced.Engine.
func (d *target) View(ctx context.Context, op string) (*txn, bool, error) {
	if d.missing() {
		return nil, false, nil
	}
	c, err := d.pool.Get(ctx, struct{}{})
	if err != nil {
		return nil, false, failed(ctx, op, err)
	}
	tx := &txn{conn: c, done: func() error { return d.pool.Put(c) }}
	there := false
	if err = c.exec(ctx, "BEGIN"); err == nil {
		there, err = findLedger(ctx, c)
	}
	if err != nil || !there {
		return nil, false, failed(ctx, op, errors.Join(err, tx.Rollback()))
	}
	return tx, true, nil
}

// Blockers implements fenced.Engine: any transaction that writes is in the way of all others.
func (d *target) Blockers(context.Context, string, string) (string, error) {
	return "another connection to end its transaction in " + d.path + names(" (process ", lockHolders(d.path), ")"), nil
}

// Terminate implements fenced.Engine: only the death of its process gives a lock back.
func (d *target) Terminate(_ context.Context, run *ledger.Run, lock bool) (int, error) {
	who, err := held(d.path + lockSuffix)
	if err != nil || !lock || who == nil || who.ID != run.Owner.ID && who.ID != "" {
		return 0, err
	}
	e := refuse(providers.Locked, "unlock", catalog.Name{}, errors.New("the run's process is still active"))
	e.Fix = "End that process; this releases the lock."
	return 0, e
}

// holder has the file's lock, and the one connection that writes. Who uses that has taken it from free.
type holder struct {
	lock      *fileLock
	conn      *conn
	migration string
	free      chan struct{} // holds one value while nobody uses conn
}

// Hold implements fenced.Engine: flock(2) on the file beside the database.
func (d *target) Hold(ctx context.Context, run ledger.Run) (fenced.Holder[*txn], error) {
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	l, err := lock(d.path+lockSuffix, run.Owner)
	if err != nil {
		return nil, err
	}
	h := &holder{lock: l, migration: run.Migration, free: make(chan struct{}, 1)}
	if h.conn, err = d.writer(ctx); err != nil {
		return nil, failed(ctx, "lock target", errors.Join(err, l.release()))
	}
	h.free <- struct{}{}
	return h, nil
}

// writer opens the connection that writes.
func (d *target) writer(ctx context.Context) (*conn, error) {
	fresh := d.missing()
	c, err := d.connect(sqlite.OpenReadWrite|sqlite.OpenCreate, "PRAGMA synchronous=FULL", "PRAGMA cache_size=-16384")
	if err == nil && fresh {
		if err = c.exec(ctx, "PRAGMA journal_mode=WAL"); err != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return c, err
}

// Begin implements fenced.Holder. From BEGIN IMMEDIATE to the commit nobody else can write, so no
// other token can appear.
func (h *holder) Begin(ctx context.Context, op string, how fenced.Mode) (*txn, string, error) {
	select {
	case _, open := <-h.free:
		if !open {
			return nil, "", refuse(providers.Internal, op, catalog.Name{}, errors.New("the session is closed"))
		}
	case <-ctx.Done():
		return nil, "", fmt.Errorf("%s: wait for the writer: %w", op, context.Cause(ctx))
	}
	tx := &txn{conn: h.conn, done: func() error { h.free <- struct{}{}; return nil }}
	token, err := h.begin(ctx, tx, how)
	if err != nil {
		return nil, "", failed(ctx, op, errors.Join(err, tx.Rollback()))
	}
	return tx, token, nil
}

func (h *holder) begin(ctx context.Context, tx *txn, how fenced.Mode) (string, error) {
	if how == fenced.Renew {
		if err := tx.try(ctx, "BEGIN IMMEDIATE"); sqlite.ErrCode(err) == sqlite.ResultBusy {
			return "", fenced.ErrBusy
		} else if err != nil {
			return "", err
		}
		return "", makeLedger(ctx, tx.conn)
	}
	if err := tx.retry(ctx, "BEGIN IMMEDIATE"); err != nil {
		return "", err
	}
	return fenced.Token(ctx, tx, h.migration)
}

// Exclude implements fenced.Holder: the token was renewed under the lock that every transaction takes.
func (h *holder) Exclude(context.Context) error { return nil }

// Alive implements fenced.Holder: the lock ends with the process.
func (h *holder) Alive(context.Context) error { return nil }

// Session implements fenced.Holder.
func (h *holder) Session() string { return "" }

// Close implements fenced.Holder. It waits for a transaction that is open. Nobody gets the connection after it.
func (h *holder) Close() error {
	<-h.free
	close(h.free)
	return errors.Join(h.conn.Close(), h.lock.release())
}

// Writer implements fenced.Txn.
func (t *txn) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (fenced.Writer, error) {
	w, err := newWriter(ctx, t.conn, table)
	if err != nil {
		return nil, gone(ctx, t.conn, table, err)
	}
	return w, nil
}

// Empty implements fenced.Txn.
func (t *txn) Empty(ctx context.Context, tables []*catalog.Table) error {
	for _, table := range tables {
		there, err := exists(ctx, t.conn, table.Name.Name)
		if err == nil && there {
			err = t.exec(ctx, "DELETE FROM "+quote(table.Name.Name))
		}
		if err != nil {
			return failedOn(ctx, "empty tables", table.Name, err)
		}
	}
	return nil
}

// Commit implements fenced.Txn. An error of the disk while it commits is Disconnected: the log may
// hold the commit or not, the ledger knows.
func (t *txn) Commit(ctx context.Context, op string) error {
	if t.AutocommitEnabled() { // SQLite has rolled it back, such as where the disk was full
		return errors.Join(refuse(providers.Internal, op, catalog.Name{}, errors.New("no transaction is open")), t.done())
	}
	err := failed(ctx, op, t.retry(ctx, "COMMIT"))
	return errors.Join(err, t.Rollback())
}

// Rollback implements fenced.Txn.
func (t *txn) Rollback() error { return errors.Join(t.rollback(), t.done()) }
