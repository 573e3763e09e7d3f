package lang

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// testDrivers are two databases and a staging that only have arguments.
func testDrivers() []providers.Driver {
	database := func(context.Context, schema.Values, providers.Env) (providers.Database, error) { return nil, nil }
	target := func(context.Context, schema.Values, providers.Env) (providers.Target, error) { return nil, nil }
	staging := func(context.Context, schema.Values, providers.Env) (providers.Staging, error) { return nil, nil }
	server := schema.Block{Attrs: []schema.Attr{
		{Name: "host", Kind: schema.String, Required: true, Connection: true, Example: "db01", Doc: "Server."},
		{Name: "port", Kind: schema.Int, Default: "5432", Min: 1, Max: 65535, Connection: true, Doc: "Port."},
		{Name: "schema", Kind: schema.String, Default: "public", Doc: "Schema."},
		{Name: "user", Kind: schema.String, Connection: true, Doc: "User."},
		{Name: "password", Kind: schema.String, Sensitive: true, Connection: true, Doc: "Password."},
		{Name: "timeout", Kind: schema.Duration, Default: "30s", Connection: true, Doc: "Patience."},
		{Name: "tls", Kind: schema.Bool, Default: "true", Connection: true, Doc: "Encrypt."},
	}}
	file := schema.Block{Attrs: []schema.Attr{
		{Name: "path", Kind: schema.String, Required: true, Connection: true, Example: "old.db", Doc: "File."},
	}}
	return []providers.Driver{
		{Type: "postgres", Doc: "PostgreSQL.", Source: server, Target: server, OpenSource: database, OpenTarget: target},
		{Type: "sqlite", Doc: "SQLite.", Source: file, Target: file, OpenSource: database, OpenTarget: target},
		{Type: "local", Doc: "Directory.", Staging: file, OpenStaging: staging},
	}
}

// directory writes files and changes into their directory, so that messages name them shortly.
func directory(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func text(ds diag.Diagnostics) string {
	var b strings.Builder
	if err := diag.WriteText(&b, ds, diag.TextOptions{}); err != nil {
		panic(err)
	}
	return b.String()
}

// valid is a spec without a mistake; tests add theirs.
const valid = `source "postgres" "erp" {
  host     = "db01"
  password = env("DMO_SOURCE_PASSWORD")
}
target "sqlite" "copy" {
  path = "new.db"
}
migration "erp" {
  source = source.postgres.erp
  target = target.sqlite.copy
}
`

// inMigration puts lines into the migration of valid; the first of them is line 11.
func inMigration(lines string) string {
	head, _ := strings.CutSuffix(valid, "}\n")
	return head + lines + "\n}\n"
}

// mustLoad loads the current directory, which holds no mistake.
func mustLoad(t *testing.T, opts Options) *desired.Spec {
	t.Helper()
	opts.Drivers = testDrivers()
	spec, _, ds := Load(".", opts)
	if len(ds) > 0 {
		t.Fatalf("diagnostics:\n%s", text(ds))
	}
	return spec
}

// refused is what a test wants to be told: an ID, a place and part of the detail.
type refused struct{ id, at, says string }

// checkRefused compares diagnostics with what is wanted, in order and completely.
func checkRefused(t *testing.T, ds diag.Diagnostics, want []refused) {
	t.Helper()
	ok := len(ds) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = string(ds[i].ID) == want[i].id && span(ds[i].Subject) == want[i].at && strings.Contains(ds[i].Detail, want[i].says)
	}
	if !ok {
		for _, d := range ds {
			t.Logf("got {%q, %q, %q}", d.ID, span(d.Subject), d.Detail)
		}
		t.Errorf("want %q, got:\n%s", want, text(ds))
	}
}

// span prints file:line:column-column, or -line:column where a range has several lines.
func span(r *hcl.Range) string {
	switch {
	case r == nil:
		return ""
	case r.Start.Line == 0:
		return r.Filename
	case r.Start.Line != r.End.Line:
		return fmt.Sprintf("%s:%d:%d-%d:%d", r.Filename, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
	}
	return fmt.Sprintf("%s:%d:%d-%d", r.Filename, r.Start.Line, r.Start.Column, r.End.Column)
}
