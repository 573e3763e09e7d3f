package lang

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// A panic of a function or an operator is a mistake at its place, without a stack.
func TestPanicsReportedAsDiagnostics(t *testing.T) {
	for _, expression := range []string{"log(0, 0)", "1e999999999 % 7"} {
		directory(t, map[string]string{"m.dmo.hcl": "locals {\n  a = " + expression + "\n}\n" + valid})
		_, _, ds := Load(".", Options{Drivers: testDrivers()})
		said := text(ds)
		if !ds.HasErrors() || !strings.Contains(said, "m.dmo.hcl:2:7") || !strings.Contains(said, "cannot be computed") || strings.Contains(said, "goroutine") || strings.Contains(said, ".go:") {
			t.Errorf("%s: %s", expression, said)
		}
	}
}

func TestFormatWidths(t *testing.T) {
	for format, ok := range map[string]bool{
		"%10000d": true, "%10001d": false, "%-+010001s": false, "%.10001f": false, "%5.99999f": false, "%%99999": true, "99999%d": true,
		"%s99999": true, "%[1]99999d": false, "%d%%99999": true,
	} {
		directory(t, map[string]string{"m.dmo.hcl": "locals {\n  a = can(format(\"" + format + "\", 1, 2)) ? 1 : 0\n  b = try(format(\"" + format + "\", 1), \"\")\n}\n" + valid})
		if _, _, ds := Load(".", Options{Drivers: testDrivers()}); ds.HasErrors() {
			t.Errorf("%s: %s", format, text(ds))
		}
		if got := checkFormat([]cty.Value{cty.StringVal(format)}) == nil; got != ok {
			t.Errorf("%s is accepted: %v, want %v", format, got, ok)
		}
	}
}
