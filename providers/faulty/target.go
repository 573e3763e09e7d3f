package faulty

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// Target wraps a target.
func (i *Injector) Target(t providers.Target) providers.Target {
	return &target{database: &database{t, i}, t: t, i: i}
}

type target struct {
	*database
	t providers.Target
	i *Injector
}

func (t *target) Limits() providers.Limits { return t.t.Limits() }

func (t *target) Ledger(ctx context.Context, migration string) (c *ledger.Contents, err error) {
	err = t.i.call(ctx, Ledger, func() error { c, err = t.t.Ledger(ctx, migration); return err })
	return c, err
}

func (t *target) Lock(ctx context.Context, run ledger.Run, wait func(string)) (s providers.Session, err error) {
	err = t.i.call(ctx, Lock, func() error { s, err = t.t.Lock(ctx, run, wait); return err })
	return wrapped(s, err, func(s providers.Session) providers.Session { return &session{s, t.i} })
}

func (t *target) Unlock(ctx context.Context, migration, owner string) error {
	return t.i.call(ctx, Unlock, func() error { return t.t.Unlock(ctx, migration, owner) })
}

type session struct {
	providers.Session
	i *Injector
}

func (s *session) Read(ctx context.Context) (c *ledger.Contents, err error) {
	err = s.i.call(ctx, Recall, func() error { c, err = s.Session.Read(ctx); return err })
	return c, err
}

func (s *session) Record(ctx context.Context, c ledger.Change) error {
	return s.i.call(ctx, Record, func() error { return s.Session.Record(ctx, c) })
}

func (s *session) Alter(ctx context.Context, ddl []providers.DDL) error {
	return s.i.call(ctx, Alter, func() error { return s.Session.Alter(ctx, ddl) })
}

func (s *session) Reload(ctx context.Context, tables []providers.ReloadTable) error {
	return s.i.call(ctx, Reload, func() error { return s.Session.Reload(ctx, tables) })
}

func (s *session) Begin(ctx context.Context) (x providers.Tx, err error) {
	err = s.i.call(ctx, Begin, func() error { x, err = s.Session.Begin(ctx); return err })
	if err != nil {
		if x != nil {
			_ = x.Rollback(context.WithoutCancel(ctx)) // the injected error is the one to report
		}
		return nil, err
	}
	return &tx{x, s.i}, nil
}

type tx struct {
	providers.Tx
	i *Injector
}

func (x *tx) Claim(ctx context.Context, p []ledger.Loaded) (in []string, err error) {
	err = x.i.call(ctx, Claim, func() error { in, err = x.Tx.Claim(ctx, p); return err })
	return in, err
}

func (x *tx) Writer(ctx context.Context, t *catalog.Table, r catalog.Range) (w providers.Writer, err error) {
	err = x.i.call(ctx, Writer, func() error { w, err = x.Tx.Writer(ctx, t, r); return err })
	return wrapped(w, err, func(w providers.Writer) providers.Writer { return &writer{w, x.i} })
}

func (x *tx) Commit(ctx context.Context, p []ledger.Loaded) error {
	return x.i.call(ctx, Commit, func() error { return x.Tx.Commit(ctx, p) })
}

// Rollback is always carried out, so that a test leaves no transaction behind.
func (x *tx) Rollback(ctx context.Context) error {
	err := x.Tx.Rollback(ctx)
	return x.i.call(ctx, Rollback, func() error { return err })
}

type writer struct {
	providers.Writer
	i *Injector
}

func (w *writer) Write(ctx context.Context, b arrow.RecordBatch) error {
	return w.i.call(ctx, Write, func() error { return w.Writer.Write(ctx, b) })
}

func (w *writer) Finish(ctx context.Context) (n int64, err error) {
	err = w.i.call(ctx, Finish, func() error { n, err = w.Writer.Finish(ctx); return err })
	return n, err
}
