package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// openTerminal returns the two ends of a terminal: keys are written to the first, a
// program runs on the second. See pts(4).
func openTerminal(t *testing.T) (keys, terminal *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return keys, terminal
}

// shown collects what a terminal shows.
type shown struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *shown) from(r io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		s.mu.Lock()
		s.text.Write(b[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// has waits a little until the terminal shows what.
func (s *shown) has(what string) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		found := strings.Contains(s.text.String(), what)
		s.mu.Unlock()
		if found {
			return true
		}
	}
	return false
}

func TestProgressBarsSurviveCtrlCEcho(t *testing.T) {
	// Trap: the terminal echoes Ctrl-C as "^C" and so moves the cursor that the bars count on
	keys, terminal := openTerminal(t)
	var screenText shown
	go screenText.from(keys)
	press := func() {
		if _, err := keys.Write([]byte{3}); err != nil {
			t.Fatal(err)
		}
	}
	press()
	if !screenText.has("^C") {
		t.Fatal("this terminal does not echo Ctrl-C: the test shows nothing")
	}
	screenText.mu.Lock()
	screenText.text.Reset()
	screenText.mu.Unlock()

	on := &screen{file: terminal}
	bars := newBarEvents(on, &guard{}, &plan.Plan{Steps: []*plan.Step{{Phase: plan.Downtime}, {Phase: plan.Downtime}}})
	bars.Emit(report.Event{Event: report.PhaseStarted, Phase: plan.Downtime})
	if !screenText.has("0 of 2 steps") {
		t.Fatal("nothing is drawn")
	}
	press()
	if _, err := on.Write([]byte("Stopping\n")); err != nil {
		t.Fatal(err)
	}
	if !screenText.has("Stopping") {
		t.Fatal("the line is not there")
	}
	bars.Emit(report.Event{Event: report.StepDone, Phase: plan.Downtime})
	if !screenText.has("1 of 2 steps") {
		t.Fatal("the bars are not drawn again")
	}
	bars.Close()
	screenText.mu.Lock()
	if text := screenText.text.String(); strings.Contains(text, "^C") {
		t.Errorf("Ctrl-C is echoed between the bars:\n%q", text)
	}
	screenText.mu.Unlock()

	press()
	if !screenText.has("^C") {
		t.Error("the terminal is not what it was before")
	}
}
