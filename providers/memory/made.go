package memory

import (
	"cmp"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// record carries out one structure change with what the ledger says of it.
func (d *Data) record(c *ledger.Contents, migration string, x providers.DDL, o Options) error {
	forget := func(kind string, n catalog.Name) {
		c.Made = slices.DeleteFunc(c.Made, func(m ledger.Object) bool { return m.Kind == kind && m.Name == n })
	}
	made := func(kind string, n catalog.Name, id string) {
		c.Made = append(c.Made, ledger.Object{Migration: migration, Kind: kind, Name: n, ID: id})
		slices.SortFunc(c.Made, func(a, b ledger.Object) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name)) })
	}
	switch x := x.(type) {
	case providers.Record:
		apply(c, x.Change)
		return nil
	case providers.CreateTable:
		there := d.Tables[x.Table.Name] != nil
		if err := d.alter(x, o); err != nil || there {
			return err
		}
		made(ledger.KindTable, x.Table.Name, d.Tables[x.Table.Name].id)
		return nil
	case providers.CreateSequence:
		if d.sequence(x.Sequence.Name) == nil {
			made(ledger.KindSequence, x.Sequence.Name, "")
		}
	case providers.DropTable:
		forget(ledger.KindTable, x.Table)
	case providers.Drop:
		forget(x.Object.Kind, x.Object.Name)
		return d.dropMade(x.Object)
	case providers.DropLedger:
		*c = ledger.Contents{}
		return nil
	}
	return d.alter(x, o)
}

// dropMade drops an object that is still the one that was made.
func (d *Data) dropMade(o ledger.Object) error {
	if o.Kind == ledger.KindSequence {
		d.Sequences = slices.DeleteFunc(slices.Clone(d.Sequences), func(q catalog.Sequence) bool { return q.Name == o.Name })
		return nil
	}
	if t := d.Tables[o.Name]; t != nil && t.id != o.ID {
		return of(o.Name, fail(providers.Exists, "drop", "the table is another one than dmoctl made"))
	}
	return d.dropAlone(o.Name, Options{})
}

// dropAlone drops a table that nothing hangs on.
func (d *Data) dropAlone(n catalog.Name, o Options) error {
	h := d.hanging(n)
	if o.InlineKeys {
		h = slices.DeleteFunc(h, func(x catalog.Dependent) bool { return x.Kind == "foreign key" })
	}
	if d.Tables[n] != nil && len(h) > 0 {
		return of(n, fail(providers.InUse, "drop", "%s depends on it", h[0]))
	}
	d.Drop(n)
	return nil
}
