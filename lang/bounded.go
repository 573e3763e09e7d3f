package lang

import (
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// A spec is text of others. What it takes to read and evaluate it cannot be told
// beforehand: a few lines double a text forty times, or count through a billion
// combinations. So the work is watched from beside, whatever its functions and templates
// do, and given up where it takes more than this.
const (
	maxMemory = 768 << 20
	// maxCPU bounds the time of the processor: a machine that does much else is not a fault of the
	// spec. Ticks, which a stopped process does not count either, bound what only waits.
	maxCPU   = slowdown * 12 * time.Second
	maxTicks = slowdown * 6000
	tick     = 10 * time.Millisecond
)

// progress is what the watcher knows about the work. It is safe for concurrent use.
type progress struct {
	at       atomic.Pointer[hcl.Range] // what is being evaluated
	givenUp  atomic.Bool
	finished chan struct{}
}

// bounded does the work of a loader, or says why it was given up. Then the work may continue
// until the expression at hand has its value: a process ends soon after. What a loader
// holds must not be looked at any more.
func (l *loader) bounded(work func()) *diag.Diagnostic {
	// A stack that overflows ends the process with a trace. It counts as memory, and the
	// watcher comes first.
	defer debug.SetMaxStack(debug.SetMaxStack(4 * maxMemory))
	// What Go cannot survive, such as memory that the machine does not have, has no trace either.
	debug.SetTraceback("none")
	defer debug.SetTraceback("single")
	var failed *diag.Diagnostic
	l.progress.finished = make(chan struct{})
	go func() {
		defer close(l.progress.finished)
		defer func() {
			if r := recover(); r != nil {
				d := l.progress.locate(diag.Error(diag.EvaluationFailed, "Evaluation failed",
					fmt.Sprintf("Reading this failed because of a bug in dmoctl: %v. Nothing was changed. Please report it with these lines of the spec.", r)))
				failed = &d
			}
		}()
		work()
	}()
	if what := l.progress.watch(); what != "" {
		l.progress.givenUp.Store(true)
		d := l.progress.locate(diag.Error(diag.TooCostly, "Spec is too expensive to evaluate", fmt.Sprintf(
			"Evaluating this took more than %s, so it was aborted. Look for a value that is repeated, doubled or combined too often.", what)))
		return &d
	}
	return failed
}

// locate says where the work is.
func (p *progress) locate(d diag.Diagnostic) diag.Diagnostic {
	if at := p.at.Load(); at != nil {
		return d.On(*at)
	}
	return d
}

// watch returns when the work is finished, or what it has taken too much of.
func (p *progress) watch() string {
	before, cpu := memory(), cpuTime()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for range maxTicks {
		select {
		case <-p.finished:
			return ""
		case <-clock.C:
		}
		if memory() > before+maxMemory {
			return fmt.Sprintf("%d MiB of memory", maxMemory>>20)
		}
		if cpuTime() > cpu+maxCPU {
			return fmt.Sprintf("%d seconds", int(maxCPU/time.Second))
		}
	}
	return fmt.Sprintf("%d seconds", int(maxTicks*tick/time.Second))
}

// memory is what the process holds, in bytes: heap, stacks, and the runtime's own.
func memory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64() - s[2].Value.Uint64()
}

// cpuTime is what the process has taken of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// value evaluates an expression. A panic in it is an error at its place, without a stack.
func (l *loader) value(expr hcl.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	at := expr.Range()
	l.progress.at.Store(&at)
	fail := func(detail string) {
		v, diags = cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Evaluation failed", Detail: detail, Subject: &at}}
	}
	if l.progress.givenUp.Load() {
		fail(errGivenUp.Error())
		return v, diags
	}
	defer func() {
		if r := recover(); r != nil {
			fail(fmt.Sprintf("This cannot be evaluated: %v.", r))
		}
	}()
	return expr.Value(ctx)
}

var errGivenUp = errors.New("evaluation of the spec was aborted")
