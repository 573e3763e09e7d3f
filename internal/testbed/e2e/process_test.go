package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/report"
)

// dmoctl is the binary under test, built once for all tests of the package.
type dmoctl struct {
	path string
	env  []string
}

// TestMain builds the binary, so that what is tested is what users run.
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dmoctl-e2e")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("DMO_TEST_BINARY", filepath.Join(dir, "dmoctl"))
	out, err := exec.Command("go", "build", "-o", os.Getenv("DMO_TEST_BINARY"), "../../../cmd/dmoctl").CombinedOutput()
	if err != nil {
		panic(string(out))
	}
	return m.Run()
}

func binary(env ...string) dmoctl {
	return dmoctl{path: os.Getenv("DMO_TEST_BINARY"), env: append(os.Environ(), env...)}
}

// result is what a finished command left.
type result struct {
	stdout, stderr string
	exit           int
}

// run runs the binary to its end in dir.
func (d dmoctl) run(t *testing.T, dir string, args ...string) result {
	t.Helper()
	p := d.start(t, dir, args...)
	return p.wait(t, 5*time.Minute)
}

// ok runs the binary and fails the test unless it exits with want.
func (d dmoctl) ok(t *testing.T, want int, dir string, args ...string) result {
	t.Helper()
	r := d.run(t, dir, args...)
	if r.exit != want {
		t.Fatalf("dmoctl %v: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", args, r.exit, want, tail(r.stdout), tail(r.stderr))
	}
	return r
}

func tail(s string) string {
	if len(s) > 6000 {
		return "..." + s[len(s)-6000:]
	}
	return s
}

// process is a running dmoctl whose events can be waited for.
type process struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	done   chan struct{}

	mu     sync.Mutex
	change *sync.Cond
	stdout bytes.Buffer
	events []report.Event
	ended  bool
	err    error
}

func (d dmoctl) start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(d.path, args...), done: make(chan struct{})}
	p.change = sync.NewCond(&p.mu)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, d.env, &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may be gone already
		<-p.done
	})
	return p
}

func (p *process) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		p.mu.Lock()
		p.stdout.Write(line)
		var e report.Event
		if len(line) > 0 && line[0] == '{' && json.Unmarshal(line, &e) == nil && e.Version > 0 {
			p.events = append(p.events, e)
		}
		p.change.Broadcast()
		p.mu.Unlock()
		if err != nil {
			break
		}
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	p.ended, p.err = true, err
	p.change.Broadcast()
	p.mu.Unlock()
	close(p.done)
}

// waitFor returns the n-th event of that name, or fails when the process ends without it.
func (p *process) waitFor(t *testing.T, name string, n int) report.Event {
	t.Helper()
	seen := 0
	return p.waitUntil(t, fmt.Sprintf("event %q no. %d", name, n), func(e report.Event) bool {
		if e.Event == name {
			seen++
		}
		return e.Event == name && seen == n
	})
}

// waitForStep returns the event of that name of the first step whose id begins so.
func (p *process) waitForStep(t *testing.T, name, id string) report.Event {
	t.Helper()
	return p.waitUntil(t, fmt.Sprintf("event %q of %s", name, id), func(e report.Event) bool {
		return e.Event == name && strings.HasPrefix(e.Step, id)
	})
}

// waitUntil returns the first event that is the one, or fails when the process ends without it.
// It is asked once for every event, in their order.
func (p *process) waitUntil(t *testing.T, what string, is func(report.Event) bool) report.Event {
	t.Helper()
	stop := time.AfterFunc(2*time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer stop.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for looked := 0; ; p.change.Wait() {
		for ; looked < len(p.events); looked++ {
			if is(p.events[looked]) {
				return p.events[looked]
			}
		}
		if p.ended {
			t.Fatalf("dmoctl ended (%v) before %s\nstdout:\n%s\nstderr:\n%s", p.err, what, tail(p.stdout.String()), tail(p.stderr.String()))
		}
	}
}

func (p *process) count(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, e := range p.events {
		if e.Event == name {
			n++
		}
	}
	return n
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// wait waits for the process's end.
func (p *process) wait(t *testing.T, limit time.Duration) result {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.signal(t, syscall.SIGQUIT)
		<-p.done
		t.Fatalf("dmoctl %v did not end within %s\nstdout:\n%s\nstderr:\n%s", p.cmd.Args, limit, tail(p.stdout.String()), tail(p.stderr.String()))
	}
	return result{p.stdout.String(), p.stderr.String(), p.cmd.ProcessState.ExitCode()}
}

func parseEvents(stdout string) []report.Event {
	var out []report.Event
	for line := range bytes.Lines([]byte(stdout)) {
		var e report.Event
		if json.Unmarshal(line, &e) == nil && e.Version > 0 {
			out = append(out, e)
		}
	}
	return out
}
