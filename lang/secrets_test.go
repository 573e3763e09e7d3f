package lang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

func TestLiteralSecretsRefused(t *testing.T) {
	source := func(password string) string {
		return "source \"postgres\" \"x\" {\n  host = \"h\"\n  password = " + password + "\n}\n" + valid
	}
	end := func(password string) string { return fmt.Sprintf("m.dmo.hcl:3:14-%d", 14+len(password)) }
	var cases []mistake
	for name, c := range map[string]struct{ password, more, id string }{
		"literal":               {`"hunter2"`, "", "literal-secret"},
		"marked literal":        {`sensitive("hunter2")`, "", "literal-secret"},
		"computed literal":      {`sensitive(upper("hunter2"))`, "", "literal-secret"},
		"marked local":          {`sensitive(local.p)`, "locals {\n  p = \"hunter2\"\n}\n", "literal-secret"},
		"local with mark":       {`local.p`, "locals {\n  p = sensitive(\"hunter2\")\n}\n", "literal-secret"},
		"variable with default": {`var.p`, "variable \"p\" {\n  sensitive = true\n  default = \"hunter2\"\n}\n", "literal-secret"},
		"file without mark":     {`file("pw.txt")`, "", "not-sensitive"},
	} {
		cases = append(cases, mistake{name, source(c.password) + c.more, []refused{{c.id, end(c.password), "password"}}})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			directory(t, map[string]string{"m.dmo.hcl": c.src, "pw.txt": "hunter2"})
			_, _, ds := Load(".", Options{Drivers: testDrivers()})
			if len(ds) > 0 && ds[len(ds)-1].ID == "unused-block" {
				ds = ds[:len(ds)-1]
			}
			checkRefused(t, ds, c.want)
			if strings.Contains(text(ds), "hunter2") {
				t.Errorf("the secret is shown:\n%s", text(ds))
			}
		})
	}
}

func TestSecretsAccepted(t *testing.T) {
	for name, c := range map[string]struct{ password, more string }{
		"environment":           {`env("PW")`, ""},
		"part of a text":        {`"${env("PW")}"`, ""},
		"file":                  {`sensitive(file("pw.txt"))`, ""},
		"trimmed file":          {`sensitive(trimspace(file("pw.txt")))`, ""},
		"variable":              {`var.p`, "variable \"p\" {\n  sensitive = true\n  type = string\n}\n"},
		"variable with null":    {`var.p`, "variable \"p\" {\n  sensitive = true\n  default = null\n}\n"},
		"local":                 {`local.p`, "locals {\n  p = env(\"PW\")\n}\n"},
		"marked plain variable": {`sensitive(var.p)`, "variable \"p\" {}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			directory(t, map[string]string{"m.dmo.hcl": strings.Replace(valid, `env("DMO_SOURCE_PASSWORD")`, c.password, 1) + c.more, "pw.txt": "hunter2"})
			opts := Options{Env: env("PW", "hunter2")}
			if strings.Contains(c.more, "variable") {
				opts.Vars = []string{"p=hunter2"}
			}
			spec := mustLoad(t, opts)
			if got := spec.Source.Config.String("password"); got != "hunter2" {
				t.Errorf("password %q", got)
			}
		})
	}
}

func TestUnsetEnvironment(t *testing.T) {
	directory(t, map[string]string{"m.dmo.hcl": valid})
	spec := mustLoad(t, Options{})
	if got := spec.Source.Config["password"]; got != (schema.Unset{Env: "DMO_SOURCE_PASSWORD"}) {
		t.Errorf("password %#v", got)
	}
	if err := spec.Source.Config.Check(); err == nil || !strings.Contains(err.Error(), "DMO_SOURCE_PASSWORD") {
		t.Errorf("Check: %v", err)
	}
	checkMistakes(t, []mistake{
		{"where a value must be known", inMigration("  exclude \"a\" { tables = [env(\"X\")] }"),
			[]refused{{"sensitive-value", "m.dmo.hcl:11:26-36", "DMO_VAR_NAME"}}},
		{"in a choice", strings.Replace(valid, "path = \"new.db\"", "path = \"new.db\"\n  existing = env(\"X\")", 1),
			[]refused{{"unset-environment", "m.dmo.hcl:7:14-22", "variable X, which is not set"}}},
		{"in for_each", inMigration("  dynamic \"exclude\" {\n    for_each = split(\",\", env(\"X\"))\n    labels = [\"a\"]\n    content { tables = [\"A\"] }\n  }"),
			[]refused{{"unset-environment", "m.dmo.hcl:12:16-36", "variable X, which is not set"}}},
	})
}

// Whatever is wrong around a secret, no message and no excerpt shows it.
func TestSecretsNotShown(t *testing.T) {
	const secret = `p@ss:w/o%rd`
	for name, files := range map[string]map[string]string{
		"function that quotes its argument": {"m.dmo.hcl": valid + "locals {\n  a = parseint(env(\"PW\"), 10)\n}\n"},
		"nested in functions":               {"m.dmo.hcl": valid + "locals {\n  a = parseint(lower(env(\"PW\")), 10)\n}\n"},
		"local that quotes":                 {"m.dmo.hcl": valid + "locals {\n  s = env(\"PW\")\n  a = formatdate(\"YYYY\", local.s)\n}\n"},
		"json":                              {"m.dmo.hcl": valid + "locals {\n  a = jsondecode(env(\"PW\"))\n}\n"},
		"key of an object":                  {"m.dmo.hcl": valid + "locals {\n  a = { for x in [1, 2] : env(\"PW\") => x }\n}\n"},
		"index":                             {"m.dmo.hcl": valid + "locals {\n  a = {}[env(\"PW\")]\n}\n"},
		"path":                              {"m.dmo.hcl": valid + "locals {\n  a = file(env(\"PW\"))\n}\n"},
		"number":                            {"m.dmo.hcl": strings.Replace(valid, `host     = "db01"`, "host = \"x\"\n  port = env(\"PW\")", 1)},
		"duration":                          {"m.dmo.hcl": strings.Replace(valid, `host     = "db01"`, "host = \"x\"\n  timeout = env(\"PW\")", 1)},
		"label":                             {"m.dmo.hcl": inMigration("  dynamic \"exclude\" {\n    for_each = [1]\n    labels = [env(\"PW\")]\n    content { tables = [\"A\"] }\n  }")},
		"table":                             {"m.dmo.hcl": inMigration("  exclude \"a\" { tables = [\"${env(\"PW\")}.x.y\"] }")},
		"validation": {"m.dmo.hcl": valid + "variable \"p\" {\n  sensitive = true\n  validation {\n    condition = var.p == \"x\"\n    error_message = \"bad ${var.p}\"\n  }\n}\n",
			"dmo.dmovars": "p = \"" + secret + "\"\n"},
		"type of a variable":    {"m.dmo.hcl": valid + "variable \"p\" {\n  sensitive = true\n  type = number\n}\n", "dmo.dmovars": "p = \"" + secret + "\"\n"},
		"undeclared":            {"m.dmo.hcl": valid, "dmo.dmovars": "p = \"" + secret + "\"\n"},
		"default of a variable": {"m.dmo.hcl": valid + "variable \"p\" {\n  sensitive = true\n  type = number\n  default = \"" + secret + "\"\n}\n"},
		"broken values":         {"m.dmo.hcl": valid, "dmo.dmovars": "p = \"" + secret + "\n"},
		"broken spec":           {"m.dmo.hcl": "source \"postgres\" \"x\" { password = \"" + secret + "\n" + valid},
		"literal":               {"m.dmo.hcl": "source \"postgres\" \"x\" { password = \"" + secret + "\" }\n" + valid},
		"same line":             {"m.dmo.hcl": "source \"postgres\" \"x\" {\n  password = [\"" + secret + "\", x(1)]\n}\n" + valid},
	} {
		t.Run(name, func(t *testing.T) {
			directory(t, files)
			_, _, ds := Load(".", Options{Drivers: testDrivers(), Env: env("PW", secret)})
			if len(ds) == 0 {
				t.Fatal("nothing was reported")
			}
			var shown bytes.Buffer
			shown.WriteString(text(ds))
			if err := diag.WriteJSON(&shown, ds); err != nil {
				t.Fatal(err)
			}
			escaped, err := json.Marshal(secret)
			if err != nil {
				t.Fatal(err)
			}
			for _, form := range []string{secret, string(escaped), "p@ss", "w/o%rd"} {
				if strings.Contains(shown.String(), form) {
					t.Errorf("shown:\n%s", shown.String())
				}
			}
		})
	}
}
