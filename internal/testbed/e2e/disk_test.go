package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a small tmpfs. A caller without the right to mount gets a user
// namespace from the Makefile's test target; elsewhere the test is skipped.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("DMO_TEST_REQUIRE") == "all" {
			t.Fatalf("mount tmpfs: %v", err)
		}
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// occupy fills a disk but for free bytes.
func occupy(t *testing.T, dir string, free uint64) string {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "occupied")
	if room := s.Bavail * uint64(s.Bsize); room > free {
		if err := os.WriteFile(path, make([]byte, room-free), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestStagingDiskFull(t *testing.T) {
	// Failure scenario: disk full in the staging: clear error, nothing half visible, resumes when there is room.
	disk := smallDisk(t, "64m")
	b, _, _ := throughProxy(t, specOptions{mode: "file", staging: filepath.Join(disk, "staging"), consistency: "quiet", parts: 4})
	b.fill(t, 2, 60000)
	want := contents(t, b.source, b.sourceDB)
	occupied := occupy(t, disk, 100<<10)
	r := b.apply(t, 1)
	if !strings.Contains(r.stderr, "space") && !strings.Contains(r.stderr, "full") {
		t.Errorf("the error does not say that the disk is full:\n%s", tail(r.stderr))
	}
	if err := os.Remove(occupied); err != nil {
		t.Fatal(err)
	}
	b.apply(t, 0)
	b.equal(t, want)
}

func TestStateDiskFull(t *testing.T) {
	// Failure scenario: disk full in the staging or the state's directory: clear error, nothing half visible, resumes when there is room.
	disk := smallDisk(t, "16m")
	b, _, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4})
	b.dir = disk
	b.writeSpec(t)
	b.fill(t, 4, 5000)
	want := contents(t, b.source, b.sourceDB)
	occupied := occupy(t, disk, 16<<10)
	r := b.apply(t, 1)
	if !strings.Contains(r.stderr, "space") && !strings.Contains(r.stderr, "full") {
		t.Errorf("the error does not say that the disk is full:\n%s", tail(r.stderr))
	}
	if err := os.Remove(occupied); err != nil {
		t.Fatal(err)
	}
	b.apply(t, 0)
	b.equal(t, want)
}
