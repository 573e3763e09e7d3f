package lang

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/diag"
)

func TestDuplicates(t *testing.T) {
	// Failure scenario: spec: duplicate
	checkMistakes(t, []mistake{
		{"argument", "locals {\n  a = 1\n  a = 2\n}\n" + valid,
			[]refused{{"duplicate", "m.dmo.hcl:3:3-4", `"a" was already set`}}},
		{"local in two blocks", "locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n" + valid,
			[]refused{{"duplicate", "m.dmo.hcl:5:3-4", "already declared at m.dmo.hcl:2:3"}}},
		{"variable", "variable \"a\" { default = 1 }\nvariable \"a\" { default = 2 }\n" + valid,
			[]refused{{"duplicate", "m.dmo.hcl:2:10-13", "already declared at m.dmo.hcl:1:10"}}},
		{"source", "source \"postgres\" \"erp\" { host = \"x\" }\n" + valid,
			[]refused{{"duplicate", "m.dmo.hcl:2:1-24", "already declared at m.dmo.hcl:1:1"}}},
		{"single block", inMigration("  types {}\n  types {}"),
			[]refused{{"duplicate", "m.dmo.hcl:12:3-8", "at most one block \"types\"; the first one is at m.dmo.hcl:11:3"}}},
		{"group", inMigration("  table_group \"a\" { tables = [\"x\"] }\n  table_group \"a\" { tables = [\"*\"] }"),
			[]refused{{"duplicate", "m.dmo.hcl:12:15-18", "already declared at m.dmo.hcl:11:15"}}},
		{"table in two groups", inMigration("  table_group \"a\" { tables = [\"X\", \"S.X\"] }\n  table_group \"b\" { tables = [\"Y\", \"X\"] }"),
			[]refused{{"table-named-twice", "m.dmo.hcl:12:36-39", "already named at m.dmo.hcl:11:31"}}},
		{"rename of one table", inMigration("  rename {\n    table = \"A\"\n    to = \"B\"\n  }\n  rename {\n    table = \"A\"\n    to = \"C\"\n  }"),
			[]refused{{"table-named-twice", "m.dmo.hcl:16:13-16", "already renamed, at m.dmo.hcl:12:13"}}},
		{"rename to one name", inMigration("  rename {\n    table = \"A\"\n    to = \"C\"\n  }\n  rename {\n    table = \"B\"\n    to = \"C\"\n  }"),
			[]refused{{"table-named-twice", "m.dmo.hcl:17:10-13", "new name of another table"}}},
		{"exception", inMigration("  verify {\n    exception \"A\" {\n      rule = \"igncount\"\n      reason = \"x\"\n    }\n    exception \"A\" {\n      rule = \"igncount\"\n      reason = \"y\"\n    }\n  }"),
			[]refused{{"table-named-twice", "m.dmo.hcl:16:15-18", "already has an exception"}}},
		{"dmo", "dmo {}\ndmo {}\n" + valid,
			[]refused{{"duplicate", "m.dmo.hcl:2:1-4", "already declared at m.dmo.hcl:1:1"}}},
		{"migration", valid + "migration \"b\" {\n  source = source.postgres.erp\n  target = target.sqlite.copy\n}\n",
			[]refused{{"several-migrations", "m.dmo.hcl:12:1-14", "first one is at m.dmo.hcl:8:1"}}},
	})
}

func TestRuleViolations(t *testing.T) {
	checkMistakes(t, []mistake{
		{"exception without a reason", inMigration("  verify {\n    exception \"A\" { rule = \"igncount\" }\n  }"),
			[]refused{{"missing-argument", "m.dmo.hcl:12:5-18", `"reason" is required`}}},
		{"exception with a blank reason", inMigration("  verify {\n    exception \"A\" {\n      rule = \"igncount\"\n      reason = \" \"\n    }\n  }"),
			[]refused{{"missing-reason", "m.dmo.hcl:14:16-19", "why the table may differ"}}},
		{"pipe mode with a staging", "staging \"local\" \"x\" { path = \"p\" }\n" + inMigration("  transfer \"pipe\" { via = staging.local.x }"),
			[]refused{{"pipe-with-staging", "m.dmo.hcl:12:21-24", "Remove the argument"}}},
		{"pipe mode by default with a staging", "staging \"local\" \"x\" { path = \"p\" }\n" + valid,
			[]refused{{"pipe-with-staging", "m.dmo.hcl:1:1-20", "via = staging.local.x"}}},
		{"later blocks", inMigration("  uptime {\n    tables = [\"x\"]\n  }\n  window {}\n  gate \"go\" {}\n  hook \"h\" {}"), []refused{
			{"not-available", "m.dmo.hcl:11:3-9", `block "uptime" is known`}, {"not-available", "m.dmo.hcl:14:3-9", "window"},
			{"not-available", "m.dmo.hcl:15:3-7", "gate"}, {"not-available", "m.dmo.hcl:16:3-7", "hook"}}},
		{"later arguments", inMigration("  processes { replay = 4 }\n  verify { captured = \"count\" }"), []refused{
			{"not-available", "m.dmo.hcl:11:15-21", "replay"}, {"not-available", "m.dmo.hcl:12:12-20", "captured"}}},
		{"later providers", "source \"oracle\" \"a\" {}\nstaging \"azblob\" \"b\" {}\ndmo {\n  state \"azblob\" {}\n}\n" + valid, []refused{
			{"not-available", "m.dmo.hcl:1:8-16", "oracle"}, {"not-available", "m.dmo.hcl:2:9-17", "azblob"},
			{"not-available", "m.dmo.hcl:4:9-17", "azblob"}}},
		{"later order", "staging \"local\" \"x\" { path = \"p\" }\n" + inMigration("  transfer \"file\" {\n    via = staging.local.x\n    order = \"parallel\"\n  }"),
			[]refused{{"not-available", "m.dmo.hcl:14:13-23", `"parallel"`}}},
	})
}

func TestMissingFiles(t *testing.T) {
	// Failure scenario: spec: missing file
	t.Run("directory", func(t *testing.T) {
		t.Chdir(t.TempDir())
		_, _, ds := Load("nowhere", Options{})
		checkRefused(t, ds, []refused{{"unreadable-directory", "", `"nowhere" does not exist`}})
	})
	t.Run("empty directory", func(t *testing.T) {
		directory(t, map[string]string{"notes.txt": "", "sub/x.dmo.hcl": valid, ".#m.dmo.hcl": "{"})
		_, _, ds := Load(".", Options{})
		checkRefused(t, ds, []refused{{"empty-directory", "", "dmoctl init"}})
	})
	t.Run("empty file", func(t *testing.T) {
		directory(t, map[string]string{"m.dmo.hcl": ""})
		_, _, ds := Load(".", Options{})
		checkRefused(t, ds, []refused{{"no-migration", "", "source = source.TYPE.NAME"}})
	})
	t.Run("no file", func(t *testing.T) {
		directory(t, map[string]string{"m.dmo.hcl": valid})
		if err := os.Symlink("gone", "x.dmo.hcl"); err != nil {
			t.Fatal(err)
		}
		_, _, ds := Load(".", Options{})
		checkRefused(t, ds, []refused{{"unreadable-file", "x.dmo.hcl", "does not exist"}})
	})
	t.Run("of a function", func(t *testing.T) {
		directory(t, map[string]string{"m.dmo.hcl": inMigration("  exclude \"a\" { tables = split(\"\\n\", file(\"tables.txt\")) }")})
		_, _, ds := Load(".", Options{Drivers: testDrivers()})
		checkRefused(t, ds, []refused{{"invalid-function-argument", "m.dmo.hcl:11:44-54", `"tables.txt" does not exist`}})
	})
	t.Run("of variable values", func(t *testing.T) {
		directory(t, map[string]string{"m.dmo.hcl": valid + "variable \"sid\" {}\n"})
		_, _, ds := Load(".", Options{Drivers: testDrivers(), VarFiles: []string{"prod.dmovars"}})
		checkRefused(t, ds, []refused{{"unreadable-file", "prod.dmovars", "does not exist"}})
	})
}

func TestUnreadableText(t *testing.T) {
	// Failure scenario: spec: invalid UTF-8
	checkMistakes(t, []mistake{
		{"invalid UTF-8", valid + "# caf\xe9\n", []refused{{"invalid-encoding", "m.dmo.hcl:12:6-7", "not valid UTF-8"}}},
		{"UTF-16", "\xff\xfeo\x00", []refused{{"invalid-encoding", "m.dmo.hcl:1:1-2", "Byte 1 of the file"}}},
		{"NUL", valid + "\x00\n", []refused{
			{"invalid-syntax", "m.dmo.hcl:12:1-2", "not used within the language"},
			{"invalid-syntax", "m.dmo.hcl:12:1-2", "block definition is required"}}},
		{"unclosed", "migration \"x\" {\n", []refused{{"invalid-syntax", "m.dmo.hcl:1:15-16", "no closing brace"}}},
	})
	t.Run("broken file suppresses follow-up errors", func(t *testing.T) {
		directory(t, map[string]string{"a.dmo.hcl": "locals {\n  a = [\n}\n", "b.dmo.hcl": inMigration("  exclude \"x\" { tables = local.a }"), "c.dmo.hcl": "x = \"\n"})
		_, _, ds := Load(".", Options{Drivers: testDrivers()})
		for _, d := range ds {
			if d.Subject == nil || d.Subject.Filename == "b.dmo.hcl" {
				t.Errorf("reported: %+v", d)
			}
		}
		if len(ds) < 2 {
			t.Errorf("want both broken files, got:\n%s", text(ds))
		}
	})
}

func TestNesting(t *testing.T) {
	// Failure scenario: spec: 10 MB of nesting
	const size = 10 << 20
	for name, src := range map[string]string{
		"parentheses":  "locals {\n  a = " + strings.Repeat("(", size),
		"brackets":     "locals {\n  a = " + strings.Repeat("[", size),
		"objects":      "locals {\n  a = " + strings.Repeat("{a=", size/3),
		"blocks":       strings.Repeat("a {\n", size/4),
		"templates":    "locals {\n  a = " + strings.Repeat("\"${", size/3),
		"conditionals": "locals {\n  a = " + strings.Repeat("b?c:", size/4) + "d\n}\n",
		"if":           "locals {\n  a = \"" + strings.Repeat("%{if true}", size/10) + "\"\n}\n",
		"sums":         "locals {\n  a = 1" + strings.Repeat("+1", size/2) + "\n}\n",
		"negation":     "locals {\n  a = " + strings.Repeat("!", size) + "true\n}\n",
		"signs":        "locals {\n  a = " + strings.Repeat("-", size) + "1\n}\n",
		"indexes":      "locals {\n  a = b" + strings.Repeat("[0]", size/3) + "\n}\n",
		"steps":        "locals {\n  a = b" + strings.Repeat(".b", size/2) + "\n}\n",
		"splats":       "locals {\n  a = b" + strings.Repeat("[*]", size/3) + "\n}\n",
		"for":          "locals {\n  a = " + strings.Repeat("[for x in ", size/10),
	} {
		t.Run(name, func(t *testing.T) {
			// A file is refused by its size; cut to what is read, by its depth.
			lengths := []int{20_000}
			if name == "parentheses" || name == "objects" || name == "sums" {
				lengths = append(lengths, maxFileBytes, len(src))
			}
			for _, length := range lengths {
				directory(t, map[string]string{"m.dmo.hcl": src[:length]})
				start := time.Now()
				spec, _, ds := Load(".", Options{Drivers: testDrivers()})
				if spec != nil || !ds.HasErrors() || len(text(ds)) > 10_000 {
					t.Fatalf("%d bytes: spec %v, diagnostics %.2000s", length, spec, text(ds))
				}
				if want := map[bool]diag.ID{true: "unreadable-file", false: "nested-too-deep"}[length > maxFileBytes]; ds[0].ID != want {
					t.Errorf("%d bytes: %s, want %s", length, ds[0].ID, want)
				}
				if took := time.Since(start); took > time.Minute {
					t.Errorf("%d bytes took %v", length, took)
				}
			}
		})
	}
}

// What is long without being deep is read.
func TestLongSpecs(t *testing.T) {
	var tables, locals, groups strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&tables, "      \"/BIC/A%06d\",\n", i)
	}
	for i := range 3000 {
		fmt.Fprintf(&locals, "  l%d = \"${local.l%d}\"\n", i, i+1)
	}
	locals.WriteString("  l3000 = \"x\"\n")
	for i := range 1000 {
		fmt.Fprintf(&groups, "  exclude \"e%d\" { tables = [\"E%d_${local.l0}_${local.l0}\", \"F%d\"] }\n", i, i, i)
	}
	directory(t, map[string]string{"m.dmo.hcl": inMigration("  table_group \"a\" {\n    tables = [\n"+tables.String()+"    ]\n  }\n"+groups.String()) +
		"locals {\n" + locals.String() + "}\n"})
	spec := mustLoad(t, Options{})
	if len(spec.Groups[0].Tables) != 20_000 || len(spec.Excludes) != 1000 || spec.Excludes[7].Tables[0].Text != "E7_x_x" {
		t.Errorf("groups %d, excludes %d", len(spec.Groups), len(spec.Excludes))
	}
}

// The number of blocks that dynamic ones make is bounded.
func TestTooManyBlocks(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": inMigration(`  dynamic "exclude" {
    for_each = setproduct(range(300), range(300))
    labels   = ["e${exclude.value[0]}_${exclude.value[1]}"]
    content { tables = ["T"] }
  }`)})
	_, _, ds := Load(".", Options{Drivers: testDrivers()})
	checkRefused(t, ds, []refused{{"too-many-blocks", "m.dmo.hcl:11:3-20", "more than 50000"}})
}
