package histories_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers/memory"
	"github.com/dmoctl/dmoctl/providers/objects"
)

// process is one dmoctl at work. Each of its calls to a provider waits until the history
// lets it continue: one at a time, in an order that the history has drawn.
type process struct {
	w     *fixture
	owner ledger.Owner
	src   *memory.Client
	tgt   *memory.Client
	stg   *objects.Staging

	mu      sync.Mutex
	waiting []*ticket
	free    bool // nothing waits any more
	ended   bool
	out     result

	order *rand.Rand // nil: in order of the calls' names
	calls map[string]int
	from  int // index of the source's version when it began
}

// ticket is a call that waits.
type ticket struct {
	call string
	pass chan error
}

// result is how a command ended.
type result struct {
	exit    int
	text    string // of the error
	ids     []string
	nothing bool // "No changes"
	report  *report.Report
}

func (r result) String() string {
	s := fmt.Sprintf("exit %d", r.exit)
	if r.nothing {
		s += ", No changes"
	}
	if r.text != "" {
		s += ": " + r.text
	}
	return s
}

// start begins a command in a process of its own.
func (w *fixture) start(order int, do func(p *process) result) *process {
	w.begun++
	p := &process{w: w, owner: ledger.Owner{ID: fmt.Sprintf("run%d", w.begun), User: "ana", Host: "db1", PID: w.begun, Started: time.Now().UTC()},
		calls: make(map[string]int), from: len(w.versions) - 1}
	if order > 0 {
		p.order = rand.New(rand.NewPCG(uint64(order), 0))
	}
	p.src, p.tgt, p.stg = memory.Open(w.source, p.hook), memory.Open(w.target, p.hook), w.store.Open(p.hook)
	go func() {
		out := do(p)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.out, p.ended = out, true
	}()
	return p
}

func (p *process) hook(_ context.Context, call string) error {
	p.mu.Lock()
	if p.free {
		p.mu.Unlock()
		return nil
	}
	t := &ticket{call: call, pass: make(chan error, 1)}
	p.waiting = append(p.waiting, t)
	p.mu.Unlock()
	return <-t.pass
}

// moment names a call of a run: the nth of that name, or of all where there is no name.
type moment struct {
	call string
	n    int
}

func (m moment) String() string { return fmt.Sprintf("call %d of %q", m.n, cmp.Or(m.call, "any")) }

// drive lets the process continue until it ends or, before that, until the moment. It says
// whether it has ended.
func (p *process) drive(at *moment) bool {
	for idle := 0; ; {
		synctest.Wait()
		p.mu.Lock()
		ended, waiting := p.ended, len(p.waiting)
		p.mu.Unlock()
		switch {
		case ended:
			return true
		case waiting == 0:
			if idle++; idle > 100_000 {
				p.w.fatalf("the run of %s does nothing any more", p.owner.ID)
			}
			time.Sleep(100 * time.Millisecond)
		default:
			idle = 0
			if p.next(at) {
				return false
			}
		}
	}
}

// next lets one call continue, unless it is the moment: then it says true.
func (p *process) next(at *moment) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(p.waiting, func(a, b *ticket) int { return cmp.Compare(a.call, b.call) })
	i := 0
	if p.order != nil {
		i = p.order.IntN(len(p.waiting))
	}
	t := p.waiting[i]
	p.calls[t.call]++
	p.calls[""]++
	if at != nil && strings.HasPrefix(t.call, at.call) && p.calls[at.call] == at.n || at != nil && at.call == "" && p.calls[""] == at.n {
		return true
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	t.pass <- nil
	return false
}

// kill is SIGKILL: what the process still tries has no effect. It is over when kill returns.
func (p *process) kill() {
	p.src.Kill()
	p.tgt.Kill()
	p.stg.Kill()
	p.mu.Lock()
	p.free = true
	for _, t := range p.waiting {
		t.pass <- nil
	}
	p.waiting = nil
	p.mu.Unlock()
	p.drive(nil)
}
