package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dmoctl/dmoctl/providers"
)

// Temporary files lie in .dmo-temporary/<process>/. Every process that writes holds a
// lock in its own folder, which dies with it; a folder whose lock can be taken is a dead
// process's and is removed. A lock over all of them is held while a folder is made
// or looked at, so that no folder is seen before its lock is held.
const tempRoot = ".dmo-temporary"

// claim makes this process's folder. The caller holds s.mu.
func (s *staging) claim() error {
	all, err := s.lockAll()
	if err != nil {
		return err
	}
	defer all.Close()
	dir, err := os.MkdirTemp(filepath.Join(s.root, tempRoot), fmt.Sprintf("%d-", os.Getpid()))
	if err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.temps, s.lock = dir, lock
	return nil
}

// clean removes what dead processes left.
func (s *staging) clean() error {
	entries, err := os.ReadDir(filepath.Join(s.root, tempRoot))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := s.lockAll()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil // who may not write may still read
	}
	if err != nil {
		return err
	}
	defer all.Close()
	for _, e := range entries {
		dir := filepath.Join(s.root, tempRoot, e.Name())
		if !e.IsDir() {
			continue
		}
		lock, err := lockFile(filepath.Join(dir, "lock"), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = os.RemoveAll(dir)
		lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *staging) lockAll() (*os.File, error) {
	if err := os.MkdirAll(filepath.Join(s.root, tempRoot), 0o750); err != nil {
		return nil, err
	}
	return lockFile(filepath.Join(s.root, tempRoot, "lock"), syscall.LOCK_EX)
}

// lockFile opens a file and locks it; closing it gives the lock back.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// take counts n more bytes, or refuses them with Full where the quota has no room.
func (s *staging) take(n int64) error {
	if s.quota <= 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.quota {
		// Somebody else may have removed objects since.
		if err := s.measureLocked(); err != nil {
			return failure("measure staging", err)
		}
	}
	if s.used+n > s.quota {
		return &providers.Error{
			Kind: providers.Full, Op: "write object", Code: "quota",
			Err: fmt.Errorf("the staging's quota of %d bytes is used up", s.quota),
			Fix: "Raise the staging's quota, or wait until objects have been imported and removed.",
		}
	}
	s.used += n
	return nil
}

func (s *staging) release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

func (s *staging) measure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.measureLocked()
}

// measureLocked counts the bytes of all objects and temporary files, of other
// processes, too. The caller holds s.mu.
func (s *staging) measureLocked() error {
	var used int64
	err := s.walk(context.Background(), "", func(_ string, info fs.FileInfo) bool {
		used += info.Size()
		return true
	})
	if err != nil {
		return err
	}
	temps, err := filepath.Glob(filepath.Join(s.root, tempRoot, "*", "*"))
	if err != nil {
		return err
	}
	for _, path := range temps {
		if info, err := os.Lstat(path); err == nil {
			used += info.Size()
		}
	}
	s.used = used
	return nil
}
