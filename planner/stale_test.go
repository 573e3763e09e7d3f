package planner

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

func TestStale(t *testing.T) {
	// Failure scenario: the saved plan is stale: decided by spec, lineage and serial, and never for its own run.
	first := &plan.Plan{ID: "a", SpecDigest: "s"}
	later := &plan.Plan{ID: "b", SpecDigest: "s", Lineage: "l", Serial: 3}
	resume := &plan.Plan{ID: "c", SpecDigest: "s", Lineage: "l", Serial: 3, Continues: "b"}
	contents := func(lineage, plan string, serial int64, closed bool) *ledger.Contents {
		return &ledger.Contents{Run: &ledger.Run{Lineage: lineage, Plan: plan, Serial: serial, Closed: closed}}
	}
	cases := []struct {
		name string
		p    *plan.Plan
		c    *ledger.Contents
		spec string
		want string // "" is fresh
	}{
		{"empty target", first, nil, "s", ""},
		{"ledger without a run", first, &ledger.Contents{}, "s", ""},
		{"locked, nothing begun", first, contents("l", "", 0, false), "s", ""},
		{"its own run, killed", first, contents("l", "a", 1, false), "s", ""},
		{"its own run, done", first, contents("l", "a", 1, true), "s", ""},
		{"another plan applied first", first, contents("l", "x", 1, false), "s", "empty target"},
		{"spec changed", first, nil, "t", "spec changed"},
		{"its serial", later, contents("l", "a", 3, true), "s", ""},
		{"its own run at the next serial", later, contents("l", "b", 4, false), "s", ""},
		{"another plan was applied", later, contents("l", "x", 4, true), "s", "serial 3"},
		{"another lineage", later, contents("m", "x", 3, true), "s", "lineage"},
		{"the ledger is gone", later, nil, "s", "gone"},
		{"a resume of the same plan", resume, contents("l", "b", 3, false), "s", ""},
		{"a resume after a newer plan", resume, contents("l", "x", 4, false), "s", "serial 3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reason, stale := Stale(c.p, c.c, c.spec)
			if stale != (c.want != "") || !strings.Contains(reason, c.want) {
				t.Errorf("stale %v: %q, want %q", stale, reason, c.want)
			}
		})
	}
}
