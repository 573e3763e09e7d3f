package state

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Rebuild records what a migration's ledger says, so that plans and reports know
// it again after the state was lost. It adds one run, named after the ledger's
// last owner; runs that the state still has stay.
func (s *Store) Rebuild(ctx context.Context, c *ledger.Contents) (*report.Report, error) {
	r := FromLedger(c)
	if r == nil {
		return nil, nil
	}
	if err := s.RecordRun(ctx, r); err != nil {
		return nil, err
	}
	byRun := make([]Package, 0, len(c.Loaded))
	for _, l := range c.Loaded {
		byRun = append(byRun, Package{ID: l.ID, Source: l.Source.String(), Rows: l.Rows, Bytes: l.Bytes, Seconds: l.Seconds})
	}
	if err := s.RecordPackages(ctx, r.Run, byRun); err != nil {
		return nil, err
	}
	return r, nil
}

// FromLedger returns what a ledger tells of its migration, nil where it is empty.
// What was verified is not in the ledger, so every table is "not verified".
func FromLedger(c *ledger.Contents) *report.Report {
	if c == nil || c.Run == nil {
		return nil
	}
	r := &report.Report{
		Format: report.Format, Migration: c.Run.Migration, Lineage: c.Run.Lineage, Serial: c.Run.Serial,
		Plan: c.Run.Plan, Run: c.Run.Owner.ID, Started: c.Run.Owner.Started, Rebuilt: true,
	}
	tables := make(map[string]*report.Table, len(c.Tables))
	r.Tables = make([]report.Table, len(c.Tables))
	for i, t := range c.Tables {
		r.Tables[i] = report.Table{Table: t.Source.String(), Target: t.Target.String(), Result: report.NotVerified}
		tables[t.Source.String()] = &r.Tables[i]
	}
	for _, p := range c.Packages {
		if t := tables[p.Source.String()]; t != nil {
			t.Packages++
		}
	}
	for _, l := range c.Loaded {
		t := tables[l.Source.String()]
		if t == nil {
			continue
		}
		t.In++
		t.Rows += l.Rows
		t.Bytes += l.Bytes
		t.Seconds += l.Seconds
		if t.ReadAt.IsZero() || l.ReadAt.Before(t.ReadAt) {
			t.ReadAt = l.ReadAt
		}
		r.Totals.PackagesIn++
		r.Totals.Rows += l.Rows
		r.Totals.Bytes += l.Bytes
		if l.ReadAt.After(r.Ended) {
			r.Ended = l.ReadAt
		}
	}
	r.Totals.PackagesPlanned = len(c.Packages)
	r.Totals.Packages = r.Totals.PackagesIn
	if r.Ended.Before(r.Started) {
		r.Ended = r.Started // the last run read nothing
	}
	return r
}

// SetAside renames a damaged state file, so that a new one can take its place, and
// returns its new name. What SQLite keeps beside it goes along.
func SetAside(path string) (string, error) {
	aside := path + ".damaged"
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("set the damaged state aside: %w", err)
		}
	}
	return aside, nil
}
