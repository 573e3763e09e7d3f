package lang

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// endpointOf resolves a reference such as source.postgres.erp. It returns nil after
// it has reported why it cannot, or where the argument is absent.
func (l *loader) endpointOf(b *block, argument, role string, all map[string]*endpoint) *endpoint {
	a := b.attrs[argument]
	if a == nil {
		return nil
	}
	traversal, diags := hcl.AbsTraversalForExpr(a.expr)
	if diags.HasErrors() {
		l.errorAt(a.at, diag.NotAReference, "Not a reference", fmt.Sprintf(
			"The argument %q names a block of the spec, without quotes and without an expression around it:\n  %s = %s.TYPE.NAME", argument, argument, role))
		return nil
	}
	address := addressOf(traversal)
	if e := all[address]; e != nil && e.Role == role {
		e.used = true
		return e
	}
	l.errorAt(a.at, diag.UnknownReference, "Unknown reference", l.missingEndpoint(argument, role, address, all))
	return nil
}

// addressOf prints a traversal of names; anything else in it yields no known address.
func addressOf(t hcl.Traversal) string {
	parts := make([]string, 0, len(t))
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, step.Name)
		case hcl.TraverseAttr:
			parts = append(parts, step.Name)
		default:
			parts = append(parts, "[...]")
		}
	}
	return strings.Join(parts, ".")
}

func (l *loader) missingEndpoint(argument, role, address string, all map[string]*endpoint) string {
	if e := all[address]; e != nil {
		return fmt.Sprintf("%s is %s, but the argument %q takes %s.", address, article(e.Role), argument, article(role))
	}
	var known []string
	for name, e := range all {
		if e.Role == role {
			known = append(known, name)
		}
	}
	sort.Strings(known)
	otherwise := fmt.Sprintf("The spec declares no %s block at all.", role)
	if len(known) > 0 {
		otherwise = fmt.Sprintf("Declared: %s.", listed(known, "and"))
	}
	if strings.Count(address, ".") != 2 || !strings.HasPrefix(address, role+".") {
		otherwise = fmt.Sprintf("It takes a reference of the form %s.TYPE.NAME. %s", role, otherwise)
	}
	return fmt.Sprintf("The spec declares no %s. %s", address, didYouMean(address, known, otherwise))
}
