package memory

import (
	"context"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/memdb"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/fenced"
)

const opAlter = "alter"

// Alter implements fenced.Engine: all in one transaction, or each change with the Records behind it.
func (c *Client) Alter(ctx context.Context, s *fenced.Session[*txn], ddl []providers.DDL) error {
	for len(ddl) > 0 {
		n := len(ddl)
		for i := n - 1; i > 0 && c.SelfCommitting; i-- {
			if _, records := ddl[i].(providers.Record); !records {
				n = i
			}
		}
		err := s.Do(ctx, opAlter, fenced.Define, func(tx *txn) error {
			for _, x := range ddl[:n] {
				if err := tx.alter(ctx, s.Migration(), x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		ddl = ddl[n:]
	}
	return nil
}

// alter carries out one change, with what the ledger says of it. What is there already in the wanted form stays.
func (t *txn) alter(ctx context.Context, migration string, x providers.DDL) error {
	switch x := x.(type) {
	case providers.CreateTable:
		if x.New && t.view.Tables[x.Table.Name] != nil {
			return providers.TableExists(opAlter, x.Table.Name)
		}
		o := ledger.Object{Migration: migration, Kind: ledger.KindTable, Name: x.Table.Name}
		return t.make(ctx, o, func(d *memdb.Data) (bool, error) { return d.Create(x.Table) })
	case providers.CreateSequence:
		o := ledger.Object{Migration: migration, Kind: ledger.KindSequence, Name: x.Sequence.Name}
		return t.make(ctx, o, func(d *memdb.Data) (bool, error) { return d.CreateSequence(x.Sequence) })
	case providers.DropTable:
		return t.drop(ctx, ledger.Object{Kind: ledger.KindTable, Name: x.Table})
	case providers.Drop:
		if is := t.view.Tables[x.Object.Name]; x.Object.Kind == ledger.KindTable && is != nil && is.ID != x.Object.ID {
			return fenced.AnotherObject(opAlter, x.Object)
		}
		return t.drop(ctx, x.Object)
	case providers.DropLedger:
		return fenced.Forget(ctx, t, migration)
	case providers.Record:
		return fenced.Apply(ctx, t, migration, x.Change)
	}
	return t.do(opAlter, func(d *memdb.Data) error {
		switch x := x.(type) {
		case providers.AddKey:
			return d.AddKey(x.Table, x.Key)
		case providers.CreateIndex:
			return d.CreateIndex(x.Table, x.Index)
		case providers.AddForeignKey:
			return d.AddForeignKey(x.Table, x.ForeignKey)
		case providers.DropForeignKey:
			d.DropForeignKey(x.Table, x.Name, x.Keep)
		case providers.RaiseSequence:
			return d.Raise(x.Table, x.Column, x.Sequence)
		}
		return nil
	})
}

// make creates an object, and records it where it was not there.
func (t *txn) make(ctx context.Context, o ledger.Object, create func(d *memdb.Data) (bool, error)) error {
	made := false
	err := t.do(opAlter, func(d *memdb.Data) (err error) { made, err = create(d); return err })
	if err != nil || !made {
		return err
	}
	if is := t.view.Tables[o.Name]; is != nil {
		o.ID = is.ID
	}
	return fenced.RecordMade(ctx, t, o)
}

// drop drops an object that nothing depends on, and forgets it.
func (t *txn) drop(ctx context.Context, o ledger.Object) error {
	err := t.do(opAlter, func(d *memdb.Data) error {
		if o.Kind == ledger.KindSequence {
			d.DropSequence(o.Name)
			return nil
		}
		return d.DropAlone(o.Name, o.ID == "")
	})
	if err != nil {
		return err
	}
	return fenced.ForgetMade(ctx, t, o)
}
