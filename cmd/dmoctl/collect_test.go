package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// The more is in use, the less the heap may grow, so that large plans stay within their bound.
func TestGCPercentShrinksWithLiveHeap(t *testing.T) {
	for live, want := range map[uint64]int{
		0: mostGrowth, 10 << 20: mostGrowth, 256 << 20: 50, 300 << 20: 28, 320 << 20: 20, 370 << 20: leastGrowth, 8 << 30: leastGrowth,
	} {
		if got := growthOf(live); got != want {
			t.Errorf("%d MiB in use may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}

// Free memory is released where much is in use, and a limit never stands below what the heap may grow to.
func TestMemoryLimitAboveHeapGoal(t *testing.T) {
	for live, want := range map[uint64]int64{0: memoryKept, 300 << 20: memoryKept, 400 << 20: 474 << 20, 8 << 30: 9<<30 + memoryRoom} {
		got := limitOf(live)
		if got != want {
			t.Errorf("%d MiB in use have a limit of %d MiB, want %d", live>>20, got>>20, want>>20)
		}
		if goal := int64(live) * int64(100+growthOf(live)) / 100; got < goal {
			t.Errorf("%d MiB in use: the limit of %d MiB is below the heap's goal of %d MiB", live>>20, got>>20, goal>>20)
		}
	}
}

// The growth follows what is in use while the process runs.
func TestGCPercentTracksHeapAtRuntime(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(before)
		debug.SetMemoryLimit(limit)
	}()
	collectEarly()
	held := make([]byte, 400<<20)
	for end := time.Now().Add(time.Minute); ; {
		runtime.GC()
		growth := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(growth)
		if growth[0].Value.Uint64() == leastGrowth {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the heap may grow by %d %% with 400 MiB in use, want %d", growth[0].Value.Uint64(), leastGrowth)
		}
		runtime.Gosched()
	}
	runtime.KeepAlive(held)
}
