package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// migration is what dmoctl is asked to do in one run.
type migration struct {
	source, target string // bodies of the two blocks
	engine         string // of both
	mode           string // "pipe" or "file"
	verify         string
	parts          int // packages a table; 0 leaves it to dmoctl
}

func (c *cluster) block(database string) string {
	return fmt.Sprintf("  host     = \"127.0.0.1\"\n  port     = %d\n  database = %q\n  user     = \"postgres\"\n  sslmode  = \"disable\"\n", c.port, database)
}

// write makes a spec directory that has no history, and an empty staging.
func (m migration) write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "source %q \"a\" {\n%s}\n\ntarget %q \"b\" {\n%s}\n\n", m.engine, m.source, m.engine, m.target)
	transfer := "  transfer \"pipe\" {}\n"
	if m.mode == "file" {
		fmt.Fprintf(&b, "staging \"local\" \"files\" {\n  path   = %q\n  retain = \"always\"\n}\n\n", stagingDir(dir))
		transfer = "  transfer \"file\" {\n    via         = staging.local.files\n    compression = \"fastest\"\n  }\n"
	}
	fmt.Fprintf(&b, "migration \"bench\" {\n  source = source.%s.a\n  target = target.%s.b\n\n%s", m.engine, m.engine, transfer)
	if m.parts > 0 {
		fmt.Fprintf(&b, "  table_group \"all\" {\n    tables = [\"*\"]\n    split { parts = %d }\n  }\n", m.parts)
	}
	fmt.Fprintf(&b, "  processes { downtime = 2 }\n  verify { default = %q }\n}\n", m.verify)
	return os.WriteFile(filepath.Join(dir, "bench.dmo.hcl"), []byte(b.String()), 0o644)
}

// stagingDir is where a spec directory's export files go.
func stagingDir(dir string) string { return filepath.Join(dir, "staging") }

// dmoctlContender applies m from a spec directory of its own, after setup.
func (b *bench) dmoctlContender(name string, m migration, setup, check func(context.Context) error) contender {
	dir := b.specDir(name)
	return contender{
		name: name,
		setup: func(ctx context.Context) error {
			if err := m.write(dir); err != nil {
				return err
			}
			return setup(ctx)
		},
		run: func(ctx context.Context) (outcome, error) {
			o, err := measure(ctx, exec.Command(b.dmoctl, "--chdir", dir, "apply", "--auto-approve"), true)
			if err == nil {
				o.audit, err = auditSeconds(dir)
			}
			return o, err
		},
		check: check,
	}
}

// auditSeconds reads the time of the audit from the report that the run has left.
func auditSeconds(dir string) (float64, error) {
	names, err := filepath.Glob(filepath.Join(dir, ".dmo", "report-*.json"))
	if err != nil || len(names) != 1 {
		return 0, fmt.Errorf("%d reports of one run in %s", len(names), dir)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return 0, err
	}
	var r struct {
		Phases []struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"phases"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return 0, fmt.Errorf("read %s: %w", names[0], err)
	}
	for _, p := range r.Phases {
		if p.Name == "audit" {
			return p.Seconds, nil
		}
	}
	return 0, fmt.Errorf("%s has no audit", names[0])
}

func (b *bench) specDir(name string) string {
	return filepath.Join(b.dir, "spec", strings.ReplaceAll(name, " ", "-"))
}
