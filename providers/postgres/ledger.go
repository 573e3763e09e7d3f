package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const (
	ledgerSchema = "dmo"
	opLedger     = "read ledger"
)

// ownSchema is the ledger's schema as an object that dmoctl may have made, for no migration.
func ownSchema() ledger.Object {
	return ledger.Object{Kind: ledger.KindSchema, Name: catalog.Name{Name: ledgerSchema}}
}

// makeLedger creates the tables, all or none; two runs that try at once queue.
func makeLedger(ctx context.Context, s *session) error {
	const op = "create ledger"
	if _, err := s.exec(ctx, op, beginWriter+"; SELECT pg_advisory_xact_lock("+lockKey("ledger", "")+")"); err != nil {
		return err
	}
	there, err := lookAtLedger(ctx, s)
	if err == nil && !there.schema {
		_, err = s.exec(ctx, op, "CREATE SCHEMA "+ledgerSchema)
	}
	if err == nil && !there.tables {
		_, err = s.exec(ctx, op, ledgerDDL())
	}
	if err == nil && !there.schema {
		var made []ledger.Object
		if made, err = identified(ctx, s, "", []ledger.Object{ownSchema()}); err == nil {
			err = fenced.RecordMade(ctx, &txn{session: s}, made...)
		}
	}
	if err != nil {
		return errors.Join(err, s.rollback())
	}
	_, err = s.exec(ctx, op, "COMMIT")
	return err
}

// dropLedger removes the rows of one migration, and the whole ledger where no other has any.
func dropLedger(ctx context.Context, t *txn, migration string) error {
	const op = "drop ledger"
	s, run := t.session, ledgerTable(fenced.Run())
	others := func() (bool, error) {
		r, err := s.one(ctx, op, "SELECT EXISTS (SELECT FROM "+run+")")
		return err != nil || r.bool(0), err
	}
	if err := fenced.Forget(ctx, t, migration); err != nil {
		return err
	}
	if more, err := others(); more || err != nil {
		return err
	}
	// Who makes a ledger waits here, and so does who takes a token in it.
	if _, err := s.exec(ctx, op, "SELECT pg_advisory_xact_lock("+lockKey("ledger", "")+"); LOCK TABLE "+run+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	if more, err := others(); more || err != nil {
		return err
	}
	now, err := identified(ctx, s, "", []ledger.Object{ownSchema()})
	if err != nil {
		return err
	}
	made, err := fenced.MadeForAll(ctx, t)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range fenced.Relations() {
		names = append(names, ledgerTable(r))
	}
	if _, err := s.exec(ctx, op, "DROP TABLE "+strings.Join(names, ", ")); err != nil {
		return err
	}
	if !slices.Contains(made, now[0]) {
		return nil
	}
	return dropEmptySchema(ctx, s, op)
}

// dropEmptySchema drops the ledger's schema, unless somebody else has put something into it.
func dropEmptySchema(ctx context.Context, s *session, op string) error {
	_, err := s.exec(ctx, op, "SAVEPOINT schema; DROP SCHEMA dmo")
	if providers.KindOf(err) != providers.InUse {
		return err
	}
	_, back := s.exec(ctx, op, "ROLLBACK TO schema")
	return back
}
