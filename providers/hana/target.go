package hana

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

// target is a database that is written to. It is safe for concurrent use.
type target struct {
	*database
	*fenced.Target[*txn]
	placements placements
}

func newTarget(db *database, p placements) *target {
	t := &target{database: db, placements: p}
	// TRUNCATE is part of a transaction, so that a run that lost its token while it waited for a table cannot
	// truncate. Should a server commit it by itself all the same, the ledger has said "emptying".
	t.Target = &fenced.Target[*txn]{Engine: t, SelfCommitting: true}
	return t
}

// Limits implements providers.Target.
func (t *target) Limits() providers.Limits { return limits() }

// View implements fenced.Engine: one snapshot for all tables. Ranges are large objects, which
// are read in a transaction.
func (t *target) View(ctx context.Context, op string) (*txn, bool, error) {
	s, err := t.pool.Get(ctx, t.plain())
	if err != nil {
		return nil, false, err
	}
	have, err := t.ledgerState(ctx, s)
	if err == nil && have == ledgerWhole {
		err = s.begin(ctx, op, true)
	}
	if err != nil || have != ledgerWhole {
		t.put(s)
		return nil, false, err
	}
	return &txn{session: s, db: t.database}, true, nil
}

// Writer implements fenced.Txn.
func (t *txn) Writer(ctx context.Context, table *catalog.Table, _ catalog.Range) (fenced.Writer, error) {
	return newWriter(ctx, t.session, table)
}

// Empty implements fenced.Txn.
func (t *txn) Empty(ctx context.Context, tables []*catalog.Table) error {
	for _, table := range tables {
		_, err := t.exec(ctx, opReload, "TRUNCATE TABLE "+quoteName(table.Name))
		if err != nil && !hasCode(err, codeNoTable, codeNoSchema) {
			return wrapTable(opReload, table.Name, err)
		}
	}
	return nil
}

// Commit implements fenced.Txn.
func (t *txn) Commit(ctx context.Context, op string) error {
	defer t.db.put(t.session)
	return t.commit(ctx, op)
}

// Rollback implements fenced.Txn.
func (t *txn) Rollback() error {
	defer t.db.put(t.session)
	return t.rollback()
}
