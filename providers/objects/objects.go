// Package objects is a provider for stagings in memory, for tests only: no user is offered it.
//
// Every call asks the process's hook, so that a test can stop or kill a run at any moment.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
)

// Arguments of a block that Driver opens.
const (
	ArgStore = "store" // *Store
	ArgHook  = "hook"  // memdb.Hook; may be missing
)

// Driver describes the provider.
func Driver() providers.Driver {
	return providers.Driver{Type: "objects", Doc: "Stagings in memory, for tests.",
		OpenStaging: func(_ context.Context, v schema.Values, _ providers.Env) (providers.Staging, error) {
			hook, _ := v[ArgHook].(memdb.Hook)
			return v[ArgStore].(*Store).Open(hook), nil
		}}
}

var errClosed = errors.New("it is closed")

func fail(kind providers.Kind, op, format string, args ...any) error {
	return &providers.Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

// Store is what stagings hold: objects by name.
type Store struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// NewStore makes an empty one.
func NewStore() *Store { return &Store{objects: make(map[string][]byte)} }

// Objects returns a copy of what is there. Contents are shared.
func (s *Store) Objects() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.objects)
}

// Open connects a process. A nil hook lets everything pass.
func (s *Store) Open(hook memdb.Hook) *Staging {
	return &Staging{store: s, client: memdb.New("", memdb.Options{}).Open(hook),
		name: regexp.MustCompile(`^([a-z0-9_-]|%[0-9A-F]{2})([a-z0-9_.-]|%[0-9A-F]{2})*$`)}
}

// Staging is a process's way to a Store.
type Staging struct {
	store  *Store
	client *memdb.Client
	name   *regexp.Regexp
}

// Close ends the connection.
func (s *Staging) Close() error {
	s.Kill()
	return nil
}

// Kill is the death of the process.
func (s *Staging) Kill() { s.client.Kill() }

func (s *Staging) check(ctx context.Context, call, name string) error {
	for segment := range strings.SplitSeq(name, "/") {
		if !s.name.MatchString(segment) {
			return fail(providers.Config, call, "%q is not a name of an object", name)
		}
	}
	return s.client.Pass(ctx, call)
}

// Create starts an object.
func (s *Staging) Create(ctx context.Context, name string) (providers.ObjectWriter, error) {
	return &object{staging: s, ctx: ctx, name: name}, s.check(ctx, "staging.Create", name)
}

// Open reads a part of an object.
func (s *Staging) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := s.check(ctx, "staging.Open", name); err != nil {
		return nil, err
	}
	b, ok := s.store.Objects()[name]
	if !ok {
		return nil, fail(providers.NotFound, "open", "there is no object %s", name)
	}
	b = b[min(offset, int64(len(b))):]
	if length >= 0 {
		b = b[:min(length, int64(len(b)))]
	}
	return io.NopCloser(&contents{ctx: ctx, of: bytes.NewReader(b)}), nil
}

type contents struct {
	ctx context.Context //nolint:containedctx // an io.Reader has no argument for it
	of  *bytes.Reader
}

func (c *contents) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.of.Read(p)
}

// List yields objects by name.
func (s *Staging) List(ctx context.Context, prefix string) iter.Seq2[providers.Object, error] {
	return func(yield func(providers.Object, error) bool) {
		if err := s.client.Pass(ctx, "staging.List"); err != nil {
			yield(providers.Object{}, err)
			return
		}
		objects := s.store.Objects()
		for _, name := range slices.Sorted(maps.Keys(objects)) {
			if strings.HasPrefix(name, prefix) && !yield(providers.Object{Name: name, Size: int64(len(objects[name]))}, nil) {
				return
			}
		}
	}
}

// Remove deletes an object.
func (s *Staging) Remove(ctx context.Context, name string) error {
	if err := s.check(ctx, "staging.Remove", name); err != nil {
		return err
	}
	s.store.mu.Lock()
	delete(s.store.objects, name)
	s.store.mu.Unlock()
	return s.client.Pass(ctx, "staging.Remove done")
}

// object is one that is being written.
type object struct {
	staging *Staging
	ctx     context.Context //nolint:containedctx // an io.Writer has no argument for it
	name    string
	content []byte
	ended   bool
}

func (o *object) Write(p []byte) (int, error) {
	if o.ended {
		return 0, errClosed
	}
	o.content = append(o.content, p...)
	return len(p), o.ctx.Err()
}

func (o *object) Commit(ctx context.Context) error {
	if err := o.staging.client.Pass(ctx, "object.Commit"); err != nil {
		return err
	}
	if o.ended {
		return errClosed
	}
	if err := o.put(); err != nil {
		return err
	}
	return o.staging.client.Pass(ctx, "object.Commit done")
}

func (o *object) put() error {
	o.staging.store.mu.Lock()
	defer o.staging.store.mu.Unlock()
	if _, taken := o.staging.store.objects[o.name]; taken {
		return fail(providers.Exists, "commit", "there is an object %s", o.name)
	}
	o.staging.store.objects[o.name], o.ended = o.content, true
	return nil
}

func (o *object) Abort() error {
	o.ended = true
	return nil
}
