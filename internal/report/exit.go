package report

import "slices"

// Exit codes of dmoctl.
const (
	OK           = 0
	Error        = 1
	Changes      = 2 // plan --detailed-exitcode, fmt --check
	Different    = 3 // verification failed
	Locked       = 4
	Stale        = 5 // the plan, or a table that changed since
	WaitingGate  = 6
	WindowPassed = 7
	Declined     = 8
	Interrupted  = 130 // cleanly: run again
)

// Exit returns the code of a run in which all of codes hold.
func Exit(codes ...int) int {
	for _, c := range []int{Interrupted, Locked, WindowPassed, Error, Different, Stale, WaitingGate, Declined, Changes} {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return OK
}

// Results of a Table.
const (
	Equal       = "equal"
	Unequal     = "different"
	Excepted    = "excepted"
	NotVerified = "not verified"
	Failed      = "failed"
)

// ByEarlierRun is the Detail of a table whose Result is not this run's.
const ByEarlierRun = "verified by an earlier run"
