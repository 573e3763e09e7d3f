package local

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Staging(t, providertest.StagingHarness{
		Driver: Driver(),
		New:    func(t testing.TB) schema.Values { return schema.Values{"path": filepath.Join(t.TempDir(), "made")} },
		Foreign: func(t testing.TB, name, content string) (schema.Values, func() string) {
			path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			root := strings.TrimSuffix(path, filepath.FromSlash("/"+name))
			return schema.Values{"path": root}, func() string { return tree(t, root) }
		},
	})
}

func openAt(t *testing.T, v schema.Values) providers.Staging {
	t.Helper()
	s, err := Driver().OpenStaging(t.Context(), v, providers.Env{Log: hclog.NewNullLogger(), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s providers.Staging, name, content string) error {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		return err
	}
	defer func() { _ = w.Abort() }()
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	return w.Commit(t.Context())
}

func TestRelativePathResolvedFromSpec(t *testing.T) {
	dir := t.TempDir()
	s, err := Driver().OpenStaging(t.Context(), schema.Values{"path": "stage"}, providers.Env{Log: hclog.NewNullLogger(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := put(t, s, "a/b", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "stage", "a", "b")); err != nil {
		t.Error(err)
	}
}

func TestUnusablePath(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Driver().OpenStaging(t.Context(), schema.Values{"path": filepath.Join(file, "below")}, providers.Env{Log: hclog.NewNullLogger()})
	if providers.KindOf(err) != providers.NotFound {
		t.Errorf("got %v", err)
	}
	_, err = Driver().OpenStaging(t.Context(), schema.Values{"path": schema.Unset{Env: "STAGING"}}, providers.Env{})
	if providers.KindOf(err) != providers.Config || !strings.Contains(err.Error(), "STAGING") {
		t.Errorf("got %v", err)
	}
}

func TestQuota(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, schema.Values{"path": dir, "quota": int64(10)})
	if err := put(t, s, "a", "123456"); err != nil {
		t.Fatal(err)
	}
	err := put(t, s, "b", "12345")
	if providers.KindOf(err) != providers.Full || !strings.Contains(err.Error(), "quota") {
		t.Errorf("over the quota: %v", err)
	}
	if err := put(t, s, "c", "1234"); err != nil {
		t.Errorf("what was refused still counts: %v", err)
	}
	// Another process makes room.
	other := openAt(t, schema.Values{"path": dir})
	if err := other.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := put(t, s, "d", "123456"); err != nil {
		t.Errorf("after room was made: %v", err)
	}
	if err := put(t, openAt(t, schema.Values{"path": dir, "quota": int64(10)}), "e", "1"); providers.KindOf(err) != providers.Full {
		t.Errorf("a quota forgets what was there: %v", err)
	}
}

// temporaries returns the files that writers have not finished.
func temporaries(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(dir, tempRoot), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "lock" {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDeadWriters kills a process that is writing an object and sees the next one
// clean up, and leave the living alone.
func TestDeadWriters(t *testing.T) {
	const variable = "DMO_TEST_LOCAL_WRITER"
	if dir := os.Getenv(variable); dir != "" {
		w, err := openAt(t, schema.Values{"path": dir}).Create(t.Context(), "half")
		if err == nil {
			_, err = w.Write([]byte("text"))
		}
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("writing\n")
		select {}
	}
	dir := t.TempDir()
	living := openAt(t, schema.Values{"path": dir})
	w, err := living.Create(t.Context(), "alive")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Abort() }()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDeadWriters$")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 8)
	if _, err := out.Read(line); err != nil {
		t.Fatal(err)
	}
	if err := put(t, openAt(t, schema.Values{"path": dir}), "a", "x"); err != nil {
		t.Fatal(err)
	}
	if got := temporaries(t, dir); len(got) != 2 {
		t.Errorf("while both live: %v", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the killed process ended well")
	}
	before := openAt(t, schema.Values{"path": dir})
	if got := temporaries(t, dir); len(got) != 2 {
		t.Errorf("opened, not written to: %v", got)
	}
	if err := put(t, before, "b", "x"); err != nil {
		t.Fatal(err)
	}
	if got := temporaries(t, dir); len(got) != 1 {
		t.Errorf("after one died: %v", got)
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Errorf("the living one: %v", err)
	}
}
