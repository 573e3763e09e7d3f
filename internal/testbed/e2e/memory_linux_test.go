package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
)

// peak returns the largest proportional set size of a process until it ends, in bytes. See proc(5).
func peak(run *process) int64 {
	var most int64
	for {
		select {
		case <-run.done:
			return most
		case <-time.After(10 * time.Millisecond):
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", run.cmd.Process.Pid))
		if err != nil {
			continue // it has just ended
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
					most = max(most, kib<<10)
				}
			}
		}
	}
}

func TestWideRowsMemoryBound(t *testing.T) {
	// Failure scenario: values that take a quarter of the memory each: the process stays near its bound, whichever column they are in.
	wideRows(t, "pipe")
}

func TestWideRowsMemoryBoundInFileMode(t *testing.T) {
	// Done: staging: values that take a quarter of the memory each, through files: the process stays in its bound
	wideRows(t, "file")
}

func wideRows(t *testing.T, mode string) {
	t.Helper()
	s := pgtest.Shared(t)
	b := newBed(t, s, s, specOptions{mode: mode, memory: "160MiB", parts: 2, extra: "  types { lob_max = \"40MiB\" }\n"})
	b.source.Exec(t, b.sourceDB, `CREATE TABLE wide (id int PRIMARY KEY, b bytea, t text);
ALTER TABLE wide ALTER b SET STORAGE EXTERNAL, ALTER t SET STORAGE EXTERNAL;
INSERT INTO wide SELECT g, CASE WHEN g % 2 = 0 THEN convert_to(repeat('b', 40000000), 'UTF8') END, CASE WHEN g % 2 = 1 THEN repeat('t', 40000000) END FROM generate_series(1, 8) g; ANALYZE`)
	run := b.startApply(t)
	most := peak(run)
	if r := run.wait(t, time.Minute); r.exit != 0 {
		t.Fatalf("exit %d\n%s", r.exit, tail(r.stderr))
	}
	const bound = 160 << 20
	t.Logf("%d MiB at most", most>>20)
	if most == 0 || most > bound {
		t.Errorf("the process took %d MiB, its bound is %d MiB", most>>20, bound>>20)
	}
}
