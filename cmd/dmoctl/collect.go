package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much the heap may grow before garbage is collected, in percent of what is in use. The
// copy was measured to be as fast at 50 as at Go's own 100, and takes a third less memory.
const (
	mostGrowth  = 50
	leastGrowth = 10
	// heapKept is what the heap is kept below as long as leastGrowth allows: a plan of a hundred
	// thousand tables then stays within half a gigabyte, with all that is beside the heap.
	heapKept = 384 << 20
	// memoryKept is what all memory of Go is kept below, by giving back what is free. Where more
	// is in use, an eighth of that and memoryRoom are for what the heap grows by and for the rest.
	memoryKept = 464 << 20
	memoryRoom = 24 << 20
)

// collectEarly has garbage collected earlier than Go by itself would, and the earlier the
// more is in use, and has free memory given back. GOGC and GOMEMLIMIT win.
func collectEarly() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	growth := mostGrowth
	debug.SetGCPercent(growth)
	debug.SetMemoryLimit(memoryKept)
	// A finalizer runs once after each collection, and makes ready for the next one.
	type cycle struct{ _ *byte }
	var again func(*cycle)
	again = func(c *cycle) {
		live := heapInUse()
		if g := growthOf(live); g != growth {
			growth = g
			debug.SetGCPercent(growth)
		}
		debug.SetMemoryLimit(limitOf(live))
		runtime.SetFinalizer(c, again)
	}
	runtime.SetFinalizer(&cycle{}, again)
}

// growthOf says by how many percent a heap may grow of which live bytes are in use.
func growthOf(live uint64) int {
	if live == 0 {
		return mostGrowth
	}
	room := (heapKept - int64(live)) * 100 / int64(live)
	return int(min(max(room, leastGrowth), mostGrowth))
}

// limitOf is the memory to keep below where live bytes are in use. It is no less than what
// growthOf lets the heap grow to: a limit below that would have the collector run all the time.
func limitOf(live uint64) int64 {
	return max(memoryKept, int64(live)+int64(live)/8+memoryRoom)
}

// heapInUse is what the last collection found to be in use.
func heapInUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return live[0].Value.Uint64()
}
