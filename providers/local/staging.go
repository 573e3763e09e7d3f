package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/providers"
)

// staging is one open directory. Its methods are safe for concurrent use.
type staging struct {
	root  *os.Root
	quota int64 // bytes; 0 is none

	mu     sync.Mutex
	used   int64    // bytes of objects and of what is being written here; kept with a quota only
	temps  string   // directory of temporary files, made by the first Create; in root
	lock   *os.File // held while this process may write into temps
	next   int      // number of the next temporary file
	closed bool
}

// valid refuses what is not an object's name.
func valid(op, name string) error {
	if exportfile.ValidName(name) {
		return nil
	}
	return &providers.Error{Kind: providers.Config, Op: op, Err: fmt.Errorf("%.80q is not an object name", name)}
}

// Open reads a range of an object; one that ends behind the object ends with it.
func (s *staging) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := valid("open object", name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := s.openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, failure("open object", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, failure("open object", err)
	}
	if length < 0 {
		length = max(info.Size()-offset, 0)
	}
	return &object{ctx: ctx, file: f, part: io.NewSectionReader(f, offset, length)}, nil
}

// object is an open range of an object.
type object struct {
	ctx  context.Context
	file *os.File
	part *io.SectionReader
}

func (o *object) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := o.part.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = failure("read object", err)
	}
	return n, err
}

func (o *object) Close() error { return o.file.Close() }

// List yields objects by name, bytewise.
func (s *staging) List(ctx context.Context, prefix string) iter.Seq2[providers.Object, error] {
	return func(yield func(providers.Object, error) bool) {
		dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
		err := s.walk(ctx, dir, func(name string, info fs.FileInfo) bool {
			return !strings.HasPrefix(name, prefix) || yield(providers.Object{Name: name, Size: info.Size()}, nil)
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			yield(providers.Object{}, failure("list objects", err))
		}
	}
}

// walk visits the objects below dir, which is empty or ends in a slash, until
// visit returns false. Objects that vanish meanwhile are left out.
func (s *staging) walk(ctx context.Context, dir string, visit func(string, fs.FileInfo) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := s.readDir(strings.TrimSuffix(dir, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// A directory's slash counts when names are compared: a-b comes before a/b.
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	for _, e := range entries {
		name := dir + e.Name()
		if !exportfile.ValidName(name) {
			continue // not ours, and the directory of temporary files
		}
		if e.IsDir() {
			if err := s.walk(ctx, name+"/", visit); err != nil {
				return err
			}
			continue
		}
		info, err := s.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return err
		}
		if !visit(name, info) {
			return fs.SkipAll
		}
	}
	return nil
}

// Remove deletes an object and the directories that it leaves empty.
func (s *staging) Remove(ctx context.Context, name string) error {
	if err := valid("remove object", name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := s.lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err == nil {
		err = s.root.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failure("remove object", err)
	}
	s.release(info.Size())
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // not empty, or another process was faster
			break
		}
	}
	return nil
}

// Close gives up the directory of temporary files. Safe to call twice.
func (s *staging) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.lock != nil {
		err = s.removeTemps(s.temps)
		s.lock.Close()
		s.lock = nil
	}
	s.root.Close()
	if err != nil {
		return failure("close staging", err)
	}
	return nil
}
