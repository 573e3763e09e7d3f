package sqlite

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	silence  = 2500 * time.Millisecond // of a statement, after which it is looked for who holds a lock
	sayAgain = 30 * time.Second
)

// waits says that statements wait for a lock on the file that another process holds. It is
// safe for concurrent use; nil says nothing.
type waits struct {
	path string
	say  func(what string)

	mu   sync.Mutex
	last time.Time
}

func newWaits(path string, say func(string)) *waits {
	if say == nil {
		return nil
	}
	return &waits{path: path, say: say}
}

// during looks, while do runs for long, whether another process has the file locked.
func (w *waits) during(do func() error) error {
	if w == nil {
		return do()
	}
	ended := make(chan struct{})
	look := time.AfterFunc(silence, func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			if holders := lockHolders(w.path); len(holders) > 0 {
				w.tell(holders)
			}
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	})
	defer func() {
		look.Stop()
		close(ended)
	}()
	return do()
}

// busy says that the file was refused as busy, since when; who has it is said where it can be known.
func (w *waits) busy(since time.Time) {
	if w != nil && time.Since(since) >= silence {
		w.tell(lockHolders(w.path))
	}
}

// tell says for whom statements wait, at once and then now and again.
func (w *waits) tell(holders []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.last) < sayAgain {
		return
	}
	w.last = time.Now()
	who := cmp.Or(names("process ", holders, ""), "another process")
	w.say(fmt.Sprintf("for %s to release its lock on %s", who, w.path))
}

// names lists processes; "" for none.
func names(before string, holders []int, after string) string {
	if len(holders) == 0 {
		return ""
	}
	texts := make([]string, len(holders))
	for i, pid := range holders {
		texts[i] = strconv.Itoa(pid)
	}
	return before + strings.Join(texts, ", ") + after
}
