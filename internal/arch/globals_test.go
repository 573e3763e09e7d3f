package arch

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// TestNoMutableGlobals holds that a package-level variable gets its value where
// it is declared, is never written again, and is nothing that changes by use.
func TestNoMutableGlobals(t *testing.T) {
	for _, p := range packages(t) {
		files := sources(t, p)
		vars := make(map[string]*ast.ValueSpec)
		for _, s := range files {
			for _, d := range s.file.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, spec := range g.Specs {
					v := spec.(*ast.ValueSpec)
					checkVar(t, s, g, v)
					for _, n := range v.Names {
						vars[n.Name] = v
					}
				}
			}
		}
		for _, s := range files {
			checkWrites(t, s, vars)
		}
	}
}

func checkVar(t *testing.T, s source, g *ast.GenDecl, v *ast.ValueSpec) {
	t.Helper()
	for _, n := range v.Names {
		where := s.set.Position(n.Pos())
		switch {
		case n.Name == "_" || embedded(g):
		case n.Name == "version" && strings.HasPrefix(s.path, "cmd/"):
			// The linker writes it.
		case len(v.Values) == 0:
			t.Errorf("%s:%d: var %s has no value where it is declared: state belongs into a value that is passed", s.path, where.Line, n.Name)
		case changesByUse(v):
			t.Errorf("%s:%d: var %s changes by use: state belongs into a value that is passed", s.path, where.Line, n.Name)
		}
	}
}

// embedded says whether the compiler fills the variable from a file.
func embedded(g *ast.GenDecl) bool {
	if g.Doc == nil {
		return false
	}
	for _, c := range g.Doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// changesByUse finds locks, pools, counters and channels.
func changesByUse(v *ast.ValueSpec) bool {
	found := false
	check := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			found = true
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && (pkg.Name == "sync" || pkg.Name == "atomic") {
				found = true
			}
		}
		return true
	}
	for _, e := range v.Values {
		ast.Inspect(e, check)
	}
	return found
}

func checkWrites(t *testing.T, s source, vars map[string]*ast.ValueSpec) {
	t.Helper()
	written := func(e ast.Expr) {
		id := root(e)
		if id == nil || id.Name == "_" || vars[id.Name] == nil {
			return
		}
		// The parser resolves what is declared in this file; a name of another
		// file stays open. Anything else is a local of the same name.
		if id.Obj == nil || id.Obj.Decl == vars[id.Name] {
			t.Errorf("%s:%d: writes the package-level var %s", s.path, s.set.Position(id.Pos()).Line, id.Name)
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					written(e)
				}
			}
		case *ast.IncDecStmt:
			written(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				written(n.X)
			}
		}
		return true
	})
}

// root returns the variable that an expression such as v.f[i] stands in.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
