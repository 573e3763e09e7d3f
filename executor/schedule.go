package executor

import (
	"context"
	"slices"
	"sync"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// node is a step of the plan's graph while a round is at it, or a barrier between steps.
type node struct {
	step   *plan.Step // nil of a barrier, which ends as soon as nothing before it is left
	waits  int        // nodes that have to end first
	next   []*node    // nodes that wait for this one
	path   float64    // seconds from here to the end of the longest path
	verify bool       // counts against the processes of verify
	err    error
}

// round carries out the graph once. Only execute's goroutine touches it.
type round struct {
	run     *run
	nodes   []*node
	ready   []*node
	running map[bool]int // by node.verify
	ended   chan *node
	settle  chan *node
}

// beside is work that runs beside the graph: it takes no process, no step waits for its end, and
// the round ends with it.
type beside struct{ group sync.WaitGroup }

func (b *beside) start(do func()) { b.group.Go(do) }

func (b *beside) wait() { b.group.Wait() }

// execute carries out the steps that are left, up to the phase asked for. Steps
// that failed do not stop others: each step leaves out the tables that failed.
func (r *run) execute(ctx context.Context) {
	g := r.graph()
	if len(g.nodes) == 0 {
		return
	}
	defer r.beside.wait()
	var settling sync.WaitGroup
	settling.Go(func() { r.settling.settler(ctx, g.settle, g.ended) })
	for _, n := range g.nodes {
		if n.waits == 0 {
			g.ready = append(g.ready, n)
		}
	}
	for {
		g.start(ctx)
		if g.running[false]+g.running[true] == 0 {
			break
		}
		select {
		case n := <-g.ended:
			g.end(n)
		case <-r.ctl.Stop:
			// Nothing is started any more; what runs is waited for.
			for g.running[false]+g.running[true] > 0 {
				g.end(<-g.ended)
			}
		}
	}
	close(g.settle)
	settling.Wait()
}

// graph makes nodes of the steps that are left.
func (r *run) graph() *round {
	g := &round{run: r, running: make(map[bool]int)}
	byID := make(map[string]*node)
	for _, s := range r.p.Steps {
		if r.done[s.ID] || !s.Phase.Within(r.d.Until) {
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
	// What a table is begun with must not be forgotten when a step ends that empties it.
	g.barrier(plan.StepEmpty, plan.StepCopy)
	g.ended = make(chan *node, len(g.nodes))
	g.settle = make(chan *node, len(g.nodes))
	r.progress.phases(g.nodes)
	return g
}

// barrier lets no step of the one kind start before all of the other have ended.
func (g *round) barrier(before, after plan.Kind) {
	b := &node{}
	for _, n := range g.nodes {
		switch n.step.Kind {
		case before:
			b.waits++
			n.next = append(n.next, b)
		case after:
			b.next = append(b.next, n)
		}
	}
	if b.waits == 0 {
		return
	}
	for _, n := range b.next {
		n.waits++
	}
}

// start starts ready steps as long as there are processes: structures, then the
// longest path first. Steps of tables whose snapshot is lost are left to the next round.
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
		if g.running[n.verify] >= g.run.processes(n.verify) || g.run.waits(n.step) {
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
		g.run.fails.fail(report.Failure{Step: n.step.ID}, n.err, g.run.tables(n.step)...)
	}
	if n.step.Kind == plan.StepCopy {
		g.settle <- n
		return
	}
	g.ended <- n
}

func (g *round) end(n *node) {
	g.running[n.verify]--
	did := n.err == nil && g.run.did(n.step)
	g.run.progress.stepEnded(n.step, did)
	if n.step.Kind != plan.StepCopy && n.err == nil {
		g.run.done[n.step.ID] = true
	}
	if !did && g.run.waits(n.step) {
		return // it is carried out in the next round, and what needs it after that
	}
	g.release(n)
}

// release makes ready what waited for nothing else than n.
func (g *round) release(n *node) {
	for _, after := range n.next {
		if after.waits--; after.waits > 0 {
			continue
		}
		if after.step == nil {
			g.release(after)
			continue
		}
		g.ready = append(g.ready, after)
	}
}

// waits says whether the step has tables that start again in the next round.
func (r *run) waits(s *plan.Step) bool {
	return slices.ContainsFunc(r.groupsOf(s), (*work.Group).Lost)
}
