package pgtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var errMissing = errors.New("no /usr/lib/postgresql/*/bin/postgres (Debian's postgresql package)")

func missing(err error) bool { return errors.Is(err, errMissing) }

// programs returns the directory of the newest installed server.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	best, bin := -1, ""
	for _, f := range found {
		dir := filepath.Dir(f)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > best {
			best, bin = v, dir
		}
	}
	if bin == "" {
		return "", errMissing
	}
	return bin, nil
}

// account is whom a server runs as; nil is the caller.
type account struct{ uid, gid int }

// unprivileged returns an account for root's servers, because PostgreSQL refuses to run as root.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(u.Uid)
		gid, errGID := strconv.Atoi(u.Gid)
		if errUID == nil && errGID == nil {
			return &account{uid, gid}, nil
		}
	}
	return nil, errors.New("neither user postgres nor nobody exists, and PostgreSQL does not run as root")
}

func (a *account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

func root() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("dmo-pgtest-%d", os.Geteuid()))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); !st.IsDir() || !ok || int(sys.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s belongs to somebody else", dir)
	}
	return dir, nil
}

// lockFolder waits until nobody else holds the directory's lock of that name.
func lockFolder(dir, name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { _ = f.Close() }, nil
}

// cachedTemplate returns a cluster that initdb made once on this machine.
func cachedTemplate(bin string, a *account) (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	version, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask the server's version: %w", err)
	}
	words := strings.Fields(string(version)) // "postgres (PostgreSQL) 15.3 ..."
	if len(words) < 3 {
		return "", fmt.Errorf("unexpected version %q", version)
	}
	unlock, err := lockFolder(dir, "template")
	if err != nil {
		return "", err
	}
	defer unlock()
	sweep(dir)
	template := filepath.Join(dir, "template-"+filepath.Base(words[2]))
	if _, err := os.Stat(template); err == nil {
		return template, nil
	}
	unfinished := template + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return "", err
	}
	if err := a.own(unfinished); err != nil {
		return "", err
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", unfinished, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1")
	cmd.Dir, cmd.SysProcAttr = "/", a.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return template, os.Rename(unfinished, template)
}

// newClusterDir makes a directory whose name says which process uses it.
func newClusterDir(a *account) (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(dir, fmt.Sprintf("run-%d-", os.Getpid()))
	if err != nil {
		return "", err
	}
	return made, a.own(made)
}

// sweep removes the directories of test binaries that are gone.
func sweep(dir string) {
	runs, _ := filepath.Glob(filepath.Join(dir, "run-*")) // the pattern is valid
	for _, run := range runs {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(run), "-")[1])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(run) // a server that is still stopping is swept next time
		}
	}
}

func copyTree(from, to string, a *account) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			err = os.Mkdir(target, 0o700)
		case d.Type().IsRegular():
			var b []byte
			if b, err = os.ReadFile(path); err == nil {
				err = os.WriteFile(target, b, 0o600)
			}
		}
		if err != nil {
			return err
		}
		return a.own(target)
	})
}
