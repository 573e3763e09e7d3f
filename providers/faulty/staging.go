package faulty

import (
	"context"
	"io"
	"iter"

	"github.com/dmoctl/dmoctl/providers"
)

// Staging wraps a staging.
func (i *Injector) Staging(s providers.Staging) providers.Staging { return &staging{s, i} }

type staging struct {
	providers.Staging
	i *Injector
}

func (s *staging) Create(ctx context.Context, name string) (w providers.ObjectWriter, err error) {
	err = s.i.call(ctx, Create, func() error { w, err = s.Staging.Create(ctx, name); return err })
	if err != nil {
		if w != nil {
			_ = w.Abort() // the injected error is the one to report
		}
		return nil, err
	}
	return &object{w, s.i}, nil
}

func (s *staging) Open(ctx context.Context, name string, offset, length int64) (r io.ReadCloser, err error) {
	err = s.i.call(ctx, Get, func() error { r, err = s.Staging.Open(ctx, name, offset, length); return err })
	return wrapped(r, err, func(r io.ReadCloser) io.ReadCloser { return r })
}

// List fails before its first object, where a fault meets it.
func (s *staging) List(ctx context.Context, prefix string) iter.Seq2[providers.Object, error] {
	return func(yield func(providers.Object, error) bool) {
		if err := s.i.call(ctx, List, func() error { return nil }); err != nil {
			yield(providers.Object{}, err)
			return
		}
		s.Staging.List(ctx, prefix)(yield)
	}
}

func (s *staging) Remove(ctx context.Context, name string) error {
	return s.i.call(ctx, Remove, func() error { return s.Staging.Remove(ctx, name) })
}

type object struct {
	providers.ObjectWriter
	i *Injector
}

func (o *object) Write(p []byte) (n int, err error) {
	err = o.i.call(context.Background(), Put, func() error { n, err = o.ObjectWriter.Write(p); return err })
	return n, err
}

func (o *object) Commit(ctx context.Context) error {
	return o.i.call(ctx, Seal, func() error { return o.ObjectWriter.Commit(ctx) })
}
