package lang

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// shortestSecret bounds what redaction replaces: shorter texts are parts of words.
const shortestSecret = 4

// secrets are the sensitive texts of one Load. Messages are not made from sensitive
// values; where a library quotes one all the same, it is replaced.
type secrets map[string]bool

// keep remembers the texts in a value.
func (s secrets) keep(v cty.Value) {
	plain, _ := v.UnmarkDeep()
	// What comes back is what the function returns: nil.
	_ = cty.Walk(plain, func(_ cty.Path, part cty.Value) (bool, error) {
		if part.Type() == cty.String && part.IsKnown() && !part.IsNull() && len(part.AsString()) >= shortestSecret {
			s[part.AsString()] = true
		}
		return true, nil
	})
}

// redact returns diagnostics without any of the texts.
func (s secrets) redact(ds diag.Diagnostics) diag.Diagnostics {
	if len(s) == 0 {
		return ds
	}
	var pairs []string
	for _, secret := range sortedKeys(s) {
		pairs = append(pairs, secret, "(sensitive value)")
	}
	replacer := strings.NewReplacer(pairs...)
	for i := range ds {
		ds[i].Detail = replacer.Replace(ds[i].Detail)
	}
	return ds
}
