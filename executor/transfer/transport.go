// Package transfer brings packages from the source into the target.
//
// A Transport does it: a pipe from reader to writer, or files in a staging. The files are
// written by an exporter, which knows the source and the staging only, and loaded by an
// importer, which knows the staging and the target only. Both meet in what the staging holds.
package transfer

import (
	"context"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// Transport brings packages in. It is safe for concurrent use.
type Transport interface {
	Store
	// Transfer brings packages of one group in, all or none of them.
	Transfer(ctx context.Context, units []*work.Unit) error
	// Complete is told of tables that were looked at after their last package.
	Complete(ctx context.Context, tables []*work.Table) error
	// Finish is told that everything of the plan is in and verified.
	Finish(ctx context.Context) error
	Close()
}

// Store is what a transport holds between source and target.
type Store interface {
	// Enter is told the epoch that a group's tables are read in from now on.
	Enter(ctx context.Context, g *work.Group) error
	// Restart voids what is held of tables that are emptied, or begin in another epoch.
	Restart(ctx context.Context, tables []*work.Table) error
	// Covers counts the packages of a table that are not in, and need the source no more, as they
	// were read in the epoch that the ledger names. The caller holds the set's lock.
	Covers(t *work.Table) int
}

// Room is what a transport works with.
type Room struct {
	Control *control.Control
	Plan    *plan.Plan
	Owner   ledger.Owner
	Set     *work.Set
	Reading *reading.Reading
	Target  *work.Target
	Watch   Watch
	// Beside runs what no step waits for beside the steps of the plan.
	Beside func(do func())
}

// Watch is told what moves. Each method may be called by several goroutines at once.
type Watch interface {
	// Moved tells of rows that the target has taken and not committed.
	Moved(p *plan.Package, rows, bytes int64)
	// Dropped tells that those of a package are rolled back.
	Dropped(p *plan.Package)
	// Landed tells of packages that are loaded.
	Landed(ctx context.Context, units []*work.Unit, loaded []ledger.Loaded) error
}
