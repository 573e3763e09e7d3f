package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// FuzzLoad holds that no text makes Load panic, that a refusal says why, and that
// what is accepted stays accepted after formatting.
func FuzzLoad(f *testing.F) {
	// Failure scenario: spec: fuzzed: no file, however broken, makes the reader panic.
	seeds, err := filepath.Glob("testdata/specs/*.dmo.hcl")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	opts := Options{Drivers: testDrivers(), Version: "0.1.0", Env: env("DMO_SOURCE_PASSWORD", "correct-horse-battery"), Vars: []string{"sid=PRD"}}
	f.Fuzz(func(t *testing.T, src []byte) {
		dir := t.TempDir()
		load := func(src []byte) (bool, string, diag.Diagnostics) {
			if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), src, 0o600); err != nil {
				t.Fatal(err)
			}
			spec, _, ds := Load(dir, opts)
			if (spec == nil) != ds.HasErrors() {
				t.Fatalf("spec %v with diagnostics %v", spec, ds)
			}
			if spec == nil {
				return false, "", ds
			}
			return true, spec.Digest, ds
		}
		ok, digest, ds := load(src)
		said := text(ds)
		if strings.Contains(said, "correct-horse-battery") && !strings.Contains(string(src), "correct-horse-battery") {
			t.Fatalf("a diagnostic shows a secret:\n%s", said)
		}
		for _, d := range ds {
			if d.ID == "" || d.Summary == "" || d.Detail == "" {
				t.Errorf("incomplete diagnostic %+v", d)
			}
		}
		if again, digestAgain, ds := load(hclwrite.Format(src)); ok && (!again || digestAgain != digest) {
			t.Errorf("formatting changed the spec:\n%s", text(ds))
		}
	})
}
