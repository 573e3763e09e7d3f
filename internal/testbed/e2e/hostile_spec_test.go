package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bombs are specs that take more than a machine has, each with the line that a diagnostic names.
func bombs() map[string]string {
	doubled := func(first, next string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "locals {\n  l0 = %s\n", first)
		for i := range 45 {
			fmt.Fprintf(&b, "  l%d = "+next+"\n", i+1, i, i)
		}
		return b.String() + "}\n"
	}
	return map[string]string{
		"a width":             `locals { a = format("%999999999d", 1) }`,
		"a precision":         `locals { a = format("%-5.999999999f", 1) }`,
		"an indent":           `locals { a = indent(999999999, "a\nb\nc") }`,
		"an indent of TiB":    `locals { a = indent(99999999999999, "a\nb") }`,
		"a range":             `locals { a = range(1000000000) }`,
		"replace of replace":  doubled(`"xx"`, `replace(replace(local.l%d, "x", "xxxxxxxxxx"), "y", "%d")`),
		"a template":          doubled(`"xxxxxxxxxxxxxxxx"`, `"${local.l%d}${local.l%d}"`),
		"lists":               doubled(`["x"]`, `concat(local.l%d, local.l%d)`),
		"lists in JSON":       doubled(`["x"]`, `[local.l%d, local.l%d]`) + "locals { z = jsonencode(local.l45) }",
		"nested for":          `locals { a = [for a in range(1000): [for b in range(1000): [for c in range(1000): "${a}${b}${c}"]]] }`,
		"nested JSON":         `locals { a = jsondecode(file("deep.json")) }`,
		"YAML aliases":        `locals { a = jsonencode(yamldecode(file("bomb.yaml"))) }`,
		"CSV":                 `locals { a = csvdecode(file("big.csv")) }`,
		"a number":            `locals { a = format("%d", 1e99999999) }`,
		"a pipe":              `locals { a = file("pipe") }`,
		"a device":            `locals { a = file("/dev/zero") }`,
		"a repeated regex":    `locals { a = regex("((a{0,100}){0,100}){0,100}", "aaaa") }`,
		"a panic":             `locals { a = log(0, 0) }`,
		"an operator's panic": `locals { a = 1e999999999 % 7 }`,
		"a dynamic block":     "",
		"brackets":            "locals { a = " + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + " }",
		"a variable's check":  "variable \"x\" {\n  default = \"a\"\n  validation {\n    condition = length(format(\"%999999999s\", var.x)) > 0\n    error_message = \"x\"\n  }\n}",
		"setproduct of lists": `locals { a = setproduct(range(1000), range(1000), range(1000)) }`,
	}
}

func TestHostileSpecLimits(t *testing.T) {
	// Done: shell: validate of a hostile spec ends within seconds and a bound of memory, with a diagnostic at its line and no stack
	d := binary()
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			body := "  transfer \"pipe\" {}\n"
			if text == "" {
				body += "  dynamic \"table_group\" {\n    for_each = flatten([for a in range(1000): [for b in range(1000): \"t${a}x${b}\"]])\n    labels = [table_group.value]\n    content { tables = [table_group.value] }\n  }\n"
			}
			files := map[string]string{
				"m.dmo.hcl": "source \"sqlite\" \"a\" { path = \"a.db\" }\ntarget \"sqlite\" \"b\" { path = \"b.db\" }\nmigration \"m\" {\n  source = source.sqlite.a\n  target = target.sqlite.b\n" + body + "}\n" + text + "\n",
			}
			switch name {
			case "nested JSON":
				files["deep.json"] = strings.Repeat("[", 15<<20)
			case "YAML aliases":
				files["bomb.yaml"] = yamlBomb()
			case "CSV":
				files["big.csv"] = "a,b,c,d,e,f\n" + strings.Repeat("1,2,3,4,5,6\n", 1<<20)
			case "a pipe":
				if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for file, content := range files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(d.path, "validate")
			cmd.Dir, cmd.Env = dir, d.env
			watch := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
			defer watch.Stop()
			out, err := cmd.CombinedOutput()
			said := string(out)
			if err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("exit %d, want 1", cmd.ProcessState.ExitCode())
			}
			if !strings.Contains(said, "at m.dmo.hcl:") || strings.Contains(said, "goroutine") || strings.Contains(said, ".go:") {
				t.Errorf("no place, or a stack:\n%s", tail(said))
			}
			used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if peak := used.Maxrss >> 10; peak > 1400 {
				t.Errorf("%d MiB of memory", peak)
			}
			if took := time.Duration(used.Utime.Nano() + used.Stime.Nano()); took > 20*time.Second {
				t.Errorf("%s of the processor", took)
			}
		})
	}
}

// yamlBomb is a list of lists, twelve deep, nine times as many each time.
func yamlBomb() string {
	var b strings.Builder
	b.WriteString("a: &a [" + strings.Repeat("lol,", 8) + "lol]\n")
	for i := 'b'; i < 'm'; i++ {
		fmt.Fprintf(&b, "%c: &%c [%s*%c]\n", i, i, strings.Repeat(fmt.Sprintf("*%c,", i-1), 8), i-1)
	}
	return b.String()
}
