package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dmoctl/dmoctl/lang"
	"github.com/dmoctl/dmoctl/providers/all"
)

func TestSpecReferenceMatchesSchemas(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), lang.Reference(all.Drivers())); diff != "" {
		t.Errorf("docs/spec.md is not what the schemas say; \"make docs\" writes it again (-file +schemas):\n%s", diff)
	}
}

func TestReadmeSpecLoads(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```hcl\n")
	spec, _, ended := strings.Cut(rest, "```")
	if !ok || !ended {
		t.Fatal("README.md shows no spec")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, ds := lang.Load(dir, lang.Options{Drivers: all.Drivers()}); ds.HasErrors() {
		t.Errorf("the spec in README.md is refused: %+v", ds)
	}
	if got := string(hclwrite.Format([]byte(spec))); got != spec {
		t.Errorf("the spec in README.md is not in the canonical form:\n%s", cmp.Diff(spec, got))
	}
}
