package lang

import (
	"strings"
	"testing"
)

const sidSpec = "variable \"sid\" {\n  type = string\n  default = \"default\"\n}\n" + valid

func migrationOf(variable string) string {
	return strings.Replace(valid, `"db01"`, variable, 1)
}

func TestPrecedence(t *testing.T) {
	files := map[string]string{}
	opts := Options{}
	check := func(want string) {
		t.Helper()
		files["m.dmo.hcl"] = migrationOf("var.sid") + "variable \"sid\" {\n  type = string\n  default = \"default\"\n}\n"
		directory(t, files)
		if got := mustLoad(t, opts).Source.Config.String("host"); got != want {
			t.Errorf("host %q, want %q", got, want)
		}
	}
	check("default")
	opts.Env = env("DMO_VAR_sid", "environment", "DMO_VAR_other", "x")
	check("environment")
	files["dmo.dmovars"] = "sid = \"dmo\"\n"
	check("dmo")
	files["a.auto.dmovars"] = "sid = \"auto a\"\n"
	files["b.auto.dmovars"] = "sid = \"auto b\"\n"
	files["unnamed.dmovars"] = "sid = \"never\"\n"
	check("auto b")
	files["named.dmovars"] = "sid = \"named\"\n"
	opts.VarFiles = []string{"named.dmovars"}
	check("named")
	opts.Vars = []string{"sid=one", "sid=two=2"}
	check("two=2")
	opts.Overrides = []Override{{Value: "sid=first"}, {File: true, Value: "named.dmovars"}}
	check("named")
}

func TestVariableTypes(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": inMigration(`  exclude "a" { tables = var.names }
  table_group "b" {
    tables = [var.group.pattern]
    split { parts = var.group.parts }
  }
  processes { downtime = var.n }`) + `
variable "names" { type = set(string) }
variable "n" { type = number }
variable "group" {
  type = object({ pattern = string, parts = optional(number, 7) })
}
`})
	spec := mustLoad(t, Options{Env: env("DMO_VAR_n", "12"),
		Vars: []string{`names=["B", "A"]`, `group={ pattern = "X*" }`}})
	if len(spec.Excludes[0].Tables) != 2 || spec.Groups[0].Split.Parts != 7 || spec.Processes.Downtime != 12 {
		t.Errorf("%+v", spec)
	}
}

func TestVariableMistakes(t *testing.T) {
	// Failure scenario: spec: a variable without a value
	for name, c := range map[string]struct {
		src  string
		opts Options
		want []refused
	}{
		"no value": {valid + "variable \"sid\" {}\n", Options{},
			[]refused{{"missing-variable", "m.dmo.hcl:12:10-15", "--var sid=VALUE"}}},
		"wrong type of --var": {valid + "variable \"n\" { type = number }\n", Options{Vars: []string{"n=abc"}},
			[]refused{{"wrong-type", "", "--var n: The value of variable \"n\" does not fit its type number"}}},
		"wrong type in the environment": {valid + "variable \"n\" { type = list(string) }\n", Options{Env: env("DMO_VAR_n", "abc")},
			[]refused{{"wrong-type", "", "DMO_VAR_n: the variable \"n\" takes a value of type list(string)"}}},
		"undeclared": {sidSpec, Options{Vars: []string{"sdi=1"}},
			[]refused{{"undeclared-variable", "", `Did you mean "sid"?`}}},
		"no equals sign": {sidSpec, Options{Vars: []string{"sid"}},
			[]refused{{"invalid-var-option", "", "--var sid=PRD"}}},
		"wrong type of default": {valid + "variable \"n\" {\n  type = list(number)\n  default = [\"x\"]\n}\n", Options{},
			[]refused{{"wrong-type", "m.dmo.hcl:14:13-18", "does not fit its type list(number)"}}},
		"default that is computed": {valid + "variable \"n\" {\n  default = env(\"x\")\n}\n", Options{},
			[]refused{{"default-not-constant", "m.dmo.hcl:13:13-21", "must be a literal value"}}},
		"unknown type": {valid + "variable \"n\" {\n  type = strin\n  default = 1\n}\n", Options{},
			[]refused{{"invalid-expression", "m.dmo.hcl:13:10-15", "strin"}}},
		"sensitive that is computed": {valid + "variable \"n\" {\n  sensitive = var.n\n  default = 1\n}\n", Options{},
			[]refused{{"not-constant", "m.dmo.hcl:13:15-20", "the literal true or false"}}},
		"unknown argument": {valid + "variable \"n\" {\n  defaults = 1\n  default = 1\n}\n", Options{},
			[]refused{{"unsupported-argument", "m.dmo.hcl:13:3-11", `not expected in a variable block`}}},
		"refused by its validation": {valid + "variable \"n\" {\n  default = 1\n  validation {\n    condition = var.n > 1\n    error_message = \"Too few.\"\n  }\n}\n", Options{},
			[]refused{{"invalid-variable", "m.dmo.hcl:12:10-13", "Too few.\nThe condition is at m.dmo.hcl:15:17."}}},
		"validation without a message": {valid + "variable \"n\" {\n  default = 1\n  validation {\n    condition = false\n  }\n}\n", Options{},
			[]refused{{"missing-argument", "m.dmo.hcl:14:3-13", "error_message"}}},
	} {
		t.Run(name, func(t *testing.T) {
			directory(t, map[string]string{"m.dmo.hcl": c.src})
			c.opts.Drivers = testDrivers()
			spec, _, ds := Load(".", c.opts)
			if spec != nil {
				t.Error("a spec came back")
			}
			checkRefused(t, ds, c.want)
		})
	}
}

func TestValueFileMistakes(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": sidSpec, "dmo.dmovars": "sid = upper(\"x\")\nsdi = 1\nx {}\nsid2 = [1\n"})
	_, _, ds := Load(".", Options{Drivers: testDrivers()})
	if !ds.HasErrors() {
		t.Error("a broken file was taken")
	}
	directory(t, map[string]string{"m.dmo.hcl": sidSpec, "dmo.dmovars": "sid = upper(\"x\")\nsdi = 1\nx {}\n"})
	_, _, ds = Load(".", Options{Drivers: testDrivers()})
	checkRefused(t, ds, []refused{
		{"not-constant", "dmo.dmovars:1:7-17", "must be a literal"},
		{"undeclared-variable", "dmo.dmovars:2:1-4", `Did you mean "sid"?`},
		{"unsupported-block", "dmo.dmovars:3:1-2", "NAME = VALUE"},
	})
	if ds[1].Severity != "warning" {
		t.Error("a value for an undeclared variable in a file is a warning, so that one file serves several specs")
	}
}
