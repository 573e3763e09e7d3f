// Package plan holds what an apply would do, as plain data.
//
// The planner makes a Plan, cmd shows it, the executor carries it out. A saved plan is
// this structure as JSON. It holds no secret and no connection argument. Key
// boundaries are customers' data: they are in the JSON, never in text or Markdown.
package plan

import (
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
)

// Format is the version of the saved form.
const Format = 3

// Plan is one reviewed migration step by step.
type Plan struct {
	Format    int    `json:"format"`
	ID        string `json:"id"`      // digest of everything below that decides what is done
	Version   string `json:"version"` // of the dmoctl that planned
	Migration string `json:"migration"`
	Mode      Mode   `json:"mode"`

	// What the plan is bound to. A plan whose lineage and serial are not the
	// ledger's is stale, except for the run that is carrying out this very plan.
	Lineage string `json:"lineage"` // "" where the target has no ledger
	Serial  int64  `json:"serial"`  // of the ledger when it was planned; 0 without one
	// Continues is the id of the unfinished plan that this one continues with, from the
	// same spec and structures: applying it is a resume and does not raise the serial.
	Continues  string    `json:"continues,omitempty"`
	SpecDigest string    `json:"spec_digest"`
	Structures string    `json:"structures"` // digest over all source and target structures
	Source     Endpoint  `json:"source"`
	Target     Endpoint  `json:"target"`
	Staging    *Endpoint `json:"staging,omitempty"`

	Transfer  Transfer         `json:"transfer"`
	Processes Processes        `json:"processes"`
	Policies  catalog.Policies `json:"policies"`
	// Reach says which columns each non-default policy decides about.
	Reach    []PolicyReach `json:"policy_reach,omitempty"`
	Quiet    bool          `json:"quiet"` // source declared consistency = "quiet"
	Existing Existing      `json:"existing"`
	// Partial: the plan is of the tables that --table takes, and closes nothing.
	Partial bool `json:"partial,omitempty"`

	Tables      []*Table           `json:"tables"`            // by source name
	Schemas     []string           `json:"schemas,omitempty"` // to make on the target
	Types       []catalog.UserType `json:"types,omitempty"`
	Sequences   []catalog.Sequence `json:"sequences,omitempty"`
	Wanted      Wanted             `json:"wanted,omitzero"`
	Steps       []*Step            `json:"steps"` // in an order that respects Needs
	NotMigrated []catalog.Object   `json:"not_migrated,omitempty"`
	Others      []catalog.Name     `json:"others,omitempty"` // tables on the target that the plan never touches
	LeftOut     []LeftOut          `json:"left_out,omitempty"`
	Warnings    []Warning          `json:"warnings,omitempty"`
	Totals      Totals             `json:"totals"`
}

// Wanted is what the target shall have besides tables once all is done, whether or not
// this plan makes it.
type Wanted struct {
	Types     []catalog.UserType `json:"types,omitempty"`
	Sequences []catalog.Sequence `json:"sequences,omitempty"` // that no column owns, where the source's stand
}

// Endpoint is one side as the plan knows it.
type Endpoint struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Identity string `json:"identity"`
	Version  string `json:"version,omitempty"`
}

// Transfer says how rows travel.
type Transfer struct {
	FileSize    int64       `json:"file_size,omitempty"`
	Compression Compression `json:"compression,omitempty"`
	Retain      Retain      `json:"retain,omitempty"` // "" is RetainImported
}

// Processes bound the run.
type Processes struct {
	Downtime   int    `json:"downtime"`
	Verify     int    `json:"verify"`
	Memory     int64  `json:"memory"` // bytes, the budget of the run
	BatchBytes int64  `json:"batch_bytes"`
	Explain    string `json:"explain"` // how Memory and the numbers were found, for people
}

// PolicyReach is one non-default policy and the columns it decides about,
// for reviewers: under Policies the values of these columns may be changed or refused.
type PolicyReach struct {
	Policy  string   `json:"policy"` // as the spec's types block calls it
	Value   string   `json:"value"`
	Tables  int      `json:"tables"`
	Columns int      `json:"columns"`          // of "expressions" the expressions that are taken
	Listed  []Column `json:"listed,omitempty"` // by table and column, at most ReachListed
}

// Add counts one column in.
func (r *PolicyReach) Add(c Column) {
	r.Columns++
	if len(r.Listed) < ReachListed {
		r.Listed = append(r.Listed, c)
	}
}

// ReachListed is how many columns a PolicyReach lists.
const ReachListed = 20

// Column names one column of a source's table.
type Column struct {
	Table catalog.Name `json:"table"`
	Name  string       `json:"name"`
}

// Table is one table of the migration.
type Table struct {
	// Source has the column types in which the source is asked for its rows.
	Source *catalog.Table `json:"source"`
	Target *catalog.Table `json:"target"`
	Group  string         `json:"group"`
	Action Action         `json:"action"`
	// Edition counts the copies of the table that were asked for; it is part of the packages' generation.
	Edition int64 `json:"edition,omitempty"`
	// Predecessor is where the table was on the target under another name. It is emptied and,
	// where dmoctl made it, dropped.
	Predecessor *catalog.Name `json:"predecessor,omitempty"`
	Reason      string        `json:"reason,omitempty"` // why this action, a clause for people
	Create      bool          `json:"create,omitempty"` // the target has no such table
	Drop        bool          `json:"drop,omitempty"`   // dropped first, then made
	// Foreign: with Drop, the table was there before dmoctl came (existing =
	// "recreate"), so apply asks twice. Otherwise dmoctl made what it drops.
	Foreign bool `json:"foreign,omitempty"`
	// DropForeignKeys are foreign keys that the target's table has already. They are dropped before
	// rows go in, and made again as they were once all are.
	DropForeignKeys []catalog.ForeignKey `json:"drop_foreign_keys,omitempty"`
	// Unwanted are foreign keys that dmoctl made with the target's table and that are no longer
	// migrated: the tables that they refer to lose their rows, or are left out. They are dropped.
	Unwanted    []catalog.ForeignKey `json:"unwanted,omitempty"`
	SplitReason string               `json:"split_reason,omitempty"` // why it has these packages; their ranges say which
	Packages    []*Package           `json:"packages,omitempty"`
	Verify      Level                `json:"verify"`
	Exception   *Exception           `json:"exception,omitempty"`
	Conversions []Conversion         `json:"conversions,omitempty"`
	// ReadAt is when the loaded rows were read, for tables that are kept; zero
	// where none are.
	ReadAt          time.Time `json:"read_at,omitzero"`
	SourceStructure string    `json:"source_structure"`
	TargetStructure string    `json:"target_structure,omitempty"` // as found; "" where Create
}

// Exception excuses a table from a comparison.
type Exception struct {
	Rule   Rule   `json:"rule"`
	Reason string `json:"reason"`
}

// Package is one unit of export, import, retry and resume.
type Package struct {
	ID         string        `json:"id"` // SCHEMA.TABLE/0001
	Range      catalog.Range `json:"range"`
	Generation string        `json:"generation"`
	Rows       int64         `json:"rows"`  // estimate; -1 unknown
	Bytes      int64         `json:"bytes"` // estimate; -1 unknown
	Seconds    float64       `json:"seconds"`
	In         bool          `json:"in,omitempty"` // loaded already, same generation
}

// Step is a node of the graph. Big tables have steps of their own, small ones share.
type Step struct {
	ID    string `json:"id"`
	Phase Phase  `json:"phase"`
	Kind  Kind   `json:"kind"`
	// Tables are source names.
	Tables   []catalog.Name `json:"tables,omitempty"`
	Packages []string       `json:"packages,omitempty"` // of StepCopy
	Index    string         `json:"index,omitempty"`    // of a StepIndex that is about one index
	Needs    []string       `json:"needs,omitempty"`    // ids of steps that come first
	Reason   string         `json:"reason,omitempty"`
	Rows     int64          `json:"rows,omitempty"`
	Bytes    int64          `json:"bytes,omitempty"`
	Seconds  float64        `json:"seconds,omitempty"` // estimate
}

// LeftOut is a table that was seen on the source and is not part of the plan.
type LeftOut struct {
	Table  catalog.Name `json:"table"`
	Reason string       `json:"reason"` // a clause for people
}

// NotAskedFor is the Reason of the tables that --table does not take.
const NotAskedFor = "--table does not select it"

// Warning is something a reviewer should know. It stops nothing.
type Warning struct {
	ID      diag.ID `json:"id"`
	Summary string  `json:"summary"`
	Detail  string  `json:"detail,omitempty" print:"ours"`
}

// Totals are for the last lines of every view.
type Totals struct {
	Tables       int      `json:"tables"`
	Create       int      `json:"create"`
	Packages     int      `json:"packages"` // to copy
	Reload       int      `json:"reload"`
	Unchanged    int      `json:"unchanged"`
	Rows         int64    `json:"rows"`
	Bytes        int64    `json:"bytes"`
	Seconds      float64  `json:"seconds"`                // of downtime, along processes and the longest path
	LongestPath  []string `json:"longest_path,omitempty"` // step ids
	EstimateFrom string   `json:"estimate_from"`          // what the estimate is built on
}

// Changes says whether an apply would do anything.
func (p *Plan) Changes() bool { return len(p.Steps) > 0 }

// Raised returns the source's tables whose sequences steps raise.
func (p *Plan) Raised() map[catalog.Name]bool {
	out := make(map[catalog.Name]bool)
	for _, s := range p.Steps {
		if s.Kind == StepSequence {
			for _, n := range s.Tables {
				out[n] = true
			}
		}
	}
	return out
}

// Table returns the table of that source name, or nil.
func (p *Plan) Table(n catalog.Name) *Table {
	for _, t := range p.Tables {
		if t.Source.Name == n {
			return t
		}
	}
	return nil
}

// Conversion is migrated with changes that a reviewer should know.
type Conversion struct {
	Column string `json:"column,omitempty"`
	What   string `json:"what" print:"ours"`
	Fix    string `json:"fix,omitempty" print:"ours"`
}
