// Package providers is the contract between dmoctl and databases or stagings.
//
// An engine of dmoctl holds these interfaces and nothing of a provider; a
// provider implements them and passes the suites of providers/providertest.
package providers

import (
	"context"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// Driver describes one provider. A nil Open func means that it does not play
// that role, so a wrong role is a diagnostic before any connection.
type Driver struct {
	Type, Doc string
	// Source, Target and Staging are the arguments of each role's block.
	Source, Target, Staging schema.Block

	// MapTable says what a source's table becomes on this driver's target. It is
	// pure: plans without a connection need it. Source is not changed.
	MapTable func(source *catalog.Table, how MapOptions) Mapping
	// MapType does the same for an enum or domain of the same engine; of MapOptions it
	// takes the schemas and Types. Nil where the driver has no such types.
	MapType func(source catalog.UserType, how MapOptions) catalog.UserType
	// Names lists the names that a table takes on this driver's target, whether MapTable made it or
	// Catalog read it. It is pure. Nil where tables do not get into each other's way.
	Names func(t *catalog.Table) []catalog.Named
	// Limits are those of a target that is not connected, for plans made offline.
	Limits Limits

	OpenSource  func(context.Context, schema.Values, Env) (Database, error)
	OpenTarget  func(context.Context, schema.Values, Env) (Target, error)
	OpenStaging func(context.Context, schema.Values, Env) (Staging, error)
}

// Env is what a provider gets from the process around it.
type Env struct {
	Log hclog.Logger // never nil
	Dir string       // spec directory: relative paths in arguments start there
	// Application is the name that sessions carry on servers, e.g. "dmoctl erp 7f3a".
	Application string
	// Readers and Writers are how many sessions the run wants at once.
	Readers, Writers int
	// Waiting is told, within 5 s, for whom or what a statement waits that is behind somebody
	// else's lock: "for session 4711 of ...". It may be called from any goroutine; nil is told nothing.
	Waiting func(what string)
}

// MapOptions are what a mapping depends on besides the table.
type MapOptions struct {
	Engine   string // the source's driver type; the same engine keeps its own spelling
	To       catalog.Name
	Policies catalog.Policies
	Types    []catalog.UserType // of the source, for columns that name one
	// Schema and ToSchema are the source's and the target's own schema. Types and free
	// sequences of the first become ones of the second.
	Schema, ToSchema string
	// Sequences are names that sequences of columns get on the target instead of those that they
	// would have, by what SequenceKey says of the source's columns.
	Sequences map[catalog.Name]catalog.Name
	// Names maps source tables to target tables, for foreign keys. A table that is
	// not in it is not migrated, and a reference to it is listed as a conversion.
	Names map[catalog.Name]catalog.Name
}

// SequenceKey identifies the sequence behind a source's column: by its name, or by the column
// where the source's has none.
func SequenceKey(source *catalog.Table, c catalog.Column) catalog.Name {
	if c.Sequence != nil && c.Sequence.Name.Name != "" {
		return c.Sequence.Name
	}
	return catalog.Name{Schema: source.Name.String(), Name: c.Name}
}

// Mapping is a table as the target will have it.
type Mapping struct {
	// Table has one column for each of the source's, same order. Column.Type is the
	// neutral type in which the target takes values and hands them back; where it
	// is Native, the source is asked for the same Native type.
	Table *catalog.Table
	// Conversions are migrated with changes that the plan names.
	Conversions []Conversion
	// Refusals stop the plan.
	Refusals []Conversion
}

// Conversion is something a target cannot hold as the source has it.
type Conversion struct {
	Table  catalog.Name `json:"table"`
	Column string       `json:"column,omitempty"`
	What   string       `json:"what" print:"ours"`          // a sentence: what is lost or refused
	Fix    string       `json:"fix,omitempty" print:"ours"` // a sentence: what to do
}
