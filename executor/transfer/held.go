package transfer

import (
	"context"
	"time"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/journal"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// usable returns the manifest's package for a unit, where it counts: of the same
// generation and read under the view that the table's packages are read under.
func (f *store) usable(u *work.Unit) (exported, bool) {
	f.set.Lock()
	epoch := u.Table.Row.Snapshot
	f.set.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.manifests[u.Package.ID]
	return m, ok && m.Generation == u.Package.Generation && m.Epoch == epoch
}

// Covers implements Store.
func (f *store) Covers(t *work.Table) int {
	if t.Row.Snapshot == "" {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, k := range t.Plan.Packages {
		m, ok := f.manifests[k.ID]
		if ok && !t.Has(k) && m.Generation == k.Generation && m.Epoch == t.Row.Snapshot {
			n++
		}
	}
	return n
}

// void forgets packages whose files are not what was written. The next manifest
// that names them is the one that counts.
func (f *store) void(ctx context.Context, units []*work.Unit) error {
	f.mu.Lock()
	gone := f.forget(units)
	f.mu.Unlock()
	return f.remove(ctx, gone)
}

// forget drops packages and returns the objects that nobody needs any more. The
// caller holds f.mu.
func (f *store) forget(units []*work.Unit) []string {
	var gone []string
	for _, u := range units {
		if m, ok := f.manifests[u.Package.ID]; ok {
			delete(f.manifests, u.Package.ID)
			gone = append(gone, m.objects.drop(u.Package.ID)...)
		}
	}
	return gone
}

// Restart voids all manifests of tables that are emptied.
func (f *store) Restart(ctx context.Context, tables []*work.Table) error {
	var records []journal.Record
	var gone []string
	f.mu.Lock()
	for _, t := range tables {
		delete(f.begun, t.Plan.Source.Name)
		var units []*work.Unit
		for _, k := range t.Plan.Packages {
			if _, ok := f.manifests[k.ID]; ok {
				units = append(units, &work.Unit{Table: t, Package: k})
			}
		}
		if len(units) == 0 {
			continue
		}
		records = append(records, journal.Record{
			Restart: &journal.Restart{Table: t.Plan.Source.Name, Reason: "the table is emptied and copied again"},
		})
		gone = append(gone, f.forget(units)...)
	}
	f.mu.Unlock()
	if err := f.append(ctx, records...); err != nil {
		return err
	}
	return f.remove(ctx, gone)
}

// Complete records tables that were looked at after their last package.
func (f *store) Complete(ctx context.Context, tables []*work.Table) error {
	records := make([]journal.Record, len(tables))
	for i, t := range tables {
		records[i].Table = f.entry(t)
	}
	return f.append(ctx, records...)
}

// drop takes a package off the objects and returns those that nobody needs any more.
func (o *objects) drop(id string) []string {
	delete(o.left, id)
	if len(o.left) > 0 {
		return nil
	}
	return o.names
}

// received removes what only served packages that are loaded now.
func (f *store) received(ctx context.Context, units []*work.Unit) error {
	if r := f.plan.Transfer.Retain; r == plan.RetainAlways || r == plan.RetainVerified {
		return nil
	}
	f.ctl.Before(control.PointReceipt)
	f.mu.Lock()
	gone := f.forget(units)
	f.mu.Unlock()
	return f.remove(ctx, gone)
}

// remove removes objects and wakes exporters that wait for room.
func (f *store) remove(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	// Whoever has lost the journal does not know what the present owner needs.
	if err := f.ctl.Retry(ctx, "read the journal", f.journal.Hold); err != nil {
		return err
	}
	for _, name := range names {
		err := f.ctl.Retry(ctx, "remove "+name, func(ctx context.Context) error { return f.staging.Remove(ctx, name) })
		if err != nil {
			return err
		}
	}
	f.mu.Lock()
	close(f.freed)
	f.freed = make(chan struct{})
	f.mu.Unlock()
	return nil
}

// Finish ends the export: everything of the plan is in and verified.
func (f *store) Finish(ctx context.Context) error {
	if err := f.append(ctx, journal.Record{Done: &journal.Done{Plan: f.plan.ID}}); err != nil {
		return err
	}
	if f.plan.Transfer.Retain == plan.RetainAlways {
		return nil
	}
	names, err := f.data(ctx)
	if err != nil {
		return err
	}
	return f.remove(ctx, names)
}

// Enter records the epoch in the journal.
func (f *store) Enter(ctx context.Context, g *work.Group) error {
	return f.append(ctx, journal.Record{Epoch: &journal.Epoch{
		ID: g.Epoch(), Quiet: f.plan.Quiet, Snapshot: g.SnapshotID(), At: g.Time(),
	}})
}

// beginnings are the records of tables that the journal does not have begun in their epoch.
func (f *store) beginnings(units []*work.Unit) []journal.Record {
	f.set.Lock()
	defer f.set.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []journal.Record
	for _, t := range work.TablesOf(units) {
		if f.begun[t.Plan.Source.Name] != t.Row.Snapshot {
			out = append(out, journal.Record{Begun: f.entry(t)})
		}
	}
	return out
}

// entry is what the journal says of a table. The caller holds run.set.
func (f *store) entry(t *work.Table) *journal.Table {
	return &journal.Table{
		Table: t.Plan.Source.Name, Epoch: t.Row.Snapshot, Structure: t.Row.Structure, File: t.Row.File,
		Count: t.Row.Count, Changes: t.Row.Changes,
	}
}

// hold counts transfers that may have objects in the staging.
func (f *store) hold(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding += n
}

// awaitRoom waits until objects are removed. It returns false where nobody will remove any.
func (f *store) awaitRoom(ctx context.Context) bool {
	f.mu.Lock()
	freed, holding := f.freed, f.holding
	f.mu.Unlock()
	if holding == 0 || f.plan.Transfer.Retain == plan.RetainAlways || f.plan.Transfer.Retain == plan.RetainVerified {
		return false
	}
	select {
	case <-freed:
		return true
	case <-time.After(10 * time.Second):
		return true
	case <-ctx.Done():
		return false
	case <-f.ctl.Stop:
		return false
	}
}

// adopt takes over what a manifest makes exist.
func (f *store) adopt(m exportfile.Manifest) {
	o := &objects{left: make(map[string]bool)}
	seen := make(map[string]bool)
	for _, p := range m.Packages {
		o.left[p.ID] = true
		for _, file := range p.Files {
			if !seen[file.Object] {
				seen[file.Object] = true
				o.names = append(o.names, file.Object)
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range m.Packages {
		f.manifests[p.ID] = exported{Package: p, owner: m.Owner, attempt: m.Attempt, objects: o}
		f.begun[p.Table] = p.Epoch
	}
}
