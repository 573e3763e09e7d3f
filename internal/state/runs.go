package state

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

// Package is what one package took in one run.
type Package struct {
	ID      string
	Source  string // table
	Rows    int64
	Bytes   int64
	Seconds float64
}

// Command is one line of the audit: who ran what. Words hold no secret: dmoctl
// takes none on its command line.
type Command struct {
	At    time.Time `json:"at"`
	User  string    `json:"user"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Words string    `json:"words"`
}

// Progress is where a run stood a moment ago.
type Progress struct {
	Run    string        `json:"run"`
	At     time.Time     `json:"at"`
	Totals report.Totals `json:"totals"`
	Phases []PhaseTotals `json:"phases,omitempty"`
	// Emptied is set where a rollback has emptied the target since the last apply; all
	// other counts are zero then.
	Emptied *Emptied `json:"emptied,omitempty"`
}

// Emptied is a rollback that emptied the target.
type Emptied struct {
	By     ledger.Owner `json:"by"`
	Tables int          `json:"tables"` // dropped or emptied
}

// PhaseTotals is one phase's steps.
type PhaseTotals struct {
	Phase   plan.Phase `json:"phase"`
	Done    int        `json:"done"`
	Running int        `json:"running"`
	Failed  int        `json:"failed,omitempty"` // or interrupted
	Planned int        `json:"planned"`
}

// RecordPackages writes what packages took, after the target's commit only.
func (s *Store) RecordPackages(ctx context.Context, run string, packages []Package) error {
	for some := range slices.Chunk(packages, listItems) {
		if err := s.recordPackages(ctx, run, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) recordPackages(ctx context.Context, run string, packages []Package) error {
	text, err := json.Marshal(packages)
	if err != nil {
		return fmt.Errorf("record packages: %w", err)
	}
	err = s.execute(ctx, `INSERT INTO package (run, id, source, rows, bytes, seconds)
		SELECT ?1, value->>'ID', value->>'Source', value->>'Rows', value->>'Bytes', value->>'Seconds' FROM json_each(?2) WHERE true
		ON CONFLICT DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes, seconds = excluded.seconds`,
		[]any{run, string(text)}, nil)
	if err != nil {
		return fmt.Errorf("record packages: %w", err)
	}
	return nil
}

// RecordProgress replaces the migration's progress.
func (s *Store) RecordProgress(ctx context.Context, migration string, p Progress) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("record progress: %w", err)
	}
	err = s.execute(ctx, `INSERT INTO progress (migration, run, at, progress) VALUES (?,?,?,?)
		ON CONFLICT (migration) DO UPDATE SET run = excluded.run, at = excluded.at, progress = excluded.progress`,
		[]any{migration, p.Run, stamp(p.At), string(text)}, nil)
	if err != nil {
		return fmt.Errorf("record progress: %w", err)
	}
	return nil
}

// RecordCommand adds a line to the audit.
func (s *Store) RecordCommand(ctx context.Context, c Command) error {
	err := s.execute(ctx, `INSERT INTO command (at, user, host, pid, words) VALUES (?,?,?,?,?)`,
		[]any{stamp(c.At), c.User, c.Host, c.PID, c.Words}, nil)
	if err != nil {
		return fmt.Errorf("record command: %w", err)
	}
	return nil
}

// Progress returns the migration's last progress, nil where no run of it was recorded.
func (s *Store) Progress(ctx context.Context, migration string) (*Progress, error) {
	var out *Progress
	err := s.execute(ctx, `SELECT progress FROM progress WHERE migration = ?`, []any{migration}, func(stmt *sqlite.Stmt) error {
		out = new(Progress)
		return json.Unmarshal([]byte(stmt.ColumnText(0)), out)
	})
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	return out, nil
}

// Packages returns what the packages of a run took, by id.
func (s *Store) Packages(ctx context.Context, run string) ([]Package, error) {
	var out []Package
	err := s.execute(ctx, `SELECT id, source, rows, bytes, seconds FROM package WHERE run = ? ORDER BY id`, []any{run},
		func(stmt *sqlite.Stmt) error {
			out = append(out, Package{
				ID: stmt.ColumnText(0), Source: stmt.ColumnText(1), Rows: stmt.ColumnInt64(2),
				Bytes: stmt.ColumnInt64(3), Seconds: stmt.ColumnFloat(4),
			})
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read packages: %w", err)
	}
	return out, nil
}

// Commands returns the newest lines of the audit, newest first.
func (s *Store) Commands(ctx context.Context, limit int) ([]Command, error) {
	var out []Command
	err := s.execute(ctx, `SELECT at, user, host, pid, words FROM command ORDER BY id DESC LIMIT ?`, []any{limit},
		func(stmt *sqlite.Stmt) error {
			out = append(out, Command{
				At: unstamp(stmt.ColumnText(0)), User: stmt.ColumnText(1), Host: stmt.ColumnText(2),
				PID: stmt.ColumnInt(3), Words: stmt.ColumnText(4),
			})
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read commands: %w", err)
	}
	return out, nil
}
