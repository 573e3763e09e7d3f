package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dmoctl/dmoctl/providers"
)

// writer writes one object as a temporary file.
type writer struct {
	ctx   context.Context
	s     *staging
	name  string
	path  string // the object's
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
	path, err := s.path("create object", name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	temp, err := s.temporary()
	if err != nil {
		return nil, failure("create object", err)
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, failure("create object", err)
	}
	return &writer{ctx: ctx, s: s, name: name, path: path, file: f}, nil
}

// temporary names a new file in this process's own folder.
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
	return filepath.Join(s.temps, strconv.Itoa(s.next)), nil
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
		os.Remove(w.file.Name()) // what is left here goes with the folder of temporary files
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return &providers.Error{Kind: providers.Exists, Op: "commit object", Err: fmt.Errorf("object %s exists", w.name)}
	}
	return failure("commit object", err)
}

// link makes the object's folders and name. Somebody who removes the last object of
// a folder takes the folder along, so that a missing one is made again.
func (w *writer) link() error {
	for range 100 {
		dir, err := w.s.folder(filepath.Dir(w.path))
		if err == nil {
			err = os.Link(w.file.Name(), w.path)
		}
		if err == nil {
			err = syncDir(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, gone := os.Lstat(w.file.Name()); gone != nil {
			return gone
		}
	}
	return fmt.Errorf("folder %s vanishes again and again", filepath.Dir(w.path))
}

// folder makes a folder and those above it, each on disk before the next.
func (s *staging) folder(dir string) (string, error) {
	if dir == s.root {
		return dir, nil
	}
	above, err := s.folder(filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	err = os.Mkdir(dir, 0o750)
	if errors.Is(err, fs.ErrExist) {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	return dir, syncDir(above)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Abort drops the temporary file.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	w.s.release(w.size)
	w.file.Close()
	if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failure("abort object", err)
	}
	return nil
}
