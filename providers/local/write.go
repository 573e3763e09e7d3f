package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/providers"
)

// writer writes one object as a temporary file.
type writer struct {
	ctx   context.Context
	s     *staging
	name  string
	temp  string // name of the temporary file in the directory
	file  *os.File
	size  int64
	begun int64 // bytes that are on their way to the disk
	ended bool
}

// writebackBytes is how much of an object is written before the kernel is asked to put it
// on disk. Otherwise nothing happens before Commit, which then waits for all of it: a
// quarter of the time of an export was spent so.
const writebackBytes = 8 << 20

// Create starts a temporary file.
func (s *staging) Create(ctx context.Context, name string) (providers.ObjectWriter, error) {
	if err := valid("create object", name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	temp, err := s.temporary()
	if err != nil {
		return nil, failure("create object", err)
	}
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, failure("create object", err)
	}
	return &writer{ctx: ctx, s: s, name: name, temp: temp, file: f}, nil
}

// temporary names a new file in this process's own directory.
func (s *staging) temporary() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.New("staging is closed")
	}
	if s.lock == nil {
		if err := s.claim(); err != nil {
			return "", err
		}
	}
	s.next++
	return s.temps + "/" + strconv.Itoa(s.next), nil
}

func (w *writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, failure("write object", fs.ErrClosed)
	}
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	if err := w.s.take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	w.s.release(int64(len(p) - n))
	if err != nil {
		return n, failure("write object", err)
	}
	if fresh := w.size - w.begun; fresh >= writebackBytes {
		startWriteback(w.file, w.begun, fresh)
		w.begun = w.size
	}
	return n, nil
}

// Commit puts the bytes on disk, then links the name to them, then puts the name on disk.
func (w *writer) Commit(ctx context.Context) error {
	if w.ended {
		return failure("commit object", fs.ErrClosed)
	}
	err := ctx.Err()
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = w.link()
	}
	if err == nil {
		w.ended = true
		w.file.Close()
		_ = w.s.root.Remove(w.temp) // what is left here goes with the directory of temporary files
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return &providers.Error{Kind: providers.Exists, Op: "commit object", Err: fmt.Errorf("object %s exists", w.name)}
	}
	return failure("commit object", err)
}

// link makes the object's directories and name. Somebody who removes the last object of
// a directory takes the directory along, so that a missing one is made again.
func (w *writer) link() error {
	dir := path.Dir(w.name)
	for range 100 {
		err := w.s.makeDir(dir)
		if err == nil {
			err = w.s.root.Link(w.temp, w.name)
		}
		if err == nil {
			err = w.s.syncDir(strings.TrimPrefix(dir, "."))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, gone := w.s.root.Lstat(w.temp); gone != nil {
			return gone
		}
	}
	return fmt.Errorf("directory %s keeps disappearing", dir)
}

// makeDir makes a directory and those above it, each on disk before the next. "." is the
// staging's own.
func (s *staging) makeDir(dir string) error {
	if dir == "." {
		return nil
	}
	above := path.Dir(dir)
	if err := s.makeDir(above); err != nil {
		return err
	}
	err := s.root.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrExist) {
		info, err := s.root.Lstat(dir)
		if err == nil && !info.IsDir() {
			err = &providers.Error{Kind: providers.Unsupported, Op: "write object", Err: fmt.Errorf("%s in the staging is a link or not a directory", dir),
				Fix: "Links in a staging are not followed. Remove it, or name a separate directory in the staging's path."}
		}
		return err
	}
	if err != nil {
		return err
	}
	return s.syncDir(strings.TrimPrefix(above, "."))
}

// Abort drops the temporary file.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.s.release(w.size)
	w.file.Close()
	if err := w.s.root.Remove(w.temp); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrClosed) {
		return failure("abort object", err)
	}
	return nil
}
