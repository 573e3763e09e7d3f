package executor_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

func TestStateDiskFull(t *testing.T) {
	// Failure scenario: disk full in the staging or the state's directory: a clear error, committed packages are kept, and apply continues when there is room
	if flag.NArg() > 0 {
		fillState(t, flag.Arg(0))
		return
	}
	script := `mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -test.v -test.run='^TestStateDiskFull$' -- "$1"`
	cmd := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", t.TempDir(), os.Args[0])
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "--- FAIL") {
		t.Fatalf("%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		if os.Getenv("DMO_TEST_REQUIRE") == "all" {
			t.Fatalf("no small file system can be mounted here: %v\n%s", err, out)
		}
		t.Skipf("no small file system can be mounted here: %v", err)
	}
}

// fillState runs with the state in a file system of one megabyte, which fills up
// in the middle of the run.
func fillState(t *testing.T, dir string) {
	b := newEnvironment(t, numbered(3_000))
	p := b.plan()
	st := must(state.Open(filepath.Join(dir, "state.db"), state.ReadWrite))(t)
	defer st.Close()
	ballast := filepath.Join(dir, "ballast")
	d := b.deps()
	d.State = st
	seen := 0
	d.Hooks.Before = func(point string) {
		if point == control.PointCommit {
			if seen++; seen == 3 {
				fill(t, ballast)
			}
		}
	}
	_, err := executor.Apply(t.Context(), p, d)
	var o *executor.Outcome
	if !errors.As(err, &o) || o.Exit != report.Error || !errors.Is(err, state.ErrFull) || !strings.Contains(o.Fix, "Free space") {
		t.Fatalf("with a full disk: %v", err)
	}
	in := len(b.contents().Loaded)
	if in < 3 || in == 7 {
		t.Errorf("%d packages are loaded", in)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	b.open()
	d = b.deps()
	d.State = st
	if _, exit := b.apply(p, d); exit != report.OK {
		t.Fatalf("with room again: exit %d\n%s", exit, b.events)
	}
	b.same("orders", "loose", "hollow")
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; _, err = f.Write(block) {
	}
	for one := []byte{0}; ; {
		if _, err := f.Write(one); err != nil {
			return
		}
	}
}
