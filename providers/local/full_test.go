package local

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

func TestDiskFull(t *testing.T) {
	// Failure scenario: disk full in the staging or the state's directory: a clear error, nothing half visible, and it works again when there is room.
	const variable = "DMO_TEST_LOCAL_FULL"
	if dir := os.Getenv(variable); dir != "" {
		fill(t, dir)
		return
	}
	dir := t.TempDir()
	script := `mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -test.v -test.run='^TestDiskFull$'`
	cmd := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", dir, os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+dir)
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

// fill runs in a file system of one megabyte.
func fill(t *testing.T, dir string) {
	s := openAt(t, schema.Values{"path": dir})
	if err := put(t, s, "first", strings.Repeat("x", 600<<10)); err != nil {
		t.Fatal(err)
	}
	err := put(t, s, "second", strings.Repeat("y", 600<<10))
	var full *providers.Error
	if providers.KindOf(err) != providers.Full || !errors.As(err, &full) || full.Fix == "" || full.Code != "ENOSPC" {
		t.Fatalf("got %v", err)
	}
	for o, err := range s.List(t.Context(), "") {
		if err != nil || o.Name != "first" {
			t.Errorf("listed %s, %v", o.Name, err)
		}
	}
	if got := temporaries(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if err := s.Remove(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, "second", strings.Repeat("y", 600<<10)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
