package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestDamagedExportFileNotLoaded kills a run in file mode, so that files are staged
// whose packages are not loaded, damages them, and applies again.
func TestDamagedExportFileNotLoaded(t *testing.T) {
	// Failure scenario: an export file with a flipped bit, truncated, missing, swapped: detected, exported again, never loads.
	damages := map[string]func(t *testing.T, files []string){
		"a flipped bit": func(t *testing.T, files []string) {
			change(t, files[0], func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"truncated": func(t *testing.T, files []string) {
			change(t, files[0], func(b []byte) []byte { return b[:len(b)-7] })
		},
		"missing": func(t *testing.T, files []string) {
			if err := os.Remove(files[0]); err != nil {
				t.Fatal(err)
			}
		},
		"swapped": func(t *testing.T, files []string) {
			spare := files[0] + ".spare"
			for _, pair := range [][2]string{{files[0], spare}, {files[1], files[0]}, {spare, files[1]}} {
				if err := os.Rename(pair[0], pair[1]); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{mode: "file", consistency: "quiet", parts: 4})
			b.fill(t, 2, 30000)
			want := contents(t, b.source, b.sourceDB)
			p.slow(200 * time.Millisecond)
			run := b.startApply(t)
			var files []string
			for deadline := time.Now().Add(time.Minute); len(files) < 2 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				files = dataFiles(t, b.dir)
			}
			_ = run.cmd.Process.Kill()
			<-run.done
			p.slow(0)
			b.sessionsGone(t)
			if files = dataFiles(t, b.dir); len(files) < 2 {
				t.Fatalf("%d files are staged, want at least 2", len(files))
			}
			damage(t, files)
			b.apply(t, 0)
			b.equal(t, want)
		})
	}
}

func dataFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	root := filepath.Join(dir, "staging", "data")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && filepath.Base(path)[0] != '.' {
			files = append(files, path)
		}
		return nil // files come and go while the run works
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}
