package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// lockSuffix makes the lock's file name from the database's. SQLite's own locks lie on
// the database file itself, where closing any descriptor would drop them.
const lockSuffix = ".dmo-lock"

// fileLock is flock(2) on a file beside the database. The kernel gives it back
// when the process ends, however it ends.
type fileLock struct{ file *os.File }

// lock takes the lock, or fails with Locked and the owner's name.
func lock(path string, owner ledger.Owner) (*fileLock, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, &providers.Error{Kind: providers.Permission, Op: "lock", Err: err, Fix: "Let dmoctl write to the directory of the database."}
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			held := lockedBy(f)
			return nil, errors.Join(held, f.Close())
		}
		if err != nil {
			return nil, errors.Join(&providers.Error{Kind: providers.Internal, Op: "lock", Err: err}, f.Close())
		}
		if !current(f, path) { // its holder removed it between open and flock
			if err := f.Close(); err != nil {
				return nil, fmt.Errorf("lock: %w", err)
			}
			continue
		}
		l := &fileLock{f}
		if err := l.sign(owner); err != nil {
			return nil, errors.Join(err, l.release())
		}
		return l, nil
	}
}

func lockedBy(f *os.File) error {
	var owner ledger.Owner
	if b, err := io.ReadAll(f); err != nil || json.Unmarshal(b, &owner) != nil {
		return fenced.Locked(nil) // its holder has not signed it yet
	}
	return fenced.Locked(&owner)
}

// current says whether path still names the open file.
func current(f *os.File, path string) bool {
	a, err1 := f.Stat()
	b, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// sign writes who holds the lock, for messages.
func (l *fileLock) sign(owner ledger.Owner) error {
	b, err := json.Marshal(owner)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(b, '\n'), 0)
	}
	if err != nil {
		kind := providers.Permission
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			kind = providers.Full
		}
		return &providers.Error{Kind: kind, Op: "lock", Err: err}
	}
	return nil
}

// release removes the file while the lock is held, then gives the lock back.
func (l *fileLock) release() error {
	var err error
	if current(l.file, l.file.Name()) {
		err = os.Remove(l.file.Name())
	}
	return errors.Join(err, l.file.Close())
}

// held returns who holds the lock, nil where nobody does.
func held(path string) (*ledger.Owner, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &providers.Error{Kind: providers.Permission, Op: "check lock", Err: err}
	}
	defer f.Close()
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
	case err != nil:
		return nil, &providers.Error{Kind: providers.Internal, Op: "check lock", Err: err}
	default:
		return nil, nil // closing gives it back
	}
	var owner ledger.Owner
	b, err := io.ReadAll(f)
	if err == nil {
		err = json.Unmarshal(b, &owner)
	}
	if err != nil {
		return &ledger.Owner{}, nil //nolint:nilerr // the holder has not signed yet
	}
	return &owner, nil
}
