// Package report holds what a run says while it runs and what it leaves behind.
package report

import (
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/left"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/structure"
)

// EventVersion is the version of Event's JSON form.
const EventVersion = 1

// Event names.
const (
	RunStarted     = "run.started"
	Waiting        = "waiting" // for a lock or an older transaction; Message says whom
	PhaseStarted   = "phase.started"
	PhaseDone      = "phase.done"
	SnapshotTaken  = "snapshot" // every row the run reads is fixed from here on
	StepStarted    = "step.started"
	StepDone       = "step.done"
	StepFailed     = "step.failed" // or interrupted: not all of it is done
	PackageStarted = "package.started"
	PackageDone    = "package.done"
	PackageSkipped = "package.skipped" // in already
	PackageFailed  = "package.failed"
	TableFailed    = "table.failed"
	TableVerified  = "table.verified"
	Retry          = "retry"
	Notice         = "notice"   // something worth knowing that stops nothing
	Progress       = "progress" // at most once a second
	RunDone        = "run.done"
)

// Event is one line of "apply --json".
type Event struct {
	Version int        `json:"v"`
	Time    time.Time  `json:"time"`
	Event   string     `json:"event"`
	Phase   plan.Phase `json:"phase,omitempty"`
	Step    string     `json:"step,omitempty"`
	Table   string     `json:"table,omitempty"`
	Package string     `json:"package,omitempty"`
	Rows    int64      `json:"rows,omitempty"`
	Bytes   int64      `json:"bytes,omitempty"`
	Seconds float64    `json:"seconds,omitempty"`
	Message string     `json:"message,omitempty"`
	Kind    string     `json:"kind,omitempty"` // of an error
	// Of RunStarted, Progress and RunDone.
	Progress *Totals `json:"progress,omitempty"`
	Exit     *int    `json:"exit,omitempty"` // of RunDone
}

// Totals are the counters of one phase or run. Never above the planned ones by construction:
// what turns out larger than estimated raises the estimate.
type Totals struct {
	Phase           plan.Phase `json:"phase,omitempty"`
	Packages        int        `json:"packages"`
	PackagesPlanned int        `json:"packages_planned"`
	PackagesIn      int        `json:"packages_in"` // by an earlier run
	Rows            int64      `json:"rows"`
	RowsPlanned     int64      `json:"rows_planned"`
	Bytes           int64      `json:"bytes"`
	BytesPlanned    int64      `json:"bytes_planned"`
	Failures        int        `json:"failures"`
	Rate            float64    `json:"rate"` // bytes a second, last 15 seconds
	ETA             float64    `json:"eta"`  // seconds; -1 unknown
}

// Sink takes events. It is safe for concurrent use and does not block for long.
type Sink interface{ Emit(Event) }

// Format is the version of Report's JSON form.
const Format = 1

// Report is what a finished or failed run leaves: durations for the next plan,
// results for the go/no-go meeting. It holds no secret and no row.
type Report struct {
	Format    int       `json:"format"`
	Migration string    `json:"migration"`
	Lineage   string    `json:"lineage"`
	Serial    int64     `json:"serial"`
	Plan      string    `json:"plan"`
	Run       string    `json:"run"`
	Mode      plan.Mode `json:"mode"`
	Processes int       `json:"processes"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Exit      int       `json:"exit"`
	Rebuilt   bool      `json:"rebuilt,omitempty"` // from a ledger, which knows no exit code, phase or result
	// Until is the phase that the run was asked to stop after; empty is none. Left counts the
	// tables that something is left of then.
	Until plan.Phase   `json:"until,omitempty"`
	Left  []left.Count `json:"left,omitempty"`
	// NotAsked is how many tables of the migration --table left out: the run did not look at them.
	NotAsked    int              `json:"not_asked,omitempty"`
	Totals      Totals           `json:"totals"`
	Phases      []Phase          `json:"phases"`
	Tables      []Table          `json:"tables"`
	Failures    []Failure        `json:"failures,omitempty"`
	NotMigrated []catalog.Object `json:"not_migrated,omitempty"`
	// Structure is what the audit found to differ on the target, all of it.
	Structure []structure.Difference `json:"structure,omitempty"`
}

// Audit is the name under which Phases has the time of the audit, and Failures its findings.
const Audit = "audit"

// Structure is the Kind of a Failure that is about a structure.
const Structure = "structure"

// Phase is one phase's time.
type Phase struct {
	Name    plan.Phase `json:"name"`
	Started time.Time  `json:"started"`
	Seconds float64    `json:"seconds"`
}

// Table is one table's result.
type Table struct {
	Table        string     `json:"table"` // source name
	Target       string     `json:"target"`
	Packages     int        `json:"packages"`
	In           int        `json:"in"` // packages in the ledger
	Rows         int64      `json:"rows"`
	Bytes        int64      `json:"bytes"`
	Seconds      float64    `json:"seconds"` // sum over its packages
	IndexSeconds float64    `json:"index_seconds,omitempty"`
	ReadAt       time.Time  `json:"read_at,omitzero"`
	Verify       plan.Level `json:"verify"` // level asked for
	Result       string     `json:"result"` // "equal", "different", "excepted", "not verified", "failed"
	Detail       string     `json:"detail,omitempty"`
}

// Failure is one root error.
type Failure struct {
	Table   string `json:"table,omitempty"`
	Package string `json:"package,omitempty"`
	Step    string `json:"step,omitempty"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty" print:"ours"`
}
