package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// Limits. The aims are lower: files of 300 lines, functions of 40.
const (
	maxFileLines  = 500
	maxColumns    = 160 // of code that is neither a test nor a simulator; the aim is 120
	tabWidth      = 4
	maxFuncLines  = 80
	maxMethods    = 5 // of an interface's own, besides Close
	maxParameters = 4 // after a leading context or testing value
)

// source is one parsed file.
type source struct {
	path string // relative to the module
	set  *token.FileSet
	file *ast.File
	text []byte
}

// sources parses every Go file of one package.
func sources(t *testing.T, p listed) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var out []source
	for _, names := range [][]string{p.GoFiles, p.TestGoFiles, p.XTestGoFiles} {
		for _, name := range names {
			path := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, text, parser.ParseComments)
			if err != nil {
				t.Errorf("parse: %v", err)
				continue
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, source{path: rel, set: set, file: file, text: text})
		}
	}
	return out
}

func TestSizes(t *testing.T) {
	for _, p := range packages(t) {
		for _, s := range sources(t, p) {
			if n := bytes.Count(s.text, []byte("\n")); n > maxFileLines {
				t.Errorf("%s has %d lines, more than %d", s.path, n, maxFileLines)
			}
			for i, line := range bytes.Split(s.text, []byte("\n")) {
				n := utf8.RuneCount(line) + (tabWidth-1)*bytes.Count(line, []byte("\t"))
				if n > maxColumns && !strings.HasSuffix(s.path, "_test.go") && !strings.Contains(s.path, "/sim/") {
					t.Errorf("%s:%d: %d columns, more than %d", s.path, i+1, n, maxColumns)
				}
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					checkFunc(t, s, n)
				case *ast.TypeSpec:
					if i, ok := n.Type.(*ast.InterfaceType); ok {
						checkInterface(t, s, n.Name.Name, i)
					}
				}
				return true
			})
		}
	}
}

func checkFunc(t *testing.T, s source, f *ast.FuncDecl) {
	t.Helper()
	first, last := s.set.Position(f.Pos()).Line, s.set.Position(f.End()).Line
	if n := last - first + 1; n > maxFuncLines {
		t.Errorf("%s:%d: func %s has %d lines, more than %d", s.path, first, f.Name.Name, n, maxFuncLines)
	}
	if f.Recv == nil && f.Name.Name == "init" {
		t.Errorf("%s:%d: func init: packages do nothing before they are called", s.path, first)
	}
	count := f.Type.Params.NumFields()
	if count > 0 && leading(f.Type.Params.List[0].Type) {
		count--
	}
	if count > maxParameters {
		t.Errorf("%s:%d: func %s takes %d parameters, more than %d", s.path, first, f.Name.Name, count, maxParameters)
	}
}

// leading says whether a first parameter is one that does not count.
func leading(e ast.Expr) bool {
	if p, ok := e.(*ast.StarExpr); ok {
		e = p.X
	}
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && (pkg.Name == "context" || pkg.Name == "testing" || pkg.Name == "rapid")
}

func checkInterface(t *testing.T, s source, name string, i *ast.InterfaceType) {
	t.Helper()
	methods := 0
	for _, m := range i.Methods.List {
		for _, n := range m.Names {
			if n.Name != "Close" {
				methods++
			}
		}
	}
	if methods > maxMethods {
		t.Errorf("%s: interface %s has %d methods of its own, more than %d and Close", s.path, name, methods, maxMethods)
	}
}
