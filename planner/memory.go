package planner

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	processesPerCPU = 2
	unknownMachine  = 2 << 30 // bytes assumed where the machine does not say
	largestBatch    = 2 << 20
	smallestBatch   = 256 << 10
	// rowCopies is how often a row is in memory at once: as the driver received it,
	// in its batch, and encoded for the target.
	rowCopies = 3
	// batchesPerProcess: two wait between reader and writer, one is being read, one written.
	batchesPerProcess = 4
)

// Machine is what the run has at hand. A zero field is unknown.
type Machine struct {
	Memory int64 // bytes, of the machine or of the control group, the smaller one
	CPUs   int
}

// ReadMachine asks the operating system, and the control group that limits this process.
func ReadMachine() Machine {
	m := Machine{CPUs: runtime.GOMAXPROCS(0), Memory: machineMemory("/proc/meminfo")}
	if limit := groupMemory("/proc/self/cgroup", "/sys/fs/cgroup"); limit > 0 && (m.Memory == 0 || limit < m.Memory) {
		m.Memory = limit
	}
	return m
}

// machineMemory reads MemTotal, in bytes; 0 where the file does not say.
func machineMemory(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil || kib < 0 || kib > math.MaxInt64>>10 {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// groupMemory returns the smallest memory.max of the process's control group (version
// 2) and its parents, in bytes; 0 where none limits it.
func groupMemory(self, root string) int64 {
	b, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	var limit int64
	for line := range strings.Lines(string(b)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for dir := filepath.Clean("/" + path); ; dir = filepath.Dir(dir) {
			text, err := os.ReadFile(filepath.Join(root, dir, "memory.max"))
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n > 0 && (limit == 0 || n < limit) {
				limit = n
			}
			if dir == "/" {
				break
			}
		}
	}
	return limit
}

// decideProcesses fills in what the spec leaves open, and says how.
func decideProcesses(spec *desired.Spec, limits providers.Limits, m Machine) plan.Processes {
	cpus := max(1, m.CPUs)
	p := plan.Processes{Downtime: spec.Processes.Downtime, Verify: spec.Processes.Verify}
	processes := "set in the spec"
	if p.Downtime == 0 {
		p.Downtime = processesPerCPU * cpus
		processes = fmt.Sprintf("%d for each of %s", processesPerCPU, count(cpus, "CPU"))
	}
	if limits.Writers > 0 && p.Downtime > limits.Writers {
		p.Downtime = limits.Writers
		processes = "because the target allows " + count(limits.Writers, "writer")
	}
	if p.Verify == 0 {
		p.Verify = processesPerCPU * cpus
	}
	memory := "set in the spec"
	if p.Memory = spec.Processes.Memory; p.Memory == 0 {
		p.Memory, memory = defaultMemory(m.Memory, wideRow(spec.Policies.LOBMax, batches(p.Downtime, smallestBatch)))
	}
	p.BatchBytes = batchBytes(p.Memory, spec.Policies.LOBMax, p.Downtime)
	p.Explain = fmt.Sprintf("%s, %s; %s, %s; batches of %s",
		schema.ShowSize(p.Memory), memory, count(p.Downtime, "process"), processes, schema.ShowSize(p.BatchBytes))
	return p
}

// defaultMemory is a quarter of the machine's, or more where the largest allowed value
// needs it, up to a half.
func defaultMemory(machine, need int64) (int64, string) {
	from := "of the machine's " + schema.ShowSize(machine)
	if machine <= 0 {
		machine, from = unknownMachine, "of an assumed "+schema.ShowSize(unknownMachine)
	}
	quarter := machine / 4
	if quarter < need && need <= machine/2 {
		return need, "needed for one value of lob_max, less than half " + from
	}
	return quarter, "a quarter " + from
}

// batches is what all processes may hold in batches, in bytes.
func batches(processes int, size int64) int64 {
	return int64(processes) * batchesPerProcess * rowCopies * size
}

// wideRow is the memory in which one value of lobMax bytes can travel beside the batches.
func wideRow(lobMax, batches int64) int64 {
	if lobMax > (math.MaxInt64-batches)/rowCopies {
		return math.MaxInt64
	}
	return rowCopies*lobMax + batches
}

// batchBytes shares out what one value of lobMax leaves, or a quarter where it
// leaves nothing: checkMemory then refuses tables that may hold such a value.
func batchBytes(memory, lobMax int64, processes int) int64 {
	room := memory - min(memory, wideRow(lobMax, 0))
	if room < batches(processes, smallestBatch) {
		room = memory / 4
	}
	return min(largestBatch, max(smallestBatch, room/batches(processes, 1)))
}

// checkMemory refuses a bound in which the run could not keep its promises.
func checkMemory(spec *desired.Spec, p plan.Processes, ds []*decision) diag.Diagnostics {
	if least := batches(p.Downtime, smallestBatch); p.Memory < least {
		return diag.Diagnostics{diag.Error(diag.MemoryTooSmall, "Memory is too small for the processes",
			fmt.Sprintf("%s need at least %s; the limit is %s. Raise processes { memory } or lower the number of processes.",
				count(p.Downtime, "process"), schema.ShowSize(least), schema.ShowSize(p.Memory)))}
	}
	if need := wideRow(spec.Policies.LOBMax, batches(p.Downtime, p.BatchBytes)); need > p.Memory {
		if d := firstWide(ds); d != nil {
			return diag.Diagnostics{diag.Error(diag.LOBMaxTooLarge, "A value of lob_max does not fit into memory",
				fmt.Sprintf("%s can hold values of any size, and one of lob_max = %s needs %s in transfer; the run's limit is %s. "+
					"Raise processes { memory }, or lower the largest value that is accepted:\n  types { lob_max = %q }",
					d.source.Name, schema.ShowSize(spec.Policies.LOBMax), schema.ShowSize(need), schema.ShowSize(p.Memory),
					schema.FormatSize(max(1<<20, (p.Memory-batches(p.Downtime, smallestBatch))/rowCopies>>20<<20))))}
		}
	}
	return nil
}

// firstWide returns the first copied table with a column of unbounded values.
func firstWide(ds []*decision) *decision {
	for _, d := range ds {
		if !d.copies() {
			continue
		}
		for _, c := range d.source.CopiedColumns() {
			if unbounded(c.Type) {
				return d
			}
		}
	}
	return nil
}

func unbounded(t catalog.Type) bool {
	switch t.Kind {
	case catalog.Text, catalog.Blob, catalog.JSON, catalog.Native:
		return true
	case catalog.String, catalog.Binary:
		return t.Length == 0
	}
	return false
}
