package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// lockHolders returns the other processes that hold a lock for writing on a database's
// file, or on its shared memory (proc_locks(5)). The file itself must not be opened for
// that: closing it would give back SQLite's own locks.
func lockHolders(path string) []int {
	files := map[string]bool{}
	for _, name := range []string{path, path + "-shm"} {
		if i, err := os.Stat(name); err == nil {
			if st, ok := i.Sys().(*syscall.Stat_t); ok {
				files[fmt.Sprint(st.Ino)] = true
			}
		}
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []int
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// 1: POSIX  ADVISORY  WRITE 4711 08:01:131 1073741825 1073741825
		words := strings.Fields(lines.Text())
		if len(words) != 8 || words[1] != "POSIX" || words[3] != "WRITE" {
			continue
		}
		inode := words[5][strings.LastIndexByte(words[5], ':')+1:]
		pid, err := strconv.Atoi(words[4])
		if err == nil && files[inode] && pid > 0 && pid != os.Getpid() && !slices.Contains(out, pid) {
			out = append(out, pid)
		}
	}
	return out
}
