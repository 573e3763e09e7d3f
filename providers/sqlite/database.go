package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/go-hclog"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// database is one file, read.
type database struct {
	path  string // absolute, symbolic links resolved
	log   hclog.Logger
	waits *waits
	// optional: a file that does not exist is an empty database.
	optional bool
	// snapshots says that a copy is read under one snapshot, for Preflight's words.
	snapshots bool

	mu     sync.Mutex
	idle   []*conn // read-only connections that nobody uses
	closed bool
}

func newDatabase(v schema.Values, env providers.Env) (*database, error) {
	if err := v.Check(); err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: "open database", Err: err}
	}
	path := v.String("path")
	if path == "" {
		return nil, refuse(providers.Config, "open database", catalog.Name{}, errors.New("path is empty"))
	}
	path, err := canonical(env.Dir, path)
	if err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: "open database", Err: err}
	}
	return &database{path: path, log: env.Log, waits: newWaits(path, env.Waiting)}, nil
}

// canonical makes a path absolute and resolves symbolic links; the file need not exist.
func canonical(dir, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // reported when it is opened
	}
	return filepath.Join(folder, filepath.Base(path)), err
}

// missing says whether there is no file, or an empty one, which is an empty database.
func (d *database) missing() bool {
	st, err := os.Stat(d.path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0 && st.Mode().IsRegular()
}

// check says what is wrong with the file before anything is asked of it.
func (d *database) check(ctx context.Context) error {
	switch st, err := os.Stat(d.path); {
	case errors.Is(err, fs.ErrNotExist):
		return d.absent()
	case err != nil:
		return &providers.Error{Kind: providers.Permission, Op: "open database", Err: err, Fix: "Check the permissions of the folder."}
	case !st.Mode().IsRegular():
		return refuse(providers.Config, "open database", catalog.Name{}, fmt.Errorf("%s is not a regular file", d.path))
	case st.Size() == 0 && d.optional:
		return nil
	}
	return d.with(ctx, "open database", func(c *conn) error {
		encoding := ""
		err := c.rows(ctx, func(s *sqlite.Stmt) error { encoding = s.ColumnText(0); return nil }, "PRAGMA encoding")
		if err == nil && encoding != "UTF-8" {
			e := refuse(providers.Unsupported, "open database", catalog.Name{}, fmt.Errorf("text is stored as %s", encoding))
			e.Fix = "Make a UTF-8 copy with \"sqlite3 FILE .dump | sqlite3 COPY\"."
			return e
		}
		if err == nil { // reads the file's header
			_, _, err = c.int64(ctx, "SELECT count(*) FROM sqlite_schema")
		}
		return err
	})
}

func (d *database) absent() error {
	if !d.optional {
		e := refuse(providers.NotFound, "open database", catalog.Name{}, fmt.Errorf("%s does not exist", d.path))
		e.Fix = "Check path: it is relative to the spec's folder."
		return e
	}
	if st, err := os.Stat(filepath.Dir(d.path)); err != nil || !st.IsDir() {
		e := refuse(providers.NotFound, "open database", catalog.Name{}, fmt.Errorf("folder %s does not exist", filepath.Dir(d.path)))
		e.Fix = "Make the folder, or check path."
		return e
	}
	return nil
}

// borrow takes a read-only connection.
func (d *database) borrow() (*conn, error) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil, errors.New("database is closed")
	}
	if n := len(d.idle); n > 0 {
		c := d.idle[n-1]
		d.idle = d.idle[:n-1]
		d.mu.Unlock()
		return c, nil
	}
	d.mu.Unlock()
	return d.reader()
}

// reader opens a connection that never writes rows. A target's may write the file, so
// that closing the last one removes the write-ahead log.
func (d *database) reader() (*conn, error) {
	flags := sqlite.OpenReadOnly
	if d.optional {
		flags = sqlite.OpenReadWrite
	}
	return d.connect(flags, "PRAGMA query_only=ON")
}

// giveBack keeps a connection without an open transaction for the next borrower.
func (d *database) giveBack(c *conn) error {
	err := c.rollback()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || d.closed || len(d.idle) >= 8 {
		return errors.Join(err, c.Close())
	}
	d.idle = append(d.idle, c)
	return nil
}

// with runs f on a borrowed connection.
func (d *database) with(ctx context.Context, op string, f func(*conn) error) error {
	c, err := d.borrow()
	if err != nil {
		return failed(ctx, op, err)
	}
	err = f(c)
	return failed(ctx, op, errors.Join(err, d.giveBack(c)))
}

// Identity is the canonical path of the file.
func (d *database) Identity(context.Context) (string, error) { return engine + ":" + d.path, nil }

func (d *database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	var errs []error
	for _, c := range d.idle {
		errs = append(errs, c.Close())
	}
	d.idle = nil
	return errors.Join(errs...)
}
