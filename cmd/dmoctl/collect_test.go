package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// The more is in use, the less the heap may grow, so that large plans stay within their bound.
func TestGarbageIsCollectedEarlierTheMoreIsInUse(t *testing.T) {
	for live, want := range map[uint64]int{
		0: mostGrowth, 10 << 20: mostGrowth, 256 << 20: 50, 300 << 20: 28, 320 << 20: 20, 370 << 20: leastGrowth, 8 << 30: leastGrowth,
	} {
		if got := growthOf(live); got != want {
			t.Errorf("%d MiB in use may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}

// The growth follows what is in use while the process runs.
func TestGrowthFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
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
