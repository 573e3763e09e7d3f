package lang

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/lang/diag"
	"github.com/dmoctl/dmoctl/providers"
)

// testDrivers are two databases and a staging that only have arguments.
func testDrivers() []providers.Driver {
	database := func(context.Context, schema.Values, providers.Env) (providers.Database, error) { return nil, nil }
	target := func(context.Context, schema.Values, providers.Env) (providers.Target, error) { return nil, nil }
	staging := func(context.Context, schema.Values, providers.Env) (providers.Staging, error) { return nil, nil }
	server := schema.Block{Attrs: []schema.Attr{
		{Name: "host", Kind: schema.String, Required: true, Connection: true, Example: `"db01"`, Doc: "Server."},
		{Name: "port", Kind: schema.Int, Default: "5432", Min: 1, Max: 65535, Connection: true, Doc: "Port."},
		{Name: "schema", Kind: schema.String, Default: "public", Doc: "Schema."},
		{Name: "user", Kind: schema.String, Connection: true, Doc: "User."},
		{Name: "password", Kind: schema.String, Sensitive: true, Connection: true, Doc: "Password."},
		{Name: "timeout", Kind: schema.Duration, Default: "30s", Connection: true, Doc: "Patience."},
		{Name: "tls", Kind: schema.Bool, Default: "true", Connection: true, Doc: "Encrypt."},
	}}
	file := schema.Block{Attrs: []schema.Attr{
		{Name: "path", Kind: schema.String, Required: true, Connection: true, Example: `"old.db"`, Doc: "File."},
	}}
	return []providers.Driver{
		{Type: "postgres", Doc: "PostgreSQL.", Source: server, Target: server, OpenSource: database, OpenTarget: target},
		{Type: "sqlite", Doc: "SQLite.", Source: file, Target: file, OpenSource: database, OpenTarget: target},
		{Type: "local", Doc: "Folder.", Staging: file, OpenStaging: staging},
	}
}

// folder writes files and changes into their folder, so that messages name them shortly.
func folder(t *testing.T, files map[string]string) {
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

const valid = `
source "postgres" "erp" {
  host     = "db01"
  user     = env("DMO_SOURCE_USER")
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

func TestLoadValid(t *testing.T) {
	folder(t, map[string]string{"main.dmo.hcl": valid})
	spec, _, ds := Load(".", Options{Drivers: testDrivers(), Env: env("DMO_SOURCE_USER", "ana")})
	if len(ds) > 0 {
		t.Fatalf("diagnostics:\n%s", text(ds))
	}
	t.Logf("%+v", spec)
}
