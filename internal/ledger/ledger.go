// Package ledger describes the target's own record of which packages are loaded.
//
// The five tables of the ledger live on the target, in a schema dmo or under the
// prefix dmo_; they are the truth about a migration. Everything here is plain data.
package ledger

import (
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Run is the one run that may write. There is one row a migration.
type Run struct {
	Migration string   `json:"migration"`
	Lineage   string   `json:"lineage"`
	Serial    int64    `json:"serial"` // rises when an apply starts a new plan, never on resume
	Plan      string   `json:"plan"`   // id of the plan that the serial stands for
	Token     string   `json:"token"`  // new with every run; a transaction of another token cannot commit
	Owner     Owner    `json:"owner"`
	Sessions  []string `json:"sessions,omitempty"` // server sessions of the owner, for termination
	Spec      string   `json:"spec"`               // digest of the spec and structures that the plan was made from
	Closed    bool     `json:"closed,omitempty"`   // every step of the plan is done
}

// Owner says who runs, for messages and for unlock.
type Owner struct {
	ID      string    `json:"id"` // of the run, short, for "state unlock"
	User    string    `json:"user"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// State is how far a Table is.
type State string

// States of a Table.
const (
	Planned  State = "planned"  // recorded; dmoctl has made nothing and loaded nothing
	Made     State = "made"     // exists on the target, of our making or the DBA's
	Emptying State = "emptying" // to be emptied: what is in it does not count, whatever loaded says
	Empty    State = "empty"
	Complete State = "complete" // every package in, structure read again and unchanged
	Excused  State = "excused"  // complete, and an exception of the spec excuses its difference
	Counted  State = "counted"  // complete, and verified by its counts
	Compared State = "compared" // complete, and verified by its content
)

// Complete says whether every package is loaded and the source was read again.
func (s State) Complete() bool { return s == Complete || s == Excused || s.Verified() }

// Verified says whether the table was compared, at whatever level, and found to be equal.
func (s State) Verified() bool { return s == Counted || s == Compared }

// Table is what the ledger says about one table.
type Table struct {
	Migration string       `json:"migration"`
	Source    catalog.Name `json:"source"`
	Target    catalog.Name `json:"target"`
	Structure string       `json:"structure"` // digest of the source's structure when copying began
	File      string       `json:"file"`      // source's file identity then
	Count     int64        `json:"count"`     // source's COUNT(*) in the table's own snapshot; -1 not taken
	Changes   string       `json:"changes"`   // source's change counters at the count, opaque
	Snapshot  string       `json:"snapshot"`  // epoch that its packages are read in
	State     State        `json:"state"`
	Serial    int64        `json:"serial"` // of the plan that last emptied or first copied it
	// Created: a CREATE of dmoctl's made the table, so rollback may drop it. It is written in the
	// transaction of that CREATE: a table that somebody made meanwhile is never taken for ours.
	Created bool `json:"created"`
	// Edition counts the copies that were asked for. It is part of the packages' generation,
	// so that what was loaded before a reload was asked for does not count.
	Edition int64 `json:"edition"`
}

// Untouched says whether dmoctl has neither made the table nor begun to fill it: what is on the
// target under its name is somebody else's, or nothing.
func (t Table) Untouched() bool { return t.State == Planned && !t.Created }

// Package is a planned package.
type Package struct {
	Migration  string        `json:"migration"`
	ID         string        `json:"id"` // SCHEMA.TABLE/0001 of the source, unique in the migration
	Source     catalog.Name  `json:"source"`
	Range      catalog.Range `json:"range"`
	Generation string        `json:"generation"`
}

// Loaded is a loaded package.
type Loaded struct {
	Migration  string       `json:"migration"`
	ID         string       `json:"id"`
	Source     catalog.Name `json:"source"`
	Generation string       `json:"generation"`
	Rows       int64        `json:"rows"`
	Bytes      int64        `json:"bytes"`
	Digest     string       `json:"digest"`  // internal/digest, with its format version
	ReadAt     time.Time    `json:"read_at"` // by the source's clock
	Snapshot   string       `json:"snapshot"`
	Run        string       `json:"run"`     // Owner.ID
	Seconds    float64      `json:"seconds"` // time it took, for the next plan
}

// Kinds of an Object.
const (
	KindSchema   = "schema" // its Name has no Schema
	KindType     = "type"   // an enum or a domain
	KindSequence = "sequence"
	KindTable    = "table" // a partition is one, too
)

// Object is an object of the target that a CREATE of dmoctl's made. What was there before is
// never one, however much it looks like what was wanted. The target writes the row in
// the transaction of the CREATE, and removes it with the object.
type Object struct {
	Migration string       `json:"migration"`
	Kind      string       `json:"kind"`
	Name      catalog.Name `json:"name"`
	// ID is the engine's own: another object that somebody gives the name has another one.
	ID string `json:"id"`
}

// Contents is the whole ledger of one migration. A nil *Contents, or one with a
// nil Run, is a target that no run of the migration has touched.
type Contents struct {
	Run      *Run
	Tables   []Table
	Packages []Package
	Loaded   []Loaded
	Made     []Object // by kind and name
}

// Change is a set of ledger rows written in one transaction under the token.
// Tables and Packages are replaced by key. RemoveTables removes the tables' rows from all
// of tables, planned and loaded.
type Change struct {
	Run          *Run
	Tables       []Table
	Packages     []Package
	RemoveTables []catalog.Name // by source name
	// RemovePackages removes planned (never loaded) rows of these tables before
	// Packages are written.
	RemovePackages []catalog.Name
}
