package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// example reads one of testdata/specs into the current directory.
func example(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "specs", name))
	if err != nil {
		t.Fatal(err)
	}
	directory(t, map[string]string{"m.dmo.hcl": string(src)})
	return string(src)
}

func pattern(t *testing.T, text string) desired.Pattern {
	t.Helper()
	p, err := desired.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPipeSpec(t *testing.T) {
	example(t, "pipe.dmo.hcl")
	got := mustLoad(t, Options{Version: "0.1.0", Vars: []string{"sid=PRD"}, Env: env("DMO_SOURCE_USER", "ana")})
	all := func(texts ...string) (out []desired.Pattern) {
		for _, s := range texts {
			out = append(out, pattern(t, s))
		}
		return out
	}
	want := &desired.Spec{
		Dir: ".", StatePath: ".dmo/state.db", History: []string{"rehearsal-3.json"}, Migration: "erp",
		Source: desired.Endpoint{Role: "source", Type: "postgres", Name: "erp", Config: schema.Values{
			"host": "db-prd", "port": int64(5432), "schema": "PRD", "consistency": "quiet", "user": "ana",
			"password": schema.Unset{Env: "DMO_SOURCE_PASSWORD"}, "timeout": mustDuration(t, "30s"), "tls": true}},
		Target: desired.Endpoint{Role: "target", Type: "postgres", Name: "s4", Config: schema.Values{
			"host": "db02", "port": int64(5433), "schema": "public", "existing": "recreate", "user": schema.Unset{Env: "DMO_TARGET_USER"},
			"password": schema.Unset{Env: "DMO_TARGET_PASSWORD"}, "timeout": mustDuration(t, "30s"), "tls": true}},
		Transfer: desired.Transfer{Mode: "pipe"},
		Groups: []desired.Group{
			{Name: "big", Tables: all("CDCLS", "BSEG", "EDI40"), Split: catalog.SplitSpec{By: "auto", TargetSize: 1 << 30}},
			{Name: "group_x", Tables: all("X*"), Split: catalog.SplitSpec{By: "key", Parts: 16}},
			{Name: "group_y", Tables: all("Y*"), Split: catalog.SplitSpec{By: "key", Parts: 4}},
			{Name: "rest", Tables: all("*"), Split: catalog.SplitSpec{By: "auto"}},
		},
		Excludes:  []desired.Exclude{{Name: "database_specific", Tables: all("DBATL", "SDBAH"), Content: "none", Reason: "Oracle monitoring tables"}},
		Renames:   []desired.Rename{{Table: pattern(t, "OTHER.T1"), To: pattern(t, "T1")}},
		Processes: desired.Processes{Downtime: 64, Verify: 32, Memory: 4 << 30},
		Policies: catalog.Policies{InvalidDate: "null", Overflow: "fail", NUL: "strip", LOBMax: 256 << 20,
			EmptyString: "null", Blank: "abap", TimeZone: "utc", Number: "decimal(38,10)", Expressions: "plain"},
		Verify: desired.Verify{Default: "content", Exceptions: []desired.Exception{
			{Table: pattern(t, "REPOSRC"), Rule: "ignlargercount", Reason: "may change while it is cloned"}}},
	}
	ignore := []cmp.Option{cmpopts.IgnoreTypes(desired.Position{}), cmpopts.IgnoreFields(desired.Spec{}, "Digest")}
	if diff := cmp.Diff(want, got, ignore...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if at := got.Groups[0].Tables[1].At; at != (desired.Position{File: "m.dmo.hcl", Line: 50, Column: 14}) {
		t.Errorf("place of BSEG: %+v", at)
	}
	if at := got.Excludes[0].Tables[1].At; at != (desired.Position{File: "m.dmo.hcl", Line: 67, Column: 25}) {
		t.Errorf("place of SDBAH: %+v", at)
	}
}

func mustDuration(t *testing.T, s string) any {
	t.Helper()
	d, err := schema.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFileSpec(t *testing.T) {
	example(t, "file.dmo.hcl")
	got := mustLoad(t, Options{})
	want := desired.Transfer{Mode: "file", FileSize: 64 << 20, Compression: "better"}
	if got.Transfer != want {
		t.Errorf("transfer %+v, want %+v", got.Transfer, want)
	}
	if got.Staging == nil || got.Staging.Address() != "staging.local.files" || got.Staging.Config.String("path") != "export" {
		t.Errorf("staging %+v", got.Staging)
	}
	if got.Source.Config.String("consistency") != "snapshot" || got.Target.Config.String("existing") != "require-empty" {
		t.Errorf("arguments of every source and target lack their defaults: %v %v", got.Source.Config, got.Target.Config)
	}
}

func TestDefaults(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": valid})
	got := mustLoad(t, Options{})
	if len(got.Groups) != 1 || got.Groups[0].Split.By != "auto" || !got.Groups[0].Tables[0].Match("s", catalog.Name{Schema: "s", Name: "T"}) {
		t.Errorf("groups %+v", got.Groups)
	}
	if got.Policies != catalog.DefaultPolicies() || got.Verify.Default != "content" || got.Processes != (desired.Processes{}) || got.Transfer.Mode != "pipe" {
		t.Errorf("%+v", got)
	}
	directory(t, map[string]string{"m.dmo.hcl": inMigration("  types {}\n  verify {}\n  processes {}\n  transfer \"pipe\" {}")})
	if empty := mustLoad(t, Options{}); empty.Digest != got.Digest {
		t.Error("blocks that say nothing change the digest")
	}
}

func TestMultipleFilesOneSpec(t *testing.T) {
	head, tail, _ := strings.Cut(valid, "migration")
	directory(t, map[string]string{"z.dmo.hcl": head, "a.dmo.hcl": "migration" + tail, "README.md": "{"})
	split := mustLoad(t, Options{})
	directory(t, map[string]string{"m.dmo.hcl": valid})
	if whole := mustLoad(t, Options{}); split.Digest != whole.Digest {
		t.Error("the digest depends on files")
	}
}

func TestDigest(t *testing.T) {
	load := func(src string, opts Options) string {
		t.Helper()
		directory(t, map[string]string{"m.dmo.hcl": src})
		return mustLoad(t, opts).Digest
	}
	base := load(valid, Options{})
	for name, same := range map[string]string{
		"connection":  strings.Replace(valid, `"db01"`, `"db99"`, 1),
		"layout":      "\n# comment\n\n" + valid,
		"state":       "dmo {\n  state \"local\" { path = \"elsewhere.db\" }\n}\n" + valid,
		"description": strings.Replace(valid, `host     = "db01"`, "host = var.h", 1) + "variable \"h\" { default = \"x\" }\n",
		"defaults":    inMigration("  transfer \"pipe\" {}\n  verify { default = \"content\" }"),
	} {
		if got := load(same, Options{}); got != base {
			t.Errorf("%s changes the digest", name)
		}
	}
	if got := load(valid, Options{Env: env("DMO_SOURCE_PASSWORD", "x")}); got != base {
		t.Error("a secret changes the digest")
	}
	seen := map[string]string{base: "the base"}
	for name, other := range map[string]string{
		"schema":    strings.Replace(valid, `host     = "db01"`, "host = \"db01\"\n  schema = \"x\"", 1),
		"existing":  strings.Replace(valid, `path = "new.db"`, "path = \"new.db\"\n  existing = \"load\"", 1),
		"group":     inMigration("  table_group \"a\" { tables = [\"*\"] }"),
		"split":     inMigration("  table_group \"a\" {\n    tables = [\"*\"]\n    split { parts = 2 }\n  }"),
		"exclude":   inMigration("  exclude \"a\" { tables = [\"X\"] }"),
		"rename":    inMigration("  rename {\n    table = \"X\"\n    to = \"Y\"\n  }"),
		"policy":    inMigration("  types { nul = \"strip\" }"),
		"verify":    inMigration("  verify { default = \"count\" }"),
		"processes": inMigration("  processes { downtime = 3 }"),
		"name":      strings.Replace(valid, `migration "erp"`, `migration "other"`, 1),
	} {
		got := load(other, Options{})
		if twin, ok := seen[got]; ok {
			t.Errorf("%s has the digest of %s", name, twin)
		}
		seen[got] = name
	}
}

func TestUnusedBlocks(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": "source \"sqlite\" \"spare\" { path = \"x\" }\n" + valid})
	spec, _, ds := Load(".", Options{Drivers: testDrivers()})
	if spec == nil {
		t.Error("a warning stops the run")
	}
	checkRefused(t, ds, []refused{{"unused-block", "m.dmo.hcl:1:1-24", "source.sqlite.spare"}})
}

func TestRequiredVersion(t *testing.T) {
	for version, ok := range map[string]bool{"0.1.0": true, "0.2.0-rc1": true, "0.0.9": false, "devel": true, "v1.3.0": true} {
		directory(t, map[string]string{"m.dmo.hcl": "dmo {\n  required_version = \">= 0.1\"\n}\n" + valid})
		if _, _, ds := Load(".", Options{Drivers: testDrivers(), Version: version}); ds.HasErrors() == ok {
			t.Errorf("version %s: %s", version, text(ds))
		}
	}
}
