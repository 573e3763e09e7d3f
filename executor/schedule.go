package executor

import (
	"context"
	"slices"
	"sync"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// node is a step of the plan's graph while a round is at it.
type node struct {
	step   *plan.Step
	waits  int     // steps that have to end first
	next   []*node // steps that wait for this one
	path   float64 // seconds from here to the end of the longest path
	verify bool    // counts against the processes of verify
	err    error
}

// round carries out the graph once. Only execute's goroutine touches it.
type round struct {
	run     *run
	nodes   []*node
	ready   []*node
	running map[bool]int // by node.verify
	// emptying counts the steps that empty tables and have not ended.
	emptying int
	ended    chan *node
	settle   chan *node
}

// execute carries out the steps that are left, up to the phase asked for. Steps
// that failed do not stop others: each step leaves out the tables that failed.
func (r *run) execute(ctx context.Context) {
	g := r.graph()
	if len(g.nodes) == 0 {
		return
	}
	var settling sync.WaitGroup
	settling.Go(func() { r.settler(ctx, g.settle, g.ended) })
	for _, n := range g.nodes {
		if n.waits == 0 {
			g.ready = append(g.ready, n)
		}
	}
	for {
		g.start(ctx)
		g.release(ctx)
		if g.running[false]+g.running[true] == 0 {
			break
		}
		select {
		case n := <-g.ended:
			g.end(n)
		case <-r.ctl.Stop:
			// Nothing is started any more; what runs is waited for.
			g.release(ctx)
			for g.running[false]+g.running[true] > 0 {
				g.end(<-g.ended)
			}
		}
	}
	close(g.settle)
	settling.Wait()
}

// release lets copies begin once all is empty that the plan empties, and lets those that
// wait for it end where nothing is started any more.
func (g *round) release(ctx context.Context) {
	select {
	case <-g.run.emptied:
		return
	default:
	}
	if g.emptying == 0 || g.run.ending(ctx) {
		close(g.run.emptied)
	}
}

// graph makes nodes of the steps that are left.
func (r *run) graph() *round {
	g := &round{run: r, running: make(map[bool]int)}
	last := phaseRank(r.d.Until)
	byID := make(map[string]*node)
	for _, s := range r.p.Steps {
		if r.done[s.ID] || phaseRank(s.Phase) > last {
			continue
		}
		n := &node{step: s, verify: s.Kind == plan.StepVerify}
		byID[s.ID] = n
		g.nodes = append(g.nodes, n)
	}
	for _, n := range g.nodes {
		for _, id := range n.step.Needs {
			if before := byID[id]; before != nil {
				n.waits++
				before.next = append(before.next, n)
			}
		}
	}
	// Steps come in an order that respects Needs, so backwards every path is known.
	for _, n := range slices.Backward(g.nodes) {
		for _, after := range n.next {
			n.path = max(n.path, after.path)
		}
		n.path += n.step.Seconds + float64(n.step.Bytes)/1e9
	}
	for _, n := range g.nodes {
		if n.step.Kind == plan.StepEmpty {
			g.emptying++
		}
	}
	r.emptied = make(chan struct{})
	g.ended = make(chan *node, len(g.nodes))
	g.settle = make(chan *node, len(g.nodes))
	r.progress.phases(g.nodes)
	return g
}

func phaseRank(phase string) int {
	if phase == "" {
		return len(plan.Phases())
	}
	return slices.Index(plan.Phases(), phase)
}

// start starts ready steps as long as there are processes: structures, then the
// longest path first.
func (g *round) start(ctx context.Context) {
	slices.SortStableFunc(g.ready, func(a, b *node) int {
		made, other := a.step.Phase == plan.Structures, b.step.Phase == plan.Structures
		switch {
		case made != other: // cheap, and others wait for it
			if made {
				return -1
			}
			return 1
		case a.path > b.path:
			return -1
		case a.path < b.path:
			return 1
		}
		return 0
	})
	left := g.ready[:0]
	for i, n := range g.ready {
		if g.run.ending(ctx) {
			left = append(left, g.ready[i:]...)
			break
		}
		if g.running[n.verify] >= g.run.processes(n.verify) {
			left = append(left, n)
			continue
		}
		g.running[n.verify]++
		g.run.progress.stepStarted(n.step)
		go g.work(ctx, n)
	}
	g.ready = left
}

// work carries out one step in a goroutine of its own. A copy ends once its
// tables have been settled.
func (g *round) work(ctx context.Context, n *node) {
	n.err = control.Guard(func() error { return g.run.step(ctx, n.step) })
	if n.err != nil {
		g.run.fails.fail(report.Failure{Step: n.step.ID}, n.err)
	}
	if n.step.Kind == plan.StepCopy {
		g.settle <- n
		return
	}
	g.ended <- n
}

func (g *round) end(n *node) {
	g.running[n.verify]--
	if n.step.Kind == plan.StepEmpty {
		g.emptying--
	}
	g.run.progress.stepEnded(n.step, n.err == nil && g.run.did(n.step))
	if n.step.Kind != plan.StepCopy && n.err == nil {
		g.run.done[n.step.ID] = true
	}
	for _, after := range n.next {
		if after.waits--; after.waits == 0 {
			g.ready = append(g.ready, after)
		}
	}
}

// ending says that nothing more is to be started in this round.
func (r *run) ending(ctx context.Context) bool {
	return ctx.Err() != nil || r.fails.halted.Load() || r.fails.lost.Load() || r.ctl.Stopped()
}

// processes returns how many steps may run at once. A target that takes fewer
// writers gets no more: a writer is free before a reader is opened. In file mode
// exports need no writer, and imports wait for theirs.
func (r *run) processes(verify bool) int {
	if verify {
		return max(1, r.p.Processes.Verify)
	}
	n := max(1, r.p.Processes.Downtime)
	if r.target.Limits.Writers > 0 && r.files == nil {
		n = min(n, r.target.Limits.Writers)
	}
	return n
}
