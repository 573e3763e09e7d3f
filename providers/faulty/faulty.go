// Package faulty wraps a provider and makes chosen calls fail, for tests of what stands above it.
//
// A test makes an Injector from Faults, wraps a Driver, Database, Target or Staging
// with it, and drives its engine. Every call of the contract has an Op; calls are
// counted over all objects that one Injector wraps.
package faulty

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dmoctl/dmoctl/providers"
)

// Op names one method of the contract.
type Op string

// Operations of sources and targets.
const (
	Open      Op = "open" // any Open func of a Driver
	Catalog   Op = "catalog"
	Split     Op = "split"
	Snapshot  Op = "snapshot"
	Identity  Op = "identity"
	Preflight Op = "preflight"
	View      Op = "view"    // Snapshot.Begin
	Read      Op = "read"    // View.Read
	Count     Op = "count"   // View.Count and View.Compare
	Confirm   Op = "confirm" // View.Confirm
	Next      Op = "next"    // Reader.Next
)

// Operations of targets.
const (
	Ledger   Op = "ledger"
	Lock     Op = "lock"
	Unlock   Op = "unlock"
	Recall   Op = "recall" // Session.Read
	Record   Op = "record"
	Alter    Op = "alter"
	Reload   Op = "reload"
	Begin    Op = "begin" // Session.Begin
	Claim    Op = "claim"
	Writer   Op = "writer" // Tx.Writer
	Write    Op = "write"
	Finish   Op = "finish"
	Commit   Op = "commit"
	Rollback Op = "rollback"
)

// Operations of stagings.
const (
	Create Op = "create"
	Put    Op = "put"  // ObjectWriter.Write
	Seal   Op = "seal" // ObjectWriter.Commit
	Get    Op = "get"  // Staging.Open
	List   Op = "list"
	Remove Op = "remove"
)

// Fault is what happens to some calls of one operation.
type Fault struct {
	Op Op
	// Nth is the call that is meant, from 1; 0 is every call.
	Nth int
	// Times is for how many calls from Nth on; 0 is one. It says nothing with Nth 0.
	Times int
	// Delay comes before the call and ends early with its context.
	Delay time.Duration
	// Hang lets the call wait until its context ends, which is its error then.
	Hang bool
	// Kind makes the call fail; "" does not. Err is what the error wraps, nil is a plain one.
	Kind providers.Kind
	Err  error
	// After carries the call out first and loses its answer. The call's own error wins.
	After bool
}

func (f Fault) meets(call int) bool {
	return f.Nth == 0 || call >= f.Nth && call < f.Nth+max(f.Times, 1)
}

// Injector counts calls and injects faults. It is safe for concurrent use.
type Injector struct {
	faults []Fault
	mu     sync.Mutex
	calls  map[Op]int
}

// New makes an Injector. Where several faults meet one call, the first decides.
func New(faults ...Fault) *Injector {
	return &Injector{faults: faults, calls: make(map[Op]int)}
}

// Calls returns how often an operation was called, failed calls included.
func (i *Injector) Calls(op Op) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls[op]
}

// find counts a call and returns the fault that meets it.
func (i *Injector) find(op Op) (Fault, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls[op]++
	for _, f := range i.faults {
		if f.Op == op && f.meets(i.calls[op]) {
			return f, true
		}
	}
	return Fault{}, false
}

// call carries out a call with what meets it.
func (i *Injector) call(ctx context.Context, op Op, do func() error) error {
	f, found := i.find(op)
	if !found {
		return do()
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", op, context.Cause(ctx))
		}
	}
	if f.Hang {
		<-ctx.Done()
		return fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	if f.Kind == "" {
		return do()
	}
	if f.After {
		if err := do(); err != nil {
			return err
		}
	}
	return f.error()
}

func (f Fault) error() error {
	err := f.Err
	if err == nil {
		err = errors.New("injected fault")
	}
	return &providers.Error{Kind: f.Kind, Op: string(f.Op), Err: err}
}
