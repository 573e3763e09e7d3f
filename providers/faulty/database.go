package faulty

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Driver wraps everything that a driver opens.
func (i *Injector) Driver(d providers.Driver) providers.Driver {
	source, target, staging := d.OpenSource, d.OpenTarget, d.OpenStaging
	if source != nil {
		d.OpenSource = func(ctx context.Context, v schema.Values, env providers.Env) (db providers.Database, err error) {
			err = i.call(ctx, Open, func() error { db, err = source(ctx, v, env); return err })
			return wrapped(db, err, i.Database)
		}
	}
	if target != nil {
		d.OpenTarget = func(ctx context.Context, v schema.Values, env providers.Env) (db providers.Target, err error) {
			err = i.call(ctx, Open, func() error { db, err = target(ctx, v, env); return err })
			return wrapped(db, err, i.Target)
		}
	}
	if staging != nil {
		d.OpenStaging = func(ctx context.Context, v schema.Values, env providers.Env) (st providers.Staging, err error) {
			err = i.call(ctx, Open, func() error { st, err = staging(ctx, v, env); return err })
			return wrapped(st, err, i.Staging)
		}
	}
	return d
}

type closer interface {
	comparable
	Close() error
}

// wrapped wraps what was opened, or closes what an injected error took away.
func wrapped[T closer](opened T, err error, wrap func(T) T) (T, error) {
	var none T
	if err == nil {
		return wrap(opened), nil
	}
	if opened != none {
		_ = opened.Close() // the injected error is the one to report
	}
	return none, err
}

// Database wraps a source.
func (i *Injector) Database(d providers.Database) providers.Database { return &database{d, i} }

type database struct {
	providers.Database
	i *Injector
}

// Mark implements providers.Marker as far as the wrapped one does.
func (d *database) Mark(ctx context.Context) (string, func(), error) {
	if m, ok := d.Database.(providers.Marker); ok {
		return m.Mark(ctx)
	}
	return "", func() {}, nil
}

// Shows implements providers.Marker.
func (d *database) Shows(ctx context.Context, mark string) (bool, error) {
	if m, ok := d.Database.(providers.Marker); ok {
		return m.Shows(ctx, mark)
	}
	return false, nil
}

func (d *database) Catalog(ctx context.Context, sel providers.Selector) (out *catalog.Catalog, err error) {
	err = d.i.call(ctx, Catalog, func() error { out, err = d.Database.Catalog(ctx, sel); return err })
	return out, err
}

func (d *database) Split(ctx context.Context, t *catalog.Table, how catalog.SplitSpec) (r []catalog.Range, reason string, err error) {
	err = d.i.call(ctx, Split, func() error { r, reason, err = d.Database.Split(ctx, t, how); return err })
	return r, reason, err
}

func (d *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (s providers.Snapshot, err error) {
	err = d.i.call(ctx, Snapshot, func() error { s, err = d.Database.Snapshot(ctx, how); return err })
	return wrapped(s, err, func(s providers.Snapshot) providers.Snapshot { return &snapshot{s, d.i} })
}

func (d *database) Identity(ctx context.Context) (id string, err error) {
	err = d.i.call(ctx, Identity, func() error { id, err = d.Database.Identity(ctx); return err })
	return id, err
}

func (d *database) Preflight(ctx context.Context, tables []*catalog.Table) (f []providers.Finding, err error) {
	err = d.i.call(ctx, Preflight, func() error { f, err = d.Database.Preflight(ctx, tables); return err })
	return f, err
}

type snapshot struct {
	providers.Snapshot
	i *Injector
}

func (s *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (v providers.View, err error) {
	err = s.i.call(ctx, View, func() error { v, err = s.Snapshot.Begin(ctx, tables); return err })
	return wrapped(v, err, func(v providers.View) providers.View { return &view{v, s.i} })
}

type view struct {
	providers.View
	i *Injector
}

func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (rd providers.Reader, err error) {
	err = v.i.call(ctx, Read, func() error { rd, err = v.View.Read(ctx, t, r, how); return err })
	return wrapped(rd, err, func(rd providers.Reader) providers.Reader { return &reader{rd, v.i} })
}

func (v *view) Count(ctx context.Context, tables []*catalog.Table) (n []providers.Counted, err error) {
	err = v.i.call(ctx, Count, func() error { n, err = v.View.Count(ctx, tables); return err })
	return n, err
}

func (v *view) Compare(ctx context.Context, tables []*catalog.Table, before []providers.Counted) (out []string, err error) {
	err = v.i.call(ctx, Count, func() error { out, err = v.View.Compare(ctx, tables, before); return err })
	return out, err
}

func (v *view) Confirm(ctx context.Context) error {
	return v.i.call(ctx, Confirm, func() error { return v.View.Confirm(ctx) })
}

type reader struct {
	providers.Reader
	i *Injector
}

func (r *reader) Next(ctx context.Context) (b arrow.RecordBatch, err error) {
	err = r.i.call(ctx, Next, func() error { b, err = r.Reader.Next(ctx); return err })
	if err != nil && b != nil {
		b.Release()
		b = nil
	}
	return b, err
}
