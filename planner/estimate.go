package planner

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// Rates assumed where no earlier run says otherwise, in bytes a second of one process.
const (
	assumedCopyRate   = 32 << 20
	assumedIndexRate  = 96 << 20
	assumedVerifyRate = 96 << 20
	countFactor       = 20 // a COUNT(*) is so much faster than reading the rows
	tableSeconds      = 0.002
	stepSeconds       = 0.01
)

// History is how long earlier runs took, by table, and at which rate all in all. It holds of each
// run what estimates are made of, and not its report, which is as large as a plan. A nil
// History knows no run.
type History struct {
	tables  map[string]taken // by source name
	bytes   int64
	seconds float64
	runs    int
}

// taken is what a table took in the latest run that copied it.
type taken struct {
	packages              int
	rows, bytes           int64
	seconds, indexSeconds float64
}

// Add takes note of a run. Runs come oldest first: what a later one says counts.
func (h *History) Add(r *report.Report) {
	if r == nil {
		return
	}
	if h.tables == nil {
		h.tables = make(map[string]taken, len(r.Tables))
	}
	h.runs++
	for _, t := range r.Tables {
		if t.Seconds <= 0 || t.Packages == 0 || t.In < t.Packages {
			continue
		}
		h.tables[t.Table] = taken{packages: t.Packages, rows: t.Rows, bytes: t.Bytes, seconds: t.Seconds, indexSeconds: t.IndexSeconds}
		h.bytes, h.seconds = h.bytes+t.Bytes, h.seconds+t.Seconds
	}
}

// pace is what estimates are made of.
type pace struct {
	*History
	copyRate float64
}

func newPace(h *History) *pace {
	if h == nil {
		h = &History{}
	}
	p := &pace{History: h, copyRate: assumedCopyRate}
	if h.seconds > 1 && h.bytes > 0 {
		p.copyRate = float64(h.bytes) / h.seconds
	}
	return p
}

// explain says what estimates are built on.
func (p *pace) explain(tables int) string {
	rate := schema.ShowSize(int64(p.copyRate)) + "/s per process"
	if p.runs == 0 {
		return "no earlier run; assumed " + rate
	}
	if tables == 0 {
		return count(p.runs, "earlier run") + " without durations of these tables; assumed " + rate
	}
	return fmt.Sprintf("durations of %s in %s; %s for other tables", count(tables, "table"), count(p.runs, "earlier run"), rate)
}

// copySeconds estimates one package of a table; scaled to what the table held then.
func (p *pace) copySeconds(t *catalog.Table, k *plan.Package) float64 {
	bytes := float64(max(0, k.Bytes))
	if k.Bytes < 0 && k.Rows > 0 {
		bytes = float64(k.Rows) * float64(len(t.Columns)) * guessedColumn
	}
	if h, ok := p.tables[t.Name.String()]; ok {
		switch {
		case h.bytes > 0 && bytes > 0 && t.Bytes > 0:
			// The share of the table that the package is, by the catalog's bytes.
			return tableSeconds + h.seconds*bytes/float64(t.Bytes)*grown(t.Rows, h.rows)
		case h.packages > 0:
			return tableSeconds + h.seconds/float64(h.packages)
		}
	}
	return tableSeconds + bytes/p.copyRate
}

// grown is by how much a table is larger than then.
func grown(now, then int64) float64 {
	if now <= 0 || then <= 0 {
		return 1
	}
	return float64(now) / float64(then)
}

// indexSeconds estimates one key or index of a table.
func (p *pace) indexSeconds(d *decision) float64 {
	if h, ok := p.tables[d.source.Name.String()]; ok && h.indexSeconds > 0 {
		n := len(d.mapped.Indexes) + len(catalog.KeysOf(d.mapped))
		return h.indexSeconds / float64(max(1, n)) * grown(d.source.Rows, h.rows)
	}
	return tableSeconds + float64(max(0, bytesOf(d.source)))/assumedIndexRate
}

func (p *pace) verifySeconds(d *decision, level plan.Level) float64 {
	seconds := float64(max(0, bytesOf(d.source))) / assumedVerifyRate
	if level == plan.LevelCount {
		seconds /= countFactor
	}
	return tableSeconds + seconds
}

// known counts the tables of the plan whose durations are known.
func (p *pace) known(ds []*decision) int {
	n := 0
	for _, d := range ds {
		if _, ok := p.tables[d.source.Name.String()]; ok {
			n++
		}
	}
	return n
}

// longestPath returns the ids of the chain of steps that takes longest, and its
// seconds. Steps come in an order that respects Needs.
func longestPath(steps []*plan.Step) ([]string, float64) {
	type end struct {
		seconds float64
		before  string
	}
	ends := make(map[string]end, len(steps))
	var last string
	for _, s := range steps {
		e := end{}
		for _, n := range s.Needs {
			if b := ends[n]; e.before == "" || b.seconds > e.seconds {
				e = end{b.seconds, n}
			}
		}
		e.seconds += s.Seconds
		ends[s.ID] = e
		if last == "" || e.seconds > ends[last].seconds {
			last = s.ID
		}
	}
	var path []string
	for id := last; id != ""; id = ends[id].before {
		path = append(path, id)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path, ends[last].seconds
}

// duration is how long all steps take: no less than the longest path, and no less
// than the work shared out among the processes.
func duration(steps []*plan.Step, p plan.Processes) (float64, []string) {
	var copies, verifies float64
	for _, s := range steps {
		if s.Kind == plan.StepVerify {
			verifies += s.Seconds
		} else {
			copies += s.Seconds
		}
	}
	path, longest := longestPath(steps)
	return max(longest, copies/float64(max(1, p.Downtime))+verifies/float64(max(1, p.Verify))), path
}
