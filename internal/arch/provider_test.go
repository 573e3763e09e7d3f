package arch

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNewProviderFigures holds that docs/new-provider.md names every file of the engines in one part, and how
// many lines each part takes, to a sixth or 30 lines.
func TestNewProviderFigures(t *testing.T) {
	text, err := os.ReadFile("../../docs/new-provider.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| ([a-z][^|]*) \\| `([^`]+)` \\| (\\d+) \\| (\\d+) \\| (\\d+) \\| (\\d+) \\|$")
	parts := row.FindAllStringSubmatch(string(text), -1)
	for i, engine := range []string{"postgres", "hana", "sqlite", "memory"} {
		lines := make(map[string]int)
		files, err := filepath.Glob("../../providers/" + engine + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("files of %s: %v", engine, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".go")
			if strings.HasSuffix(name, "_test") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := partsOf(name, parts)
			if len(in) != 1 {
				t.Errorf("%s/%s.go is in %d parts of the table: %q", engine, name, len(in), in)
				continue
			}
			lines[in[0]] += bytes.Count(b, []byte("\n"))
		}
		for _, m := range parts {
			said, err := strconv.Atoi(m[3+i])
			if is := lines[m[1]]; err != nil || max(is-said, said-is) > max(30, is/6) {
				t.Errorf("%s of %s take %d lines, the table says %s", m[1], engine, is, m[3+i])
			}
		}
	}
}

func partsOf(file string, parts [][]string) (out []string) {
	for _, m := range parts {
		for _, pattern := range strings.Fields(m[2]) {
			if ok, _ := path.Match(pattern, file); ok {
				out = append(out, m[1])
				break
			}
		}
	}
	return out
}
