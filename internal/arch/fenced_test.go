package arch

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const protocol = "providers/fenced"

// TestProtocolOnlyInFenced holds that engines neither know what a run's token is, nor the rows of the
// ledger, nor when a run is fenced: who copied the protocol into an engine would need all three. Engines make
// and drop the ledger's tables; what is in them is spelled from fenced's relations.
func TestProtocolOnlyInFenced(t *testing.T) {
	engines := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(name, "providers/") || name == protocol || name == "providers/providertest" {
			continue
		}
		for _, path := range p.Imports {
			if path == module+protocol {
				engines++
			}
		}
		for _, s := range sources(t, listed{Dir: p.Dir, GoFiles: p.GoFiles}) {
			for _, found := range protocolIn(s) {
				t.Errorf("%s: this is the target's protocol, which is %s", found, protocol)
			}
		}
	}
	if engines < 4 {
		t.Errorf("%d engines import %s, fewer than there are targets", engines, protocol)
	}
}

// protocolIn lists where a file does what is fenced's to do.
func protocolIn(s source) (out []string) {
	words := map[string]string{"ledger": "Loaded Contents Table Package Planned Made Emptying Empty",
		"providers": "Fenced Session Tx"}
	statement := regexp.MustCompile(`(?i)\b(INTO|UPDATE|UPSERT|FROM|JOIN)\s+"?dmo"?[._]"?(run|tables|planned|loaded|made)\b`)
	ast.Inspect(s.file, func(n ast.Node) bool {
		found := ""
		switch n := n.(type) {
		case *ast.SelectorExpr:
			pkg, _ := n.X.(*ast.Ident)
			switch {
			case pkg != nil && slices.Contains(strings.Fields(words[pkg.Name]), n.Sel.Name):
				found = pkg.Name + "." + n.Sel.Name
			case n.Sel.Name == "Token" && (pkg == nil || pkg.Name != "fenced"):
				found = "the token of a run"
			}
		case *ast.BasicLit:
			found = statement.FindString(n.Value)
		}
		if found != "" {
			out = append(out, s.set.Position(n.Pos()).String()+": "+found)
		}
		return true
	})
	return out
}
