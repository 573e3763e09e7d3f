package transfer

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

// store is what a staging holds of a plan's packages: export files, and the manifests in the
// journal that make them exist. Exporter and importer meet in it. It is safe for concurrent use.
type store struct {
	ctl     *control.Control
	plan    *plan.Plan
	owner   ledger.Owner
	set     *work.Set
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

// objects are those of one attempt. They go once all of its packages are loaded.
type objects struct {
	names []string
	left  map[string]bool // ids of packages that still need them
}

// openStore takes the staging's journal over. The caller closes the store's codec.
func openStore(ctx context.Context, r Room, staging providers.Staging, lineage string) (*store, error) {
	if staging == nil {
		return nil, errors.New("the plan uses file mode, but no staging is open")
	}
	codec, err := exportfile.NewCodec(exportfile.Options{
		Level: string(r.Plan.Transfer.Compression), Workers: frameWorkers(r.Plan.Processes), Wide: r.Plan.Processes.BatchBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("open export files: %w", err)
	}
	f := &store{
		ctl: r.Control, plan: r.Plan, owner: r.Owner, set: r.Set, staging: staging, codec: codec,
		manifests: make(map[string]exported), begun: make(map[catalog.Name]string), freed: make(chan struct{}),
	}
	if err := f.take(ctx, lineage); err != nil {
		codec.Close()
		return nil, fmt.Errorf("open the staging's journal: %w", err)
	}
	return f, nil
}

// frameWorkers is how many frames are compressed at once. Each holds a batch, its message and
// its frame: three for each process stay within what the budget sets aside for a process's batches.
func frameWorkers(p plan.Processes) int {
	return min(runtime.GOMAXPROCS(0), (reading.Depth+1)*max(1, p.Downtime))
}

// take takes the journal over, with what has been exported already.
func (f *store) take(ctx context.Context, lineage string) error {
	var had *journal.Contents
	p := f.plan
	owner := journal.Owner{By: f.owner, For: journal.HandOver{
		Migration: p.Migration, Source: p.Source.Identity, Target: p.Target.Identity, Lineage: lineage,
	}}
	err := f.ctl.Retry(ctx, "open the journal", func(ctx context.Context) (err error) {
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
	for _, t := range f.set.Order {
		for _, k := range t.Plan.Packages {
			record.Packages = append(record.Packages, journal.Planned{
				ID: k.ID, Table: t.Plan.Source.Name, Generation: k.Generation,
			})
		}
	}
	return f.append(ctx, journal.Record{Plan: record})
}

// takeOver adopts the manifests that still count, attempt by attempt: those of the epoch and
// the generation that the ledger and the plan have.
func (f *store) takeOver(had *journal.Contents) {
	for name, b := range had.Begun {
		f.begun[name] = b.Epoch
	}
	attempts := make(map[string]*exportfile.Manifest)
	for _, e := range had.Packages {
		u := f.set.Packages[e.ID]
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
// and of packages that are loaded. Whoever wrote them has lost the journal.
func (f *store) clean(ctx context.Context) error {
	f.mu.Lock()
	for id, m := range f.manifests {
		if u := f.set.Packages[id]; u != nil && u.Table.Has(u.Package) && f.plan.Transfer.Retain != plan.RetainAlways {
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
	if f.plan.Transfer.Retain == plan.RetainAlways {
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
func (f *store) data(ctx context.Context) ([]string, error) {
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
func (f *store) append(ctx context.Context, records ...journal.Record) error {
	if len(records) == 0 {
		return nil
	}
	return f.ctl.Retry(ctx, "write the journal", func(ctx context.Context) error {
		return f.journal.Append(ctx, records...)
	})
}
