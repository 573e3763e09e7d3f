package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"zombiezen.com/go/sqlite"
)

// fix starts a quiet view's read transaction and notes the state of the file that it sees. A
// commit to a write-ahead log waits for no reader, so that the state is taken again where
// one came in between.
func (v *view) fix(ctx context.Context) error {
	const attempts = 100
	for range attempts {
		before, err := fileState(v.snapshot.db.path)
		if err != nil {
			return err
		}
		if err := errors.Join(v.conn.rollback(), v.conn.start(ctx)); err != nil {
			return err
		}
		after, err := fileState(v.snapshot.db.path)
		if err != nil {
			return err
		}
		if before != after {
			continue
		}
		return v.conn.rows(ctx, func(s *sqlite.Stmt) error { v.state = "counter=" + s.ColumnText(0) + after; return nil },
			"SELECT hex(substr(data, 25, 4)) FROM sqlite_dbpage WHERE pgno = 1")
	}
	return nil // it is not quiet at all, and nothing is noted that could prove it
}

// fileState names the state of the whole file. The change counter of its header
// (https://www.sqlite.org/fileformat2.html, offset 24) tells commits apart, except for those
// to a write-ahead log. These are told by how many frames the log has, the checksum over all
// of them and its salts, which the header of the wal-index holds; and, once a log was moved
// into the file and removed, by the file's size and time.
func fileState(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf(" file=%d@%d", st.Size(), st.ModTime().UnixNano())
	log, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && log.Size() == 0 {
		return out, nil
	}
	if err != nil {
		return "", err
	}
	index, err := logState(path + "-shm")
	return out + fmt.Sprintf(" wal=%d@%d", log.Size(), log.ModTime().UnixNano()) + index, err
}

// logState reads the part of the wal-index's header (https://www.sqlite.org/walformat.html,
// section 2.1) that is the same again when another process rebuilds it: mxFrame, nPage,
// aFrameCksum, aSalt. There are two copies, which differ while one is being written.
func logState(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	const size, from, to = 48, 16, 40
	var both [2 * size]byte
	if n, err := f.ReadAt(both[:], 0); err != nil && (n > 0 || !errors.Is(err, io.EOF)) {
		return "", err
	}
	first, second := both[from:to], both[size+from:size+to]
	return " index=" + hex.EncodeToString(first) + "/" + hex.EncodeToString(second), nil
}
