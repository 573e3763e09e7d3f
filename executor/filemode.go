package executor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/journal"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/providers"
)

// Values of plan.Transfer.Retain.
const (
	retainImported = "until_imported" // the default
	retainVerified = "until_verified"
	retainAlways   = "always"
)

// fileMode moves packages through a staging: an exporter writes export files and
// then the manifest that makes them exist, an importer loads what manifests name.
// It is safe for concurrent use.
type fileMode struct {
	run     *run
	staging providers.Staging
	codec   *exportfile.Codec
	journal *journal.Writer

	mu        sync.Mutex
	manifests map[string]exported     // by package id, those that count
	begun     map[catalog.Name]string // epoch in which the journal has a table begun
	freed     chan struct{}           // closed and renewed when objects are removed
	holding   int                     // transfers that may have objects in the staging
}

// exported is one package as a manifest has it.
type exported struct {
	exportfile.Package
	owner   int64
	attempt string
	objects *objects
}

// objects are those of one attempt. They go once all of its packages are in.
type objects struct {
	names []string
	left  map[string]bool // ids of packages that still need them
}

// openFiles opens the staging's journal in file mode.
func (r *run) openFiles(ctx context.Context) error {
	if r.p.Mode != "file" {
		return nil
	}
	if r.d.Staging == nil {
		return errors.New("the plan is for file mode, and no staging is open")
	}
	codec, err := exportfile.NewCodec(exportfile.Options{
		Level: r.p.Transfer.Compression, Workers: frameWorkers(r.p.Processes), Wide: r.p.Processes.BatchBytes,
	})
	if err != nil {
		return fmt.Errorf("open export files: %w", err)
	}
	f := &fileMode{run: r, staging: r.d.Staging, codec: codec,
		manifests: make(map[string]exported), begun: make(map[catalog.Name]string), freed: make(chan struct{})}
	if err := f.take(ctx); err != nil {
		codec.Close()
		return fmt.Errorf("open the staging's journal: %w", err)
	}
	r.files = f
	return nil
}

// frameWorkers is how many frames are compressed at once. Each holds a batch, its message and
// its frame: three for each process stay within what the budget sets aside for a process's batches.
func frameWorkers(p plan.Processes) int {
	return min(runtime.GOMAXPROCS(0), (reading.Depth+1)*max(1, p.Downtime))
}

// take takes the journal over, with what has been exported already.
func (f *fileMode) take(ctx context.Context) error {
	var had *journal.Contents
	p := f.run.p
	owner := journal.Owner{By: f.run.d.Owner, For: journal.HandOver{
		Migration: p.Migration, Source: p.Source.Identity, Target: p.Target.Identity, Lineage: f.run.led.Lineage,
	}}
	err := f.run.ctl.Retry(ctx, "open the journal", func(ctx context.Context) (err error) {
		f.journal, had, err = journal.Take(ctx, f.staging, journal.Source, owner)
		return err
	})
	if err != nil {
		return err
	}
	f.takeOver(had)
	if err := f.clean(ctx); err != nil {
		return err
	}
	if had.Plan != nil && had.Plan.ID == p.ID {
		return nil
	}
	record := &journal.Plan{ID: p.ID, Spec: plan.Binding(p)}
	for _, t := range f.run.set.Order {
		for _, k := range t.Plan.Packages {
			record.Packages = append(record.Packages, journal.Planned{ID: k.ID, Table: t.Plan.Source.Name, Generation: k.Generation})
		}
	}
	return f.append(ctx, journal.Record{Plan: record})
}

// takeOver adopts the manifests that still count, attempt by attempt: those of the epoch and
// the generation that the ledger and the plan have.
func (f *fileMode) takeOver(had *journal.Contents) {
	for name, b := range had.Begun {
		f.begun[name] = b.Epoch
	}
	attempts := make(map[string]*exportfile.Manifest)
	for _, e := range had.Packages {
		u := f.run.set.Packages[e.ID]
		if u != nil && (u.Table.Row.Snapshot != e.Epoch || u.Package.Generation != e.Generation) {
			continue // a plan that leaves the table out says nothing against it
		}
		id := fmt.Sprintf("%d/%s", e.Owner, e.Attempt)
		m := attempts[id]
		if m == nil {
			m = &exportfile.Manifest{Owner: e.Owner, Attempt: e.Attempt}
			attempts[id] = m
		}
		m.Packages = append(m.Packages, e.Package)
	}
	for _, m := range attempts {
		f.adopt(*m)
	}
}

// clean removes objects that nobody needs: those of attempts that no manifest names,
// and of packages that are in. Whoever wrote them has lost the journal.
func (f *fileMode) clean(ctx context.Context) error {
	f.mu.Lock()
	for id, m := range f.manifests {
		if u := f.run.set.Packages[id]; u != nil && u.Table.Has(u.Package) && f.run.p.Transfer.Retain != retainAlways {
			delete(f.manifests, id)
			m.objects.drop(id)
		}
	}
	needed := make(map[string]bool)
	for _, m := range f.manifests {
		for _, name := range m.objects.names {
			needed[name] = true
		}
	}
	f.mu.Unlock()
	if f.run.p.Transfer.Retain == retainAlways {
		return nil
	}
	names, err := f.data(ctx)
	if err != nil {
		return err
	}
	return f.remove(ctx, slices.DeleteFunc(names, func(name string) bool { return needed[name] }))
}

// data lists the data objects that may be removed: those of this owner and older ones.
// What a newer owner writes is its own, and a name of another form somebody else's.
func (f *fileMode) data(ctx context.Context) ([]string, error) {
	var names []string
	for o, err := range f.staging.List(ctx, "data/") {
		if err != nil {
			return nil, fmt.Errorf("list the staging: %w", err)
		}
		if owner, _, ours := exportfile.ParseObjectName(o.Name); ours && owner <= f.journal.Owner() {
			names = append(names, o.Name)
		}
	}
	return names, nil
}

// append writes records into the journal as one entry.
func (f *fileMode) append(ctx context.Context, records ...journal.Record) error {
	if len(records) == 0 {
		return nil
	}
	return f.run.ctl.Retry(ctx, "write the journal", func(ctx context.Context) error { return f.journal.Append(ctx, records...) })
}

// transfer exports the packages that no manifest names yet, and imports them all.
// Files that are not what was written are exported once more.
func (f *fileMode) transfer(ctx context.Context, units []*work.Unit) error {
	f.hold(+1)
	defer f.hold(-1)
	for again := false; ; again = true {
		if err := f.export(ctx, units); err != nil {
			return err
		}
		err := f.load(ctx, units)
		if providers.KindOf(err) != providers.Corrupt || again || ctx.Err() != nil {
			return err
		}
		f.run.emitCorrupt(units, err)
		if err := f.void(ctx, units); err != nil {
			return err
		}
	}
}

// usable returns the manifest's package for a unit, where it counts: of the same
// generation and read under the view that the table's packages are read under.
func (f *fileMode) usable(u *work.Unit) (exported, bool) {
	f.run.set.Lock()
	epoch := u.Table.Row.Snapshot
	f.run.set.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.manifests[u.Package.ID]
	return m, ok && m.Generation == u.Package.Generation && m.Epoch == epoch
}

// covers says whether every package of the table that is not in was exported from the
// snapshot that the ledger names: then the table needs the source no more. The
// caller holds run.set.
func (f *fileMode) covers(t *work.Table) bool {
	return f != nil && !ledger.IsQuiet(t.Row.Snapshot) && f.exported(t) == t.Left()
}

// holds says whether a package of the table that is not in was exported in the epoch that the
// ledger names. The caller holds run.set.
func (f *fileMode) holds(t *work.Table) bool { return f != nil && f.exported(t) > 0 }

// exported counts the packages that are not in and whose manifest counts.
func (f *fileMode) exported(t *work.Table) int {
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
func (f *fileMode) void(ctx context.Context, units []*work.Unit) error {
	f.mu.Lock()
	gone := f.forget(units)
	f.mu.Unlock()
	return f.remove(ctx, gone)
}

// forget drops packages and returns the objects that nobody needs any more. The
// caller holds f.mu.
func (f *fileMode) forget(units []*work.Unit) []string {
	var gone []string
	for _, u := range units {
		if m, ok := f.manifests[u.Package.ID]; ok {
			delete(f.manifests, u.Package.ID)
			gone = append(gone, m.objects.drop(u.Package.ID)...)
		}
	}
	return gone
}

// restart voids all manifests of tables that are emptied.
func (f *fileMode) restart(ctx context.Context, tables []*work.Table) error {
	if f == nil {
		return nil
	}
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
		records = append(records, journal.Record{Restart: &journal.Restart{Table: t.Plan.Source.Name, Reason: "the table is emptied and copied again"}})
		gone = append(gone, f.forget(units)...)
	}
	f.mu.Unlock()
	if err := f.append(ctx, records...); err != nil {
		return err
	}
	return f.remove(ctx, gone)
}

// complete records tables that were looked at after their last package.
func (f *fileMode) complete(ctx context.Context, tables []*work.Table) error {
	if f == nil {
		return nil
	}
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

// received removes what only served packages that are in now.
func (f *fileMode) received(ctx context.Context, units []*work.Unit) error {
	if r := f.run.p.Transfer.Retain; r == retainAlways || r == retainVerified {
		return nil
	}
	f.run.ctl.Before(control.PointReceipt)
	f.mu.Lock()
	gone := f.forget(units)
	f.mu.Unlock()
	return f.remove(ctx, gone)
}

// remove removes objects and wakes exporters that wait for room.
func (f *fileMode) remove(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	// Whoever has lost the journal does not know what the present owner needs.
	if err := f.run.ctl.Retry(ctx, "read the journal", f.journal.Hold); err != nil {
		return err
	}
	for _, name := range names {
		err := f.run.ctl.Retry(ctx, "remove "+name, func(ctx context.Context) error { return f.staging.Remove(ctx, name) })
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

// finish ends the export: everything of the plan is in and verified.
func (f *fileMode) finish(ctx context.Context) error {
	if err := f.append(ctx, journal.Record{Done: &journal.Done{Plan: f.run.p.ID}}); err != nil {
		return err
	}
	if f.run.p.Transfer.Retain == retainAlways {
		return nil
	}
	names, err := f.data(ctx)
	if err != nil {
		return err
	}
	return f.remove(ctx, names)
}

func (f *fileMode) close() {
	if f != nil {
		f.codec.Close()
	}
}
