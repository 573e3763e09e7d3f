package diag

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/ids.txt again")

// declared reads the constants of ids.go.
func declared(t *testing.T) map[string]ID {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "ids.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]ID)
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		out[v.Names[0].Name] = ID(text)
		return false
	})
	return out
}

func TestIDs(t *testing.T) {
	// Programs depend on these: what is in the list and changes is a change of an interface.
	var ids []string
	for name, id := range declared(t) {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(string(id)) {
			t.Errorf("%s is %q", name, id)
		}
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	if n := len(ids); len(slices.Compact(ids)) != n {
		t.Error("an id has two constants")
	}
	path := filepath.Join("testdata", "ids.txt")
	got := strings.Join(ids, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the ids are\n%s", got)
	}
}

func TestIDsAreConstantsAndUsed(t *testing.T) {
	used := make(map[string]bool)
	for _, root := range []string{"../../lang", "../../planner", "../../executor", "../../cmd", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "ids.go" {
				return err
			}
			places := token.NewFileSet()
			file, err := parser.ParseFile(places, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					used[n.Name] = true
				case *ast.CallExpr:
					if text := literalID(n); text != "" {
						t.Errorf("%s: the id %s is not a constant of diag", places.Position(n.Pos()), text)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range declared(t) {
		if !used[name] {
			t.Errorf("nothing makes a diagnostic %s", name)
		}
	}
}

// literalID returns the literal in the place of an id among the arguments of a call.
func literalID(call *ast.CallExpr) string {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); (name == "Error" || name == "Warning") && (!ok || x.Name != "diag") {
			return ""
		}
	}
	place, known := map[string]int{"Error": 0, "Warning": 0, "refuse": 0, "errorAt": 1}[name]
	if !known || len(call.Args) <= place {
		return ""
	}
	if text, ok := call.Args[place].(*ast.BasicLit); ok && text.Kind == token.STRING {
		return text.Value
	}
	return ""
}
