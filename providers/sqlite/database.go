package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

// database is one file, read.
type database struct {
	path  string // absolute, symbolic links resolved
	waits *waits
	// optional: a file that does not exist is an empty database.
	optional bool
	// snapshots says that a copy is read under one snapshot, for Preflight's words.
	snapshots bool

	pool *pool.Pool[struct{}, *conn]
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
	d := &database{path: path, waits: newWaits(path, env.Waiting)}
	d.pool = pool.New(pool.Hooks[struct{}, *conn]{
		Open: func(context.Context, struct{}) (*conn, error) { return d.reader() },
		Idle: func(c *conn) bool { return c.rollback() == nil },
		Dead: func(*conn) bool { return false },
		End:  (*conn).Close,
	})
	return d, nil
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
	directory, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // reported when it is opened
	}
	return filepath.Join(directory, filepath.Base(path)), err
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
		return &providers.Error{Kind: providers.Permission, Op: "open database", Err: err, Fix: "Check the permissions of the directory."}
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
		e.Fix = "Check path: it is relative to the spec's directory."
		return e
	}
	if st, err := os.Stat(filepath.Dir(d.path)); err != nil || !st.IsDir() {
		e := refuse(providers.NotFound, "open database", catalog.Name{}, fmt.Errorf("directory %s does not exist", filepath.Dir(d.path)))
		e.Fix = "Create the directory, or check path."
		return e
	}
	return nil
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

// with runs f on a connection that never writes rows.
func (d *database) with(ctx context.Context, op string, f func(*conn) error) error {
	return failed(ctx, op, d.pool.With(ctx, struct{}{}, f))
}

// Identity is the canonical path of the file.
func (d *database) Identity(context.Context) (string, error) { return engine + ":" + d.path, nil }

// Close ends all idle connections; those in use end when they are put back.
func (d *database) Close() error { return d.pool.Close() }
