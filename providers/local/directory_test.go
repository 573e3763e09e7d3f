package local

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// tree says what is in a directory: names, modes, targets of links and contents.
func tree(t testing.TB, root string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		what := ""
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			what, err = os.Readlink(path)
		case e.Type().IsRegular():
			var b []byte
			b, err = os.ReadFile(path)
			what = fmt.Sprintf("%x", sha256.Sum256(b))
		}
		fmt.Fprintln(&out, path, info.Mode(), info.ModTime(), what)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// outside makes a directory that a link in the staging leads to.
func outside(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLinksNotFollowed(t *testing.T) {
	// Done: staging: it never reaches through a link
	const object = "data/t/1-0123456789ab/1"
	for _, c := range []struct{ link, to string }{{"data", "."}, {"data/t", "t"}, {"data/t/1-0123456789ab", "t/1-0123456789ab"}, {object, "t/1-0123456789ab/1"}} {
		for _, inside := range []bool{false, true} {
			root := filepath.Join(t.TempDir(), "staging")
			s := openAt(t, schema.Values{"path": root})
			theirs := outside(t, "t/1-0123456789ab/1")
			if inside {
				from := theirs
				theirs = filepath.Join(root, "other")
				if err := os.CopyFS(theirs, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, theirs)
			link := filepath.Join(root, filepath.FromSlash(c.link))
			if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(theirs, filepath.FromSlash(c.to)), link); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Open(t.Context(), object, 0, -1); providers.KindOf(err) != providers.NotFound {
				t.Errorf("link %s: opened %v, %v", c.link, r, err)
			}
			for o, err := range s.List(t.Context(), "data/") {
				t.Errorf("link %s: listed %v, %v", c.link, o, err)
			}
			if err := s.Remove(t.Context(), object); err != nil {
				t.Errorf("link %s: %v", c.link, err)
			}
			if err := put(t, s, object, "ours"); err == nil {
				t.Errorf("link %s: an object was written behind it", c.link)
			}
			if _, err := os.Lstat(link); err != nil {
				t.Errorf("link %s: it is gone: %v", c.link, err)
			}
			if now := tree(t, theirs); now != before {
				t.Errorf("link %s: %s", c.link, now)
			}
		}
	}
}

func TestForeignTempFilesKept(t *testing.T) {
	// Done: staging: removes temporary files of its own form only
	root := filepath.Join(t.TempDir(), "staging")
	if err := openAt(t, schema.Values{"path": root}).Close(); err != nil {
		t.Fatal(err)
	}
	theirs := outside(t, "1", "lock", "mine.txt")
	temps := filepath.Join(root, tempRoot)
	for _, dir := range []string{"notes", "12-abc", "99-gone"} {
		if err := os.MkdirAll(filepath.Join(temps, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"notes/1", "12-abc/mine.txt", "12-abc/1", "99-gone/1", "99-gone/lock"} {
		if err := os.WriteFile(filepath.Join(temps, name), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(theirs, filepath.Join(temps, "13-def")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, theirs)
	if err := put(t, openAt(t, schema.Values{"path": root}), "a", "x"); err != nil {
		t.Fatal(err)
	}
	if now := tree(t, theirs); now != before {
		t.Errorf("behind the link: %s", now)
	}
	for name, stays := range map[string]bool{"notes/1": true, "12-abc/mine.txt": true, "12-abc/1": false, "99-gone": false, "13-def": true} {
		if _, err := os.Lstat(filepath.Join(temps, name)); (err == nil) != stays {
			t.Errorf("%s: stays %v, want %v", name, err == nil, stays)
		}
	}
	root = filepath.Join(t.TempDir(), "staging")
	s := openAt(t, schema.Values{"path": root})
	if err := os.Symlink(theirs, filepath.Join(root, tempRoot)); err != nil {
		t.Fatal(err)
	}
	var e *providers.Error
	if err := put(t, s, "a", "x"); !errors.As(err, &e) || e.Fix == "" {
		t.Errorf("with a link in its place: %v", err)
	}
	if now := tree(t, theirs); now != before {
		t.Errorf("behind the link: %s", now)
	}
}

func TestNonRegularFilesIgnored(t *testing.T) {
	// Done: staging: a FIFO or a device in the staging is not an object
	root := t.TempDir()
	s := openAt(t, schema.Values{"path": root})
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(socket)
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: filepath.Join(root, "socket")}); err != nil {
		t.Fatal(err)
	}
	names := []string{"pipe", "socket"}
	if err := syscall.Mknod(filepath.Join(root, "zero"), syscall.S_IFCHR|0o600, 1<<8|5); err == nil {
		names = append(names, "zero") // root only
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range names {
			if _, err := s.Open(t.Context(), name, 0, -1); providers.KindOf(err) != providers.NotFound {
				t.Errorf("%s: opened, %v", name, err)
			}
			if err := s.Remove(t.Context(), name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := os.Lstat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s was removed", name)
			}
			if err := put(t, s, name, "x"); providers.KindOf(err) != providers.Exists {
				t.Errorf("%s: an object takes its place: %v", name, err)
			}
		}
		for o, err := range s.List(t.Context(), "") {
			t.Errorf("%s is listed: %v", o.Name, err)
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for whoever is at the other end")
	}
	other := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(other, marker), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Driver().OpenStaging(t.Context(), schema.Values{"path": other}, providers.Env{}); providers.KindOf(err) != providers.Exists {
		t.Errorf("a FIFO as marker: %v", err)
	}
}

func TestFileModes(t *testing.T) {
	// Done: staging: export files are 0600, their directories 0700
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	root := filepath.Join(t.TempDir(), "above", "staging")
	s := openAt(t, schema.Values{"path": root})
	w, err := s.Create(t.Context(), "data/t/1-a/1")
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		err := filepath.WalkDir(filepath.Dir(root), func(path string, e fs.DirEntry, err error) error {
			info, _ := e.Info()
			if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look()
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	look()
}

func TestMarker(t *testing.T) {
	root := t.TempDir()
	// What a process left that died while it marked the directory.
	if err := os.WriteFile(filepath.Join(root, marker), []byte(markerContent[:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put(t, openAt(t, schema.Values{"path": root}), "a", "x"); err != nil {
		t.Fatal(err)
	}
	r, err := openAt(t, schema.Values{"path": root}).Open(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); string(b) != "x" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if err := os.WriteFile(filepath.Join(root, marker), []byte(strings.Replace(markerContent, ":1", ":9", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Driver().OpenStaging(t.Context(), schema.Values{"path": root}, providers.Env{Log: hclog.NewNullLogger()})
	if providers.KindOf(err) != providers.Unsupported || !strings.Contains(err.Error(), "version") {
		t.Errorf("another version's marker: %v", err)
	}
}
