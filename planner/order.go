package planner

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/plan"
)

// ordered returns the graph's steps so that each comes after those that it needs:
// phase by phase, and in a phase the longest first.
func (g *graph) ordered() []*plan.Step {
	rank := make(map[plan.Phase]int)
	for i, p := range plan.Phases() {
		rank[p] = i
	}
	waits := make(map[string]int, len(g.steps))
	after := make(map[string][]*plan.Step, len(g.steps))
	ready := &queue{rank: rank}
	for _, s := range g.steps {
		slices.Sort(s.Needs)
		s.Needs = slices.Compact(s.Needs)
		waits[s.ID] = len(s.Needs)
		for _, n := range s.Needs {
			after[n] = append(after[n], s)
		}
		if len(s.Needs) == 0 {
			ready.steps = append(ready.steps, s)
		}
	}
	heap.Init(ready)
	out := make([]*plan.Step, 0, len(g.steps))
	for ready.Len() > 0 {
		s := heap.Pop(ready).(*plan.Step)
		out = append(out, s)
		for _, n := range after[s.ID] {
			if waits[n.ID]--; waits[n.ID] == 0 {
				heap.Push(ready, n)
			}
		}
	}
	return out
}

// queue holds the steps whose needs are met.
type queue struct {
	rank  map[plan.Phase]int
	steps []*plan.Step
}

func (q *queue) Len() int      { return len(q.steps) }
func (q *queue) Swap(i, j int) { q.steps[i], q.steps[j] = q.steps[j], q.steps[i] }
func (q *queue) Push(x any)    { q.steps = append(q.steps, x.(*plan.Step)) }

func (q *queue) Pop() any {
	last := q.steps[len(q.steps)-1]
	q.steps = q.steps[:len(q.steps)-1]
	return last
}

func (q *queue) Less(i, j int) bool {
	a, b := q.steps[i], q.steps[j]
	return cmp.Or(cmp.Compare(q.rank[a.Phase], q.rank[b.Phase]), cmp.Compare(b.Seconds, a.Seconds),
		cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.ID, b.ID)) < 0
}
