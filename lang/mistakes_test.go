package lang

import (
	"testing"
)

// mistake is one spec and all that is to be said about it.
type mistake struct {
	name string
	src  string
	want []refused
}

func checkMistakes(t *testing.T, cases []mistake) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			directory(t, map[string]string{"m.dmo.hcl": c.src})
			spec, _, ds := Load(".", Options{Drivers: testDrivers(), Version: "0.1.0"})
			if spec != nil {
				t.Error("a spec came back")
			}
			checkRefused(t, ds, c.want)
		})
	}
}

func TestWrongBlocks(t *testing.T) {
	// Failure scenario: spec: wrong block
	checkMistakes(t, []mistake{
		{"unknown at top", valid + "sorce \"postgres\" \"x\" {}\n",
			[]refused{{"unsupported-block", "m.dmo.hcl:12:1-6", `Did you mean "source"?`}}},
		{"misplaced", valid + "processes {}\n",
			[]refused{{"unsupported-block", "m.dmo.hcl:12:1-10", `"processes" belongs in a migration block`}}},
		{"dynamic at top", valid + "dynamic \"source\" {}\n",
			[]refused{{"unsupported-block", "m.dmo.hcl:12:1-8", "cannot generate top-level blocks"}}},
		{"unknown inside", inMigration("  tabel_group \"a\" {}"),
			[]refused{{"unsupported-block", "m.dmo.hcl:11:3-14", `Did you mean "table_group"?`}}},
		{"argument written as block", inMigration("  exclude \"a\" {\n    tables {}\n  }"), []refused{
			{"missing-argument", "m.dmo.hcl:11:3-14", `"tables" is required`},
			{"unsupported-block", "m.dmo.hcl:12:5-11", `is an argument, not a block`}}},
		{"no label", inMigration("  table_group { tables = [\"*\"] }"),
			[]refused{{"missing-label", "m.dmo.hcl:11:3-14", "table_group \"NAME\" { ... }"}}},
		{"label too many", inMigration("  types \"x\" {}"),
			[]refused{{"unexpected-label", "m.dmo.hcl:11:9-12", "no label"}}},
		{"label no name", inMigration("  exclude \"a b\" { tables = [\"x\"] }"),
			[]refused{{"invalid-name", "m.dmo.hcl:11:11-16", "letters, digits"}}},
		{"template in label", inMigration("  exclude \"${var.x}\" { tables = [\"x\"] }"),
			[]refused{{"invalid-syntax", "m.dmo.hcl:11:12-14", "Template sequences are not allowed"}}},
		{"unknown provider", "target \"postgre\" \"x\" {}\n" + valid,
			[]refused{{"unknown-provider", "m.dmo.hcl:1:8-17", `Did you mean "postgres"?`}}},
		{"wrong role", "source \"local\" \"x\" {}\n" + valid,
			[]refused{{"wrong-role", "m.dmo.hcl:1:8-15", `"postgres" or "sqlite"`}}},
		{"unknown mode", inMigration("  transfer \"pip\" {}"),
			[]refused{{"unsupported-value", "m.dmo.hcl:11:12-17", `Did you mean "pipe"?`}}},
		{"unknown state", "dmo {\n  state \"s3\" {}\n}\n" + valid,
			[]refused{{"unsupported-value", "m.dmo.hcl:2:9-13", `kept in "local"`}}},
		{"in locals", "locals {\n  x {}\n}\n" + valid,
			[]refused{{"unsupported-block", "m.dmo.hcl:2:3-4", "NAME = EXPRESSION"}}},
	})
}

func TestWrongArguments(t *testing.T) {
	// Failure scenario: spec: wrong argument
	checkMistakes(t, []mistake{
		{"outside of blocks", valid + "table_group = 1\n",
			[]refused{{"unsupported-argument", "m.dmo.hcl:12:1-12", "belongs in a migration block"}}},
		{"misspelled", inMigration("  exclude \"a\" {\n    tables = [\"x\"]\n    raeson = \"y\"\n  }"),
			[]refused{{"unsupported-argument", "m.dmo.hcl:13:5-11", `not expected in an exclude block. Did you mean "reason"?`}}},
		{"block written as argument", inMigration("  types = { nul = \"fail\" }"),
			[]refused{{"unsupported-argument", "m.dmo.hcl:11:3-8", "is a block, not an argument"}}},
		{"missing", "source \"postgres\" \"a\" {}\n" + valid,
			[]refused{{"missing-argument", "m.dmo.hcl:1:1-22", "host = \"db01\""}}},
		{"null is missing", "source \"postgres\" \"a\" {\n  host = null\n}\n" + valid,
			[]refused{{"missing-argument", "m.dmo.hcl:2:10-14", "host = \"db01\""}}},
		{"in dynamic content that is never used", inMigration("  dynamic \"exclude\" {\n    for_each = []\n    labels = [\"x\"]\n    content { tabels = [] }\n  }"),
			[]refused{{"unsupported-argument", "m.dmo.hcl:14:15-21", `Did you mean "tables"?`}}},
		{"of file mode in pipe mode", inMigration("  transfer \"pipe\" { order = \"serial\" }"),
			[]refused{{"unsupported-argument", "m.dmo.hcl:11:21-26", "is for file mode"}}},
		{"via is missing", inMigration("  transfer \"file\" {}"),
			[]refused{{"missing-argument", "m.dmo.hcl:11:3-18", "via = staging.local.files"}}},
		{"exclude each other", inMigration("  table_group \"a\" {\n    tables = [\"*\"]\n    split {\n      parts = 4\n      target_size = \"1GiB\"\n    }\n  }"),
			[]refused{{"conflicting-arguments", "m.dmo.hcl:14:15-16", "not both"}}},
		{"parts of none", inMigration("  table_group \"a\" {\n    tables = [\"*\"]\n    split {\n      by = \"none\"\n      parts = 4\n    }\n  }"),
			[]refused{{"conflicting-arguments", "m.dmo.hcl:14:12-18", "one package"}}},
	})
}

func TestWrongTypesAndValues(t *testing.T) {
	// Failure scenario: spec: wrong type or unit
	checkMistakes(t, []mistake{
		{"string for number", inMigration("  processes { downtime = \"8\" }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:26-29", "takes a whole number, but this is a string"}}},
		{"number for string", inMigration("  verify { default = 1 }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:22-23", "takes a string, but this is a number"}}},
		{"string for list", inMigration("  exclude \"a\" { tables = \"DBATL\" }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:26-33", "tables = [\"DBATL\"]"}}},
		{"object for list", inMigration("  exclude \"a\" { tables = {} }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:26-28", "takes a list of strings"}}},
		{"null in list", inMigration("  exclude \"a\" { tables = [\"A\", null] }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:26-37", "element 2 of the list is null"}}},
		{"empty list", inMigration("  exclude \"a\" { tables = [] }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:26-28", "the list is empty"}}},
		{"fraction", inMigration("  processes { downtime = 1.5 }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:26-29", "a whole number"}}},
		{"too small", inMigration("  processes { verify = -1 }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:24-26", "the minimum is 1"}}},
		{"too large", inMigration("  processes { verify = 99999999999999999999999 }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:24-47", "64 bits"}}},
		{"no unit", inMigration("  processes { memory = \"256\" }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:24-29", "has no unit"}}},
		{"number for size", inMigration("  processes { memory = 256 }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:24-27", "a string with a unit"}}},
		{"wrong case of unit", inMigration("  types { lob_max = \"1gib\" }"),
			[]refused{{"invalid-value", "m.dmo.hcl:11:21-27", `write "1GiB"`}}},
		{"choice", inMigration("  types { overflow = \"nul\" }"),
			[]refused{{"unsupported-value", "m.dmo.hcl:11:22-27", `Did you mean "null"?`}}},
		{"blank", inMigration("  types { blank = \"ABAP\" }"),
			[]refused{{"unsupported-value", "m.dmo.hcl:11:19-25", `"exact" or "abap"`}}},
		{"number", inMigration("  types { number = \"float\" }"),
			[]refused{{"unsupported-value", "m.dmo.hcl:11:20-27", `"decimal(38,10)"`}}},
		{"number's precision", inMigration("  types {\n    number = \"decimal(77,0)\"\n  }"),
			[]refused{{"unsupported-value", "m.dmo.hcl:12:14-29", "from 1 to 76"}}},
		{"number's scale", inMigration("  types { number = \"decimal(10,11)\" }"),
			[]refused{{"unsupported-value", "m.dmo.hcl:11:20-36", "from 0 to the precision, 10"}}},
		{"number is not text", inMigration("  types { number = 38 }"),
			[]refused{{"wrong-type", "m.dmo.hcl:11:20-22", "a string"}}},
		{"budget", inMigration("  types { lob_max = \"1GiB\" }\n  processes { memory = \"64MiB\" }"),
			[]refused{{"lob-max-too-large", "m.dmo.hcl:11:21-27", "must fit"}}},
		{"version constraint", "dmo {\n  required_version = \"new\"\n}\n" + valid,
			[]refused{{"invalid-value", "m.dmo.hcl:2:22-27", "not a version constraint"}}},
		{"version", "dmo {\n  required_version = \">= 9\"\n}\n" + valid,
			[]refused{{"wrong-version", "m.dmo.hcl:2:22-28", "This is dmoctl 0.1.0"}}},
		{"table name", inMigration("  exclude \"a\" { tables = [\"A\", \"B.C.D\"] }"),
			[]refused{{"invalid-table-name", "m.dmo.hcl:11:32-39", "more than one dot"}}},
		{"glob where one table is meant", inMigration("  rename {\n    table = \"A*\"\n    to = \"B\"\n  }"),
			[]refused{{"not-exact", "m.dmo.hcl:12:13-17", "can match several tables"}}},
	})
}

func TestWrongReferences(t *testing.T) {
	// Failure scenario: spec: wrong reference
	checkMistakes(t, []mistake{
		{"to no block", "source \"postgres\" \"erp2\" {\n  host = \"x\"\n}\n" + inMigration("  transfer \"file\" { via = staging.local.files }"),
			[]refused{{"unknown-reference", "m.dmo.hcl:14:27-46", "no staging block at all"}}},
		{"misspelled block", valid[:len(valid)-len("  source = source.postgres.erp\n  target = target.sqlite.copy\n}\n")] + "  source = source.postgres.epr\n  target = target.sqlite.copy\n}\n",
			[]refused{{"unknown-reference", "m.dmo.hcl:9:12-31", `Did you mean "source.postgres.erp"?`}}},
		{"to the wrong role", "migration \"m\" {\n  source = target.sqlite.x\n  target = target.sqlite.x\n}\ntarget \"sqlite\" \"x\" { path = \"p\" }\n",
			[]refused{{"unknown-reference", "m.dmo.hcl:2:12-27", "is a target, but the argument \"source\" takes a source"}}},
		{"in quotes", "migration \"m\" {\n  source = \"source.sqlite.x\"\n  target = target.sqlite.x\n}\ntarget \"sqlite\" \"x\" { path = \"p\" }\n",
			[]refused{{"not-a-reference", "m.dmo.hcl:2:12-29", "without quotes"}}},
		{"variable", inMigration("  exclude \"a\" { tables = [var.tabels] }") + "variable \"tables\" {\n  default = \"x\"\n}\n",
			[]refused{{"unknown-reference", "m.dmo.hcl:11:27-37", `Did you mean "tables"?`}}},
		{"local", inMigration("  exclude \"a\" { tables = local.x }"),
			[]refused{{"unknown-reference", "m.dmo.hcl:11:26-33", "locals { x = VALUE }"}}},
		{"bare word", inMigration("  verify { default = content }"),
			[]refused{{"unknown-reference", "m.dmo.hcl:11:22-29", `Text is written in quotes: "content"`}}},
		{"variable without var", inMigration("  exclude \"a\" { tables = [sid] }") + "variable \"sid\" { default = \"x\" }\n",
			[]refused{{"unknown-reference", "m.dmo.hcl:11:27-30", "Did you mean var.sid?"}}},
		{"block as value", "locals {\n  a = source.postgres.erp\n}\n" + valid,
			[]refused{{"unknown-reference", "m.dmo.hcl:2:7-26", "it has no value"}}},
		{"function", inMigration("  exclude \"a\" { tables = [uper(\"x\")] }"),
			[]refused{{"unknown-function", "m.dmo.hcl:11:27-31", `Did you mean "upper"?`}}},
		{"iterator out of its block", inMigration("  dynamic \"exclude\" {\n    for_each = [exclude.value]\n    labels = [exclude.value]\n    content { tables = [exclude.key] }\n  }"),
			[]refused{{"unknown-reference", "m.dmo.hcl:12:17-30", `Nothing is named "exclude"`}}},
		{"in validation", "variable \"a\" {\n  default = 1\n  validation {\n    condition = var.b > 1\n    error_message = \"x\"\n  }\n}\n" + valid,
			[]refused{{"unknown-reference", "m.dmo.hcl:4:17-22", "only to its own variable, var.a"}}},
	})
}

func TestCyclicLocals(t *testing.T) {
	// Failure scenario: spec: cyclic locals
	checkMistakes(t, []mistake{
		{"cyclic locals", "locals {\n  a = local.b\n  b = \"${local.c}\"\n  c = [local.a]\n  d = local.d\n  e = local.a\n}\n" + valid, []refused{
			{"cyclic-locals", "m.dmo.hcl:2:3-4", "local.a -> local.b -> local.c -> local.a"},
			{"cyclic-locals", "m.dmo.hcl:5:3-4", "local.d -> local.d"}}},
	})
}
