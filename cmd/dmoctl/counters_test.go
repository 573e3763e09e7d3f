package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/report"
)

func TestEventCountersMonotonic(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(lockedSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(args ...string) *bytes.Buffer {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(append([]string{"--chdir", dir}, args...), strings.NewReader(""), &out, &errs); code != report.OK {
			t.Fatalf("%v: exit code %d\n%s", args, code, &errs)
		}
		return &out
	}
	call("sample", "--to", "old.db", "--rows", "500")
	first := watchCounters(t, call("apply", "--auto-approve", "--json"))
	again := watchCounters(t, call("apply", "--auto-approve", "--json", "--reload", "MA*"))
	if first.PackagesIn != 0 || first.Packages != first.PackagesPlanned {
		t.Errorf("a first run ends with %+v", first)
	}
	if again.Packages != again.PackagesPlanned || again.PackagesIn != again.Packages-2 {
		t.Errorf("a reload of two tables ends with %+v", again)
	}
	if out := call("apply", "--auto-approve", "--reload", "MARA").String(); !strings.Contains(out, "21 of 21 packages loaded (20 before this run)") {
		t.Errorf("the summary of a reload:\n%s", out)
	}
}

// watchCounters reads events and returns the last counters.
func watchCounters(t *testing.T, events io.Reader) report.Totals {
	t.Helper()
	var last report.Totals
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e report.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Version != report.EventVersion {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if e.Progress == nil {
			continue
		}
		p := *e.Progress
		if p.Packages < last.Packages || p.Rows < last.Rows || p.Bytes < last.Bytes {
			t.Errorf("counters fall back from %+v to %+v", last, p)
		}
		if p.Packages > p.PackagesPlanned || p.Rows > p.RowsPlanned || p.Bytes > p.BytesPlanned {
			t.Errorf("counters above what is planned: %+v", p)
		}
		last = p
	}
	return last
}
