// Package desired holds what a spec asks for, evaluated: no expression, no
// file position that a later engine needs, no default left open.
package desired

import (
	"cmp"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// Spec is one evaluated spec directory. It is plain data; engines never change it.
type Spec struct {
	Dir       string   // directory it was read from
	StatePath string   // absolute, or relative to Dir
	History   []string // paths of earlier reports, relative to Dir

	Migration string
	Source    Endpoint
	Target    Endpoint
	Staging   *Endpoint // nil in pipe mode
	Transfer  Transfer

	Groups    []Group // in order: the first that matches a table has it
	Excludes  []Exclude
	Renames   []Rename
	Processes Processes
	Policies  catalog.Policies
	Verify    Verify

	// Digest identifies the spec without connection arguments and secrets.
	Digest string
}

// Endpoint is a source, a target or a staging.
type Endpoint struct {
	Role   string // "source", "target" or "staging"
	Type   string // driver, e.g. "postgres"
	Name   string
	Config schema.Values // holds secrets in the clear
}

// Existing is what becomes of tables that a target has already.
func (e Endpoint) Existing() plan.Existing {
	return cmp.Or(plan.Existing(e.Config.String("existing")), plan.ExistingRefuse)
}

// Quiet says whether a source is declared to have nobody who writes.
func (e Endpoint) Quiet() bool { return Consistency(e.Config.String("consistency")) == Quiet }

// Retain is how long a staging keeps its objects.
func (e Endpoint) Retain() plan.Retain { return plan.Retain(e.Config.String("retain")) }

// Address prints source.postgres.erp.
func (e Endpoint) Address() string { return e.Role + "." + e.Type + "." + e.Name }

// Consistency is what makes the rows of all tables fit each other.
type Consistency string

// What makes them fit.
const (
	Snapshot Consistency = "snapshot" // one view of the source serves the whole run
	Quiet    Consistency = "quiet"    // nobody writes
)

// Consistencies returns both.
func Consistencies() []Consistency { return []Consistency{Snapshot, Quiet} }

// Position is where something was written, for messages of later engines.
type Position struct {
	File         string
	Line, Column int
}

// Transfer says how rows travel.
type Transfer struct {
	Mode        plan.Mode
	FileSize    int64 // bytes of an export file, before compression
	Compression plan.Compression
}

// Group says how the tables that it matches are split.
type Group struct {
	Name   string
	Tables []Pattern
	Split  catalog.SplitSpec
}

// Exclude names tables that are not copied.
type Exclude struct {
	Name    string
	Tables  []Pattern
	Content Content
	Reason  string
}

// Content is what becomes of an excluded table.
type Content string

// What becomes of it.
const (
	ContentNone      Content = "none"      // nothing at all
	ContentStructure Content = "structure" // the table is made without rows
)

// Contents returns both.
func Contents() []Content { return []Content{ContentNone, ContentStructure} }

// Rename gives a table another name on the target.
type Rename struct {
	Table Pattern // exact
	To    Pattern // exact; without Schema the target's own
	At    Position
}

// Processes bound what runs at once.
type Processes struct {
	Downtime int // concurrent packages; 0 leaves it to the planner
	Verify   int
	Memory   int64 // bytes for everything in flight; 0 is a quarter of the machine's
}

// Verify says how tables are compared.
type Verify struct {
	Default    plan.Level
	Exceptions []Exception
}

// Exception excuses one table from verification, by name and with a reason.
type Exception struct {
	Table  Pattern // exact
	Rule   plan.Rule
	Reason string
	At     Position
}
