package providertest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// wantNoLeak fails a test after which more goroutines of this module run than
// before it. It looks after the test's own cleanups.
func wantNoLeak(t *testing.T) {
	t.Helper()
	before := len(ours())
	t.Cleanup(func() {
		var left []string
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if left = ours(); len(left) <= before {
				return
			}
		}
		t.Errorf("%d goroutines before the test, %d after it:\n%s", before, len(left), strings.Join(left, "\n\n"))
	})
}

// ours returns the stacks of goroutines that this module started, the caller's
// and those of the testing package left out.
func ours() []string {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	var out []string
	for _, stack := range all[1:] {
		if !strings.Contains(stack, "testing.(*T).Run") && !strings.Contains(stack, "testing.tRunner") &&
			!strings.Contains(stack, "os/exec.") {
			out = append(out, stack)
		}
	}
	return out
}
