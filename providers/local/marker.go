package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/dmoctl/dmoctl/providers"
)

// A directory is a staging once it holds the marker. Only an empty one gets it, so that
// nothing in a directory that somebody else filled is ever taken for an object. The content is
// constant: whoever writes it beside another process, or after a crash, writes the same.
const (
	marker        = ".dmo-staging"
	markerContent = "{\"format\":1,\"what\":\"a staging of dmoctl; everything in here may be removed by it\"}\n"
)

// occupy makes sure that the directory is a staging, and marks an empty one.
func (s *staging) occupy() error {
	content, err := s.readMarker()
	if err == nil && content == markerContent {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failure("open staging", err)
	}
	if !strings.HasPrefix(markerContent, content) {
		return &providers.Error{Kind: providers.Unsupported, Op: "open staging",
			Err: fmt.Errorf("the directory %q is marked as a staging of a different version of dmoctl", s.root.Name()),
			Fix: "Use the version of dmoctl that created it, or name another directory in the staging's path."}
	}
	entries, err := s.readDir("")
	if err != nil {
		return failure("open staging", err)
	}
	for _, e := range entries {
		// What is left of a marker without its end was written before a crash.
		if e.Name() != marker || !e.Type().IsRegular() {
			return s.taken(e.Name())
		}
	}
	if err := s.writeMarker(); err != nil {
		return failure("mark staging", err)
	}
	return nil
}

func (s *staging) taken(name string) error {
	return &providers.Error{Kind: providers.Exists, Op: "open staging",
		Err: fmt.Errorf("the directory %q is not empty and is not a staging of dmoctl: it holds %q", s.root.Name(), name),
		Fix: "Nothing in it was changed. Name a separate directory in the staging's path; dmoctl creates it if it is missing."}
}

func (s *staging) readMarker() (string, error) {
	f, err := s.openRegular(marker, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	return string(b), err
}

func (s *staging) writeMarker() error {
	f, err := s.root.OpenFile(marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		f, err = s.openRegular(marker, os.O_WRONLY)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(markerContent), 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return s.syncDir("")
}

// Modes of what is made. Rows of a database are nobody else's.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// openRegular opens a file that is there. Whatever is not a regular file, or lies behind a
// link, does not exist; a FIFO does not block.
func (s *staging) openRegular(name string, flag int) (*os.File, error) {
	before, err := s.lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: %w", name, fs.ErrNotExist)
	}
	f, err := s.root.OpenFile(name, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	now, err := f.Stat()
	if err == nil && !os.SameFile(before, now) {
		err = fmt.Errorf("%s was replaced while it was opened: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lstat looks at a name. One whose directories are links, or no directories, does not exist.
func (s *staging) lstat(name string) (fs.FileInfo, error) {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		info, err := s.root.Lstat(name[:i])
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("%s is not a directory: %w", name[:i], fs.ErrNotExist)
		}
	}
	return s.root.Lstat(name)
}

// readDir reads a directory that is not a link. The staging's own is "".
func (s *staging) readDir(name string) ([]fs.DirEntry, error) {
	d, err := s.openDir(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ReadDir(-1)
}

func (s *staging) openDir(name string) (*os.File, error) {
	if name == "" {
		return s.root.Open(".")
	}
	info, err := s.lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory: %w", name, fs.ErrNotExist)
	}
	return s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (s *staging) syncDir(name string) error {
	d, err := s.openDir(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
