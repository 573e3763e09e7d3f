package lang

import (
	"bytes"
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dmoctl/dmoctl/internal/diag"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares with testdata/NAME, from whatever directory the test is in.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s; run the test with -update and look at the difference. Got:\n%s", path, got)
	}
}

func here(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDiagnosticOutput(t *testing.T) {
	asText, asJSON := here(t, "mistakes.txt"), here(t, "mistakes.json")
	example(t, "mistakes.dmo.hcl")
	_, _, ds := Load(".", Options{Drivers: testDrivers(), Env: env("DMO_SOURCE_PASSWORD", "correct-horse")})
	golden(t, asText, text(ds))
	var out bytes.Buffer
	if err := diag.WriteJSON(&out, ds); err != nil {
		t.Fatal(err)
	}
	golden(t, asJSON, out.String())
}

func TestFormatDir(t *testing.T) {
	files := map[string]string{"a.dmo.hcl": "locals{}\n", "b.dmo.hcl": "locals {}\n", "dmo.dmovars": "a=1\n", "note.hcl": "x=1\n", "broken.dmo.hcl": "locals {\n"}
	directory(t, files)
	if err := os.Chmod("a.dmo.hcl", 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.dmo.hcl", "link.dmo.hcl"); err != nil {
		t.Fatal(err)
	}
	changed, ds := FormatDir(".", true)
	if strings.Join(changed, " ") != "a.dmo.hcl link.dmo.hcl dmo.dmovars" {
		t.Errorf("check: %v", changed)
	}
	checkRefused(t, ds, []refused{{"invalid-syntax", "broken.dmo.hcl:1:8-9", "closing brace"}})
	for name, want := range files {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("check changed %s to %q, %v", name, got, err)
		}
	}
	if changed, _ := FormatDir(".", false); len(changed) == 0 {
		t.Error("nothing was formatted")
	}
	for name, want := range map[string]string{"a.dmo.hcl": "locals {}\n", "link.dmo.hcl": "locals {}\n", "dmo.dmovars": "a = 1\n", "note.hcl": "x=1\n", "broken.dmo.hcl": "locals {\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	at, err := os.Lstat("link.dmo.hcl")
	if err != nil || at.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
	if at, err := os.Stat("a.dmo.hcl"); err != nil || at.Mode().Perm() != 0o640 {
		t.Errorf("the mode changed: %v", at.Mode())
	}
	if again, _ := FormatDir(".", true); len(again) > 0 {
		t.Errorf("not canonical after formatting: %v", again)
	}
}

func TestStarterValid(t *testing.T) {
	for _, o := range []StarterOptions{
		{SourceType: "postgres", TargetType: "postgres", Migration: "erp"},
		{SourceType: "sqlite", TargetType: "sqlite", Mode: "file"},
		{SourceType: "sqlite", TargetType: "postgres", Mode: "pipe"},
	} {
		o.Drivers = testDrivers()
		src, ds := Starter(o)
		if len(ds) > 0 {
			t.Fatalf("%+v: %s", o, text(ds))
		}
		directory(t, map[string]string{"main.dmo.hcl": string(src)})
		spec := mustLoad(t, Options{})
		if want := cmp.Or(o.Mode, "pipe"); spec.Transfer.Mode != want || spec.Migration != cmp.Or(o.Migration, "move") {
			t.Errorf("%+v gives %+v", o, spec)
		}
		if !bytes.Equal(hclwrite.Format(src), src) {
			t.Errorf("not in canonical form:\n%s", src)
		}
		if strings.HasPrefix(o.SourceType, "sqlite") && spec.Source.Config.String("path") == spec.Target.Config.String("path") {
			t.Error("source and target are one file")
		}
	}
}

func TestStarterInvalidOptions(t *testing.T) {
	_, ds := Starter(StarterOptions{SourceType: "postgre", TargetType: "local", Mode: "pip", Migration: "my move", Drivers: testDrivers()})
	checkRefused(t, ds, []refused{
		{"invalid-name", "", "letters, digits"},
		{"unknown-provider", "", `Did you mean "postgres"?`},
		{"wrong-role", "", "cannot be used as a target"},
		{"unsupported-value", "", `not by "pip"`},
	})
}

func TestReferenceComplete(t *testing.T) {
	path := here(t, "reference.md")
	got := Reference(testDrivers())
	golden(t, path, got)
	for _, name := range []string{"`table_group \"NAME\"`", "`lob_max`", "`source \"postgres\" \"NAME\"`", "`existing`", "Not available in this version", "Sensitive.", "csvdecode"} {
		if !strings.Contains(got, name) {
			t.Errorf("the reference lacks %s", name)
		}
	}
}

// A diagnostic of a later engine, which only knows a place, gets its excerpt.
func TestLocate(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": inMigration("  exclude \"a\" { tables = [\"ä\", \"DBATL\"] }")})
	spec, sources, ds := Load(".", Options{Drivers: testDrivers()})
	if len(ds) > 0 {
		t.Fatal(text(ds))
	}
	at := spec.Excludes[0].Tables[1].At
	later := diag.Warning("matches-nothing", "Pattern matches nothing", "No table is named so.").OnPlace(at.File, at.Line, at.Column)
	got := text(sources.Locate(diag.Diagnostics{later, diag.Error("x", "X", "x")}))
	want := `Warning: Pattern matches nothing [matches-nothing]
  at m.dmo.hcl:11:32, in exclude "a"
    11 |   exclude "a" { tables = ["ä", "DBATL"] }
       |                                ^^^^^^^
  No table is named so.

Error: X [x]
  x

`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}
