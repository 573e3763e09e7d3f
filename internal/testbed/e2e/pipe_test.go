package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallMove makes a directory with a source of SQLite and a spec that moves it into another file.
func smallMove(t *testing.T, d dmoctl, rows int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	d.ok(t, 0, dir, "sample", "--to", "erp.db", "--rows", fmt.Sprint(rows))
	spec := `source "sqlite" "erp" { path = "erp.db" }
target "sqlite" "new" { path = "new.db" }
migration "erp" {
  source = source.sqlite.erp
  target = target.sqlite.new
  transfer "pipe" {}
  table_group "all" {
    tables = ["*"]
    split { parts = 8 }
  }
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestClosedOutputPipeIgnored(t *testing.T) {
	// Done: shell: SIGPIPE is ignored: a run whose output nobody reads any more ends as it would have, exit code and report included
	d := binary()
	for name, args := range map[string][]string{
		"text":   {"apply", "--auto-approve"},
		"events": {"apply", "--auto-approve", "--json"},
		"logs":   {"apply", "--auto-approve", "--log-level", "debug"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := smallMove(t, d, 2000)
			cmd := exec.Command(d.path, args...)
			cmd.Dir, cmd.Env = dir, d.env
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close() // nobody reads
			defer w.Close()
			cmd.Stdout, cmd.Stderr = w, w
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v, want exit 0", err)
			}
			if _, err := os.Stat(filepath.Join(dir, ".dmo", "report-1.json")); err != nil {
				t.Error(err)
			}
			d.ok(t, 0, dir, "plan", "--detailed-exitcode")
		})
	}
}

func TestCtrlCWithTee(t *testing.T) {
	// Done: shell: apply | tee with one Ctrl-C: tee dies of it, the run drains, exits 130, writes its report, and continues later
	d := binary()
	dir := smallMove(t, d, 300000)
	script := `"$0" apply --auto-approve --json > pipe 2>&1 & echo $! > pid; tee apply.log < pipe > /dev/null & echo $! > tee; wait $(cat pid); echo $? > exit`
	cmd := exec.Command("sh", "-c", "mkfifo pipe; "+script, d.path)
	cmd.Dir, cmd.Env = dir, d.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name)) // not written yet is empty
		return strings.TrimSpace(string(b))
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(read("apply.log"), `"event":"package.done"`); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no package was done:\n%s", tail(read("apply.log")))
		}
	}
	tee, err := strconv.Atoi(strings.TrimSpace(read("tee")))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(read("pid")))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(tee, syscall.SIGKILL); err != nil { // sh starts its children with SIGINT ignored
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := read("exit"); got != "130" {
		t.Errorf("exit %s, want 130", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".dmo", "report-1.json")); err != nil {
		t.Error(err)
	}
	d.ok(t, 0, dir, "apply", "--auto-approve")
	d.ok(t, 0, dir, "verify", "--content")
}
