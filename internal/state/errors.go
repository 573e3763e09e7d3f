package state

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
	"zombiezen.com/go/sqlite"
)

// ErrFull is wrapped where the state's directory has no room left.
var ErrFull = errors.New("no space left for the state")

// ErrDamaged is wrapped where the file is not a state, or not a whole one.
var ErrDamaged = errors.New("the state file is damaged")

// ErrUnwritable is wrapped where file or directory cannot be opened or written.
var ErrUnwritable = errors.New("the state file cannot be opened")

// ErrNotFound is wrapped where the state has no such run.
var ErrNotFound = errors.New("not found in the state")

// ErrVersion is wrapped where the file belongs to another version of dmoctl.
var ErrVersion = errors.New("the state has a different version")

// leastRoom is the room in bytes below which a disk counts as full: SQLite's shared
// memory file beside a database grows by half of it at once.
const leastRoom = 64 << 10

// Advice says in a sentence what a user can do about an error of this package; ""
// where nothing is known.
func Advice(err error) string {
	switch {
	case errors.Is(err, ErrFull):
		return "Free space in the state's directory."
	case errors.Is(err, ErrDamaged):
		return "To set the file aside and write a new one from the target's ledger, run: dmoctl state rebuild"
	case errors.Is(err, ErrUnwritable):
		return "Make sure that the file's directory exists, is not a file, and is writable by you."
	case errors.Is(err, ErrVersion):
		return "Use the version of dmoctl that wrote it, or name another file in dmo { state }."
	}
	return ""
}

// classify says what an error of SQLite means for the state at path.
func classify(path string, err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite.ResultIOErr, sqlite.ResultCantOpen:
		// A disk that fills up under the WAL's shared memory is reported as an I/O error,
		// and before the file exists as one that cannot be opened.
		if full(filepath.Dir(path)) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return fmt.Errorf("%w: %w", ErrUnwritable, err)
	case sqlite.ResultReadOnly, sqlite.ResultPerm:
		return fmt.Errorf("%w: %w", ErrUnwritable, err)
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// full says whether the disk under dir has next to no room left.
func full(dir string) bool {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return false
	}
	return s.Bavail < leastRoom/uint64(s.Bsize) || s.Files > 0 && s.Ffree == 0
}
