package planner

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Stale says whether a saved plan no longer fits the target's ledger or the spec, and
// why, as a clause for people. The run that carries out the very plan, or the one that
// it continues, does not make it stale: applying it again resumes that run.
// specDigest is that of the spec as it is now; "" compares no spec.
func Stale(p *plan.Plan, c *ledger.Contents, specDigest string) (reason string, stale bool) {
	if specDigest != "" && specDigest != p.SpecDigest {
		return "the spec changed since the plan was made", true
	}
	if c == nil || c.Run == nil {
		if p.Lineage != "" || p.Serial != 0 {
			return "the target's ledger, from which the plan was made, is gone", true
		}
		return "", false
	}
	r := c.Run
	switch {
	case left.Resumes(p, r):
		return "", false
	case p.Lineage == "" && p.Serial == 0 && r.Serial > 0:
		return fmt.Sprintf("it was made for an empty target; the ledger is now at serial %d", r.Serial), true
	case r.Lineage != p.Lineage && r.Serial > 0:
		return "it was made for another lineage of this migration", true
	case r.Serial != p.Serial:
		return fmt.Sprintf("it was made at serial %d; the ledger is now at serial %d", p.Serial, r.Serial), true
	}
	return "", false
}
