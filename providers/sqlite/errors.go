package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// failed gives an error of SQLite its kind. An interrupt that ctx caused is ctx's error.
func failed(ctx context.Context, op string, err error) error {
	return failedOn(ctx, op, catalog.Name{}, err)
}

// failedOn is failed for an operation on one table.
func failedOn(ctx context.Context, op string, table catalog.Name, err error) error {
	var known *providers.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	code := sqlite.ErrCode(err)
	if ctx.Err() != nil && (code.ToPrimary() == sqlite.ResultInterrupt || code.ToPrimary() == sqlite.ResultBusy ||
		errors.Is(err, ctx.Err())) {
		return fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	kind, fix := classify(code)
	e := &providers.Error{Kind: kind, Op: op, Table: table, Fix: fix, Err: err}
	if code != sqlite.ResultError {
		e.Code = code.String()
	}
	return e
}

const noMemory = "A statement ran out of memory: lower processes, or lob_max."

// classify maps result codes (https://www.sqlite.org/rescode.html) to kinds.
func classify(code sqlite.ResultCode) (kind providers.Kind, fix string) {
	switch code {
	case sqlite.ResultReadOnlyRecovery, sqlite.ResultReadOnlyRollback, sqlite.ResultReadOnlyCantLock, sqlite.ResultReadOnlyCantInit:
		return providers.Permission, "A process that had the database open was killed: open it once for writing, " +
			"for example with sqlite3, so that it is recovered."
	case sqlite.ResultBusySnapshot:
		return providers.SnapshotLost, ""
	case sqlite.ResultIOErrNoMem:
		return providers.Exhausted, noMemory
	case sqlite.ResultReadOnlyDBMoved:
		return providers.Unreachable, "The file was moved, renamed or replaced while it was open. Put it back, then run the same command again."
	}
	switch code.ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultProtocol:
		return providers.Transient, ""
	case sqlite.ResultFull:
		return providers.Full, "Free space on the file system of the database, then run the same command again."
	case sqlite.ResultNoMem:
		return providers.Exhausted, noMemory
	case sqlite.ResultNotADB:
		return providers.Config, "Check path: the file is not an SQLite database, or is encrypted."
	case sqlite.ResultCorrupt:
		return providers.Corrupt, "Check the file with \"PRAGMA integrity_check\"."
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen, sqlite.ResultAuth:
		return providers.Permission, "Check the permissions of the database file and of its directory."
	case sqlite.ResultConstraint:
		return providers.Constraint, ""
	case sqlite.ResultMismatch:
		return providers.Value, "The column accepts only whole numbers."
	case sqlite.ResultTooBig:
		return providers.Value, "SQLite limits values and rows to 1,000,000,000 bytes."
	case sqlite.ResultSchema:
		return providers.Changed, ""
	case sqlite.ResultIOErr:
		return providers.Disconnected, ""
	}
	return providers.Internal, ""
}

// refuse makes an error that no code of SQLite stands behind.
func refuse(kind providers.Kind, op string, table catalog.Name, err error) *providers.Error {
	return &providers.Error{Kind: kind, Op: op, Table: table, Err: err}
}

// gone makes an error of reading or writing a table's rows Changed where the table, or one
// of its columns, is not there any more: SQLite has one code for every statement that it cannot prepare.
func gone(ctx context.Context, c *conn, t *catalog.Table, err error) error {
	if sqlite.ErrCode(err) != sqlite.ResultError {
		return failedOn(ctx, "read", t.Name, err)
	}
	have := make(map[string]bool)
	looked := c.rows(ctx, func(s *sqlite.Stmt) error { have[s.ColumnText(0)] = true; return nil }, "SELECT name FROM pragma_table_xinfo(?)", t.Name.Name)
	for _, col := range t.CopiedColumns() {
		if looked == nil && !have[col.Name] {
			return providers.Gone(&providers.Error{Kind: providers.NotFound, Op: "read", Table: t.Name, Column: col.Name, Err: err})
		}
	}
	return failedOn(ctx, "read", t.Name, err)
}
