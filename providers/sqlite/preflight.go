package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Preflight of a source says what a snapshot costs its writers.
func (d *database) Preflight(ctx context.Context, _ []*catalog.Table) ([]providers.Finding, error) {
	if !d.snapshots {
		return nil, nil
	}
	mode := ""
	err := d.with(ctx, "preflight", func(c *conn) error {
		return c.rows(ctx, func(s *sqlite.Stmt) error { mode = s.ColumnText(0); return nil }, "PRAGMA journal_mode")
	})
	if err != nil {
		return nil, err
	}
	if mode == "wal" {
		return []providers.Finding{{Summary: "The source's write-ahead log grows until the copy ends",
			Detail: "A snapshot keeps the log from being reset: everything that is written to the source in the meantime adds to " + d.path + "-wal."}}, nil
	}
	return []providers.Finding{{Summary: "The source cannot be written to until the copy ends",
		Detail: "A snapshot holds a shared lock, and in journal mode " + mode + " commits wait for it. \"PRAGMA " +
			"journal_mode=WAL\" lets writers continue."}}, nil
}

// Preflight of a target looks for triggers, which would fire while rows are loaded,
// for room, and for a file that cannot be written.
func (d *target) Preflight(ctx context.Context, tables []*catalog.Table) ([]providers.Finding, error) {
	out, err := d.room(tables)
	if err != nil || d.missing() {
		return out, err
	}
	wanted := make(map[string]bool)
	for _, t := range tables {
		wanted[fold(t.Name.Name)] = true
	}
	err = d.with(ctx, "preflight", func(c *conn) error {
		return c.rows(ctx, func(s *sqlite.Stmt) error {
			if wanted[fold(s.ColumnText(1))] {
				out = append(out, providers.Finding{Stop: true, Summary: "A target table has a trigger",
					Detail: fmt.Sprintf(
						"Trigger %s on %s would fire for every row that is loaded. Drop it, and recreate it after the migration.",
						s.ColumnText(0),
						s.ColumnText(1),
					)})
			}
			return nil
		}, "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
	})
	if err != nil {
		return nil, err
	}
	if err := syscall.Access(d.path, 2); err != nil {
		out = append(out, providers.Finding{Stop: true, Summary: "The target file cannot be written",
			Detail: d.path + " is read-only for this user. Check its permissions."})
	}
	return out, nil
}

// room compares the free space with what the tables hold.
func (d *target) room(tables []*catalog.Table) ([]providers.Finding, error) {
	need := int64(0)
	for _, t := range tables {
		need += max(t.Bytes, 0)
	}
	if file, err := os.Stat(d.path); err == nil {
		need -= file.Size() // what is in already
	}
	var st syscall.Statfs_t
	directory := filepath.Dir(d.path)
	if err := syscall.Statfs(directory, &st); err != nil {
		return nil, &providers.Error{Kind: providers.NotFound, Op: "preflight", Err: fmt.Errorf("check directory %s: %w", directory, err)}
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // its width depends on the platform
	if need <= free {
		return nil, nil
	}
	return []providers.Finding{{Stop: true, Summary: "The target's file system has too little free space",
		Detail: fmt.Sprintf("%s has %s free, the tables hold about %s.", directory, schema.ShowSize(free), schema.ShowSize(need))}}, nil
}
