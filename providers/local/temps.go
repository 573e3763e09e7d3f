package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/dmoctl/dmoctl/providers"
)

// Temporary files lie in .dmo-temporary/<process>/. Every process that writes holds a
// lock in its own directory, which dies with it; a directory whose lock can be taken is a dead
// process's and is removed. A lock over all of them is held while a directory is made
// or looked at, so that no directory is seen before its lock is held.
const tempRoot = ".dmo-temporary"

// claim makes this process's directory, after it has removed what dead processes left. The
// caller holds s.mu.
func (s *staging) claim() error {
	all, err := s.lockAll()
	if err != nil {
		return err
	}
	defer all.Close()
	if err := s.clean(); err != nil {
		return err
	}
	dir := fmt.Sprintf("%s/%d-%s", tempRoot, os.Getpid(), strings.ToLower(rand.Text()))
	if err := s.root.Mkdir(dir, dirMode); err != nil {
		return err
	}
	lock, err := s.lockFile(dir+"/lock", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return errors.Join(err, s.removeTemps(dir))
	}
	s.temps, s.lock = dir, lock
	return nil
}

// tempDir is the form of a process's directory, tempFile that of a file in it. Nothing
// else below tempRoot is ours.
var (
	tempDir  = regexp.MustCompile(`^[0-9]+-[0-9a-z]+$`)
	tempFile = regexp.MustCompile(`^[0-9]+$`)
)

// clean removes what dead processes left. The caller holds the lock over all.
func (s *staging) clean() error {
	entries, err := s.readDir(tempRoot)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !tempDir.MatchString(e.Name()) {
			continue
		}
		dir := tempRoot + "/" + e.Name()
		lock, err := s.lockFile(dir+"/lock", syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = s.removeTemps(dir)
		lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// removeTemps removes a process's directory with the files in it that are of our form. What
// else somebody put there stays, and the directory with it.
func (s *staging) removeTemps(dir string) error {
	entries, err := s.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !tempFile.MatchString(e.Name()) {
			continue
		}
		if err := s.removeFile(dir + "/" + e.Name()); err != nil {
			return err
		}
	}
	if err := s.removeFile(dir + "/lock"); err != nil {
		return err
	}
	err = s.root.Remove(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return nil
	}
	return err
}

func (s *staging) removeFile(name string) error {
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *staging) lockAll() (*os.File, error) {
	if err := s.makeDir(tempRoot); err != nil {
		return nil, err
	}
	return s.lockFile(tempRoot+"/lock", syscall.LOCK_EX)
}

// lockFile makes a file where it is missing and locks it; closing it gives the lock back.
func (s *staging) lockFile(name string, how int) (*os.File, error) {
	f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		f, err = s.openRegular(name, os.O_RDWR)
	}
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
		return nil, fmt.Errorf("lock %s: %w", name, err)
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
	temps, err := s.measureTemps()
	if err != nil {
		return err
	}
	used += temps
	s.used = used
	return nil
}

func (s *staging) measureTemps() (used int64, err error) {
	directories, err := s.readDir(tempRoot)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, d := range directories {
		if !d.IsDir() || !tempDir.MatchString(d.Name()) {
			continue
		}
		dir := tempRoot + "/" + d.Name()
		files, err := s.readDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		for _, f := range files {
			if info, err := s.root.Lstat(dir + "/" + f.Name()); err == nil && tempFile.MatchString(f.Name()) {
				used += info.Size()
			}
		}
	}
	return used, nil
}
