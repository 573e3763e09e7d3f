package arch

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Limits of what stands on one type, and of what a package shows.
const (
	maxMethodsOfType = 40
	maxExported      = 40
)

// wide are the types that have more methods, with the limits that they may not outgrow. In the
// test servers each is a dialect, with a method for each form that a statement has.
func wide() map[string]int {
	return map[string]int{
		"cmd/dmoctl.app":                                       57,
		"lang.loader":                                          67,
		"internal/testbed/histories.fixture":                   51,
		"internal/testbed/sim/hana.session":                    119,
		"internal/testbed/sim/oracle/internal/engine.Session":  106,
		"internal/testbed/sim/oracle/internal/engine.compiler": 54,
		"internal/testbed/sim/store.Compiler":                  45,
		"internal/testbed/sim/store.Parser":                    52,
	}
}

// lists are the packages that show more names, with the limits that they may not outgrow: the
// contract has a type for each change of structure, the engine of the test servers one for each
// part of a statement.
func lists() map[string]int {
	return map[string]int{"providers": 55, "internal/testbed/sim/store": 90}
}

// TestMethodCounts holds that no type has more methods than a reader can keep apart.
func TestMethodCounts(t *testing.T) {
	special := wide()
	for _, p := range packages(t) {
		count := make(map[string]int)
		for _, s := range sources(t, p) {
			for _, d := range s.file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
					count[receiver(f)]++
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(count)) {
			full := strings.TrimPrefix(p.ImportPath, module) + "." + name
			if n, limit := count[name], max(maxMethodsOfType, special[full]); n > limit {
				t.Errorf("type %s has %d methods, more than %d", full, n, limit)
			}
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(f *ast.FuncDecl) string {
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// TestExportedNames holds that a package shows few names.
func TestExportedNames(t *testing.T) {
	special := lists()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		n := 0
		for _, s := range sources(t, p) {
			if !strings.HasSuffix(s.path, "_test.go") {
				n += exported(s.file)
			}
		}
		if limit := max(maxExported, special[name]); n > limit {
			t.Errorf("package %s exports %d names, more than %d", name, n, limit)
		}
	}
}

// exported counts the types, functions and variables that a file exports. Constants are not
// counted: a list of them says one thing.
func exported(f *ast.File) int {
	n := 0
	count := func(id *ast.Ident) {
		if id.IsExported() {
			n++
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				count(d.Name)
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT || d.Tok == token.CONST {
				continue
			}
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					count(spec.Name)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						count(id)
					}
				}
			}
		}
	}
	return n
}
