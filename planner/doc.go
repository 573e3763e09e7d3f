// Package planner turns a spec and what two databases say into a plan.
//
// [Observe] does all reading: catalogs, the target's ledger, boundaries of splits.
// [Diff] is a pure function of what Observe found; equal inputs give equal bytes.
// [Stale] says whether a saved plan still fits the target's ledger.
package planner
