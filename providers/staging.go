package providers

import (
	"context"
	"io"
	"iter"
)

// Staging holds immutable objects that are visible only when whole. It is safe
// for concurrent use. Names are slash-separated, lower-case ASCII letters, digits, '.', '-', '_' and %XX.
type Staging interface {
	// Create starts an object. Nothing is visible before Commit.
	Create(ctx context.Context, name string) (ObjectWriter, error)
	// Open reads length bytes from offset; length < 0 reads to the end. NotFound where it is missing.
	Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// List yields the objects under a prefix, by name.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Remove deletes an object; a missing one is not an error.
	Remove(ctx context.Context, name string) error
	io.Closer
}

// Object is one entry of a Staging.
type Object struct {
	Name string
	Size int64
}

// ObjectWriter writes one object. One goroutine.
type ObjectWriter interface {
	io.Writer
	// Commit makes the object visible and durable, or fails with Exists where the
	// name is taken, and leaves that one as it is.
	Commit(ctx context.Context) error
	// Abort drops what was written; a no-op after Commit: safe to defer.
	Abort() error
}
