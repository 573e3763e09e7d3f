package planner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/providers"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMachineMemory(t *testing.T) {
	dir := t.TempDir()
	info := write(t, filepath.Join(dir, "meminfo"), "MemFree: 1 kB\nMemTotal:       16384 kB\n")
	if got := machineMemory(info); got != 16<<20 {
		t.Errorf("%d bytes", got)
	}
	if got := machineMemory(write(t, filepath.Join(dir, "odd"), "MemTotal: many kB\n")); got != 0 {
		t.Errorf("%d bytes of an odd file", got)
	}
	if got := machineMemory(filepath.Join(dir, "missing")); got != 0 {
		t.Errorf("%d bytes of no file", got)
	}
}

// TestGroupMemory: the smallest limit on the way up counts; "max" is none.
func TestGroupMemory(t *testing.T) {
	dir := t.TempDir()
	self := write(t, filepath.Join(dir, "cgroup"), "12:cpu:/old\n0::/job/step\n")
	root := filepath.Join(dir, "fs")
	write(t, filepath.Join(root, "job/step/memory.max"), "max\n")
	if got := groupMemory(self, root); got != 0 {
		t.Errorf("%d without a limit", got)
	}
	write(t, filepath.Join(root, "job/memory.max"), "1048576\n")
	write(t, filepath.Join(root, "memory.max"), "2097152\n")
	if got := groupMemory(self, root); got != 1<<20 {
		t.Errorf("%d, want the limit of the parent", got)
	}
}

func TestProcesses(t *testing.T) {
	cases := []struct {
		name     string
		asked    desired.Processes
		writers  int
		machine  Machine
		lobMax   int64
		downtime int
		memory   int64
		explain  string
	}{
		{"defaults", desired.Processes{}, 0, Machine{Memory: 16 << 30, CPUs: 4}, 256 << 20, 8, 4 << 30, "a quarter of the machine's 16GiB"},
		{"one writer", desired.Processes{Downtime: 8}, 1, Machine{Memory: 16 << 30, CPUs: 4}, 256 << 20, 1, 4 << 30, "1 process, because the target allows 1 writer"},
		{"small machine", desired.Processes{Downtime: 1}, 0, Machine{Memory: 2 << 30, CPUs: 1}, 256 << 20, 1, 771 << 20, "needed for one value of lob_max"},
		{"unknown machine", desired.Processes{}, 0, Machine{}, 1 << 20, 2, 512 << 20, "an assumed 2GiB"},
		{"asked for", desired.Processes{Downtime: 3, Memory: 192 << 20}, 0, Machine{Memory: 16 << 30, CPUs: 4}, 1 << 20, 3, 192 << 20, "192MiB, set in the spec; 3 processes, set in the spec"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.spec.Processes, w.spec.Policies.LOBMax = c.asked, c.lobMax
			p := decideProcesses(w.spec, providers.Limits{Writers: c.writers}, c.machine)
			if p.Downtime != c.downtime || p.Memory != c.memory || !strings.Contains(p.Explain, c.explain) {
				t.Errorf("%+v", p)
			}
			if held := wideRow(c.lobMax, batches(p.Downtime, p.BatchBytes)); held > p.Memory {
				t.Errorf("batches and one large value take %d of %d bytes", held, p.Memory)
			}
		})
	}
}
