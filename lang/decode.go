package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// maxBlocks bounds what nested dynamic blocks can make.
const maxBlocks = 50_000

// block is one evaluated block.
type block struct {
	schema      *schema.Block
	labels      []string
	labelRanges []hcl.Range
	at          hcl.Range
	attrs       map[string]*argument // those written down, with a usable value or not
	values      schema.Values        // with defaults
	open        map[string]any       // values that may be stored: neither sensitive nor connection
	blocks      map[string][]*block
}

// argument is one attribute as it was written.
type argument struct {
	expr hcl.Expression
	at   hcl.Range   // its value
	name hcl.Range   // its name
	each []hcl.Range // elements of a list that is written out, else empty
}

// only returns the nested block of a type that may stand once, or nil.
func (b *block) only(kind string) *block {
	if found := b.blocks[kind]; len(found) > 0 {
		return found[0]
	}
	return nil
}

// valueRange is where an argument's value stands, or the block where it is a default.
func (b *block) valueRange(name string) hcl.Range {
	if a := b.attrs[name]; a != nil {
		return a.at
	}
	return b.at
}

// decodeTop evaluates a top-level block and all blocks in it.
func (l *loader) decodeTop(b *hclsyntax.Block, s *schema.Block, provider bool) *block {
	h := b.AsHCLBlock()
	h.Body = dynblock.Expand(b.Body, l.ctx, dynblock.OptCheckForEach(l.checkForEach))
	d := &decoder{loader: l, provider: provider}
	return d.decode(h, s)
}

// decoder evaluates one top-level block.
type decoder struct {
	*loader
	provider bool // arguments may be sensitive or unset
	count    int
}

func (d *decoder) decode(h *hcl.Block, s *schema.Block) *block {
	b := &block{schema: s, labels: h.Labels, labelRanges: h.LabelRanges, at: h.DefRange,
		attrs: map[string]*argument{}, values: schema.Values{}, open: map[string]any{}, blocks: map[string][]*block{}}
	d.progress.at.Store(&b.at)
	if d.count++; d.count > maxBlocks {
		if d.count == maxBlocks+1 {
			d.errorAt(h.DefRange, diag.TooManyBlocks, "Too many blocks", fmt.Sprintf("Dynamic blocks generate more than %d blocks here.", maxBlocks))
		}
		return b
	}
	content, _, diags := h.Body.PartialContent(bodySchema(s))
	d.addHCL(withoutLabels(diags))
	for i := range s.Attrs {
		if !s.Attrs[i].Planned {
			d.decodeAttr(b, &s.Attrs[i], content.Attributes[s.Attrs[i].Name])
		}
	}
	for _, inner := range content.Blocks {
		d.decodeInner(b, inner)
	}
	return b
}

func (d *decoder) decodeInner(b *block, inner *hcl.Block) {
	child := b.schema.Block(inner.Type)
	if earlier := b.blocks[inner.Type]; child.Single && len(earlier) > 0 {
		d.errorAt(inner.DefRange, diag.Duplicate, "Declared twice",
			fmt.Sprintf("%s block has at most one block %q; the first one is at %s.", capital(article(b.schema.Type)), inner.Type, place(earlier[0].at)))
		return
	}
	b.blocks[inner.Type] = append(b.blocks[inner.Type], d.decode(inner, child))
}

// bodySchema asks HCL for what a block may have. What it may not have, and what is
// required, is checked elsewhere with better messages.
func bodySchema(s *schema.Block) *hcl.BodySchema {
	out := &hcl.BodySchema{}
	for _, a := range s.Attrs {
		out.Attributes = append(out.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for _, b := range s.Blocks {
		if !b.Planned {
			out.Blocks = append(out.Blocks, hcl.BlockHeaderSchema{Type: b.Type, LabelNames: b.Labels})
		}
	}
	return out
}

// withoutLabels drops HCL's messages about labels, which checkLabels has reported.
func withoutLabels(in hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, d := range in {
		missing := strings.HasPrefix(d.Summary, "Missing ") && strings.Contains(d.Summary, " for ")
		if !missing && !strings.HasPrefix(d.Summary, "Extraneous label for ") {
			out = append(out, d)
		}
	}
	return out
}

// checkForEach refuses what dynamic blocks cannot be made from.
func (l *loader) checkForEach(v cty.Value, expr hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
	at := expr.Range()
	stop := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Reported", Subject: &at}}
	plain, sensitive, unset := reveal(v)
	switch {
	case !plain.IsWhollyKnown() && unset != "":
		l.errorAt(at, diag.UnsetEnvironment, "Environment variable is not set", unsetHere(unset))
	case plain.IsWhollyKnown() && sensitive:
		l.errorAt(at, diag.SensitiveValue, "Sensitive value cannot be used here",
			"The blocks it generates are printed and stored in plans, so for_each takes no sensitive value.")
	case plain.IsWhollyKnown():
		return nil
	}
	l.bad = append(l.bad, at) // drops what HCL would say besides
	return stop
}

func unsetHere(env string) string {
	return fmt.Sprintf(
		"The value depends on the environment variable %s, which is not set. Only a provider's connection "+
			"arguments may be left unset until they are needed; set it, or use a variable.",
		env,
	)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
