package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// checkBodies compares all blocks with their schemas, without evaluating anything,
// so that the content of dynamic blocks is checked even where it is never used.
func (l *loader) checkBodies() {
	root := rootBlock()
	for _, b := range l.decls.dmo {
		l.checkBody(b.Body, root.Block("dmo"), nil)
	}
	for _, b := range l.decls.variables {
		l.checkBody(b.Body, root.Block("variable"), nil)
		l.checkValidations(b)
	}
	for _, own := range l.locals {
		l.checkRefs(own.expr, nil)
	}
	for _, b := range l.decls.endpoints {
		if s := l.endpointSchema(b); s != nil {
			l.checkBody(b.Body, s, nil)
		}
	}
	for _, b := range l.decls.migrations {
		l.checkBody(b.Body, root.Block("migration"), nil)
	}
}

func (l *loader) checkBody(body *hclsyntax.Body, s *schema.Block, iterators []string) {
	for _, a := range sortedAttrs(body) {
		l.checkAttr(a, s, iterators)
	}
	for _, b := range body.Blocks {
		if b.Type == "dynamic" {
			l.checkDynamic(b, s, iterators)
			continue
		}
		if child := l.checkBlockType(b.Type, b.TypeRange, s); child != nil && l.checkLabels(child, b) {
			l.checkBody(b.Body, child, iterators)
		}
	}
}

func (l *loader) checkAttr(a *hclsyntax.Attribute, s *schema.Block, iterators []string) {
	known := s.Attr(a.Name)
	switch {
	case known == nil && s.Block(a.Name) != nil:
		l.errorAt(a.NameRange, diag.UnsupportedArgument, "Unsupported argument",
			fmt.Sprintf("%q is a block, not an argument: write it without \"=\".\n  %s { ... }", a.Name, shape(s.Block(a.Name))))
	case known == nil:
		l.errorAt(a.NameRange, diag.UnsupportedArgument, "Unsupported argument",
			fmt.Sprintf("An argument named %q is not expected in %s block. %s", a.Name, article(s.Type), suggestName(a.Name, s)))
	case known.Planned:
		l.notAvailable(a.NameRange, fmt.Sprintf("The argument %q of %s block", a.Name, article(s.Type)))
	case known.Kind == schema.Reference || known.Kind == schema.Expression || s.Type == "validation":
		// Not a value of the usual scope; whoever decodes it checks its names.
	default:
		if known.Sensitive {
			l.sources.hideLiteral(a.Expr)
		}
		l.checkRefs(a.Expr, iterators)
	}
}

// checkBlockType returns the schema of a nested block that may be used.
func (l *loader) checkBlockType(kind string, at hcl.Range, s *schema.Block) *schema.Block {
	child := s.Block(kind)
	switch {
	case child == nil && s.Attr(kind) != nil:
		l.errorAt(at, diag.UnsupportedBlock, "Unsupported block type",
			fmt.Sprintf("%q is an argument, not a block: write it with \"=\".\n  %s = %s", kind, kind, exampleOf(s.Attr(kind))))
	case child == nil:
		l.errorAt(at, diag.UnsupportedBlock, "Unsupported block type",
			fmt.Sprintf("Blocks of type %q are not expected in %s block. %s", kind, article(s.Type), suggestName(kind, s)))
	case child.Planned:
		l.notAvailable(at, fmt.Sprintf("The block %q", kind))
	default:
		return child
	}
	return nil
}

func (l *loader) notAvailable(at hcl.Range, what string) {
	l.errorAt(at, diag.NotAvailable, "Not available in this version",
		what+" is known, but not available in this version of dmoctl. Remove it.")
}

// checkDynamic checks a block that makes blocks.
func (l *loader) checkDynamic(b *hclsyntax.Block, s *schema.Block, iterators []string) {
	if len(b.Labels) != 1 {
		l.errorAt(b.DefRange(), diag.MissingLabel, "Missing block label",
			"A dynamic block names the type of the blocks that it generates:\n  dynamic \"TYPE\" { ... }")
		return
	}
	child := l.checkBlockType(b.Labels[0], b.LabelRanges[0], s)
	if child == nil {
		return
	}
	iterator := b.Labels[0]
	if a := b.Body.Attributes["iterator"]; a != nil {
		if name := hcl.ExprAsKeyword(a.Expr); name != "" {
			iterator = name
		}
	}
	inner := append(append([]string(nil), iterators...), iterator)
	if a := b.Body.Attributes["for_each"]; a != nil {
		l.checkRefs(a.Expr, iterators)
	}
	if a := b.Body.Attributes["labels"]; a != nil {
		l.checkRefs(a.Expr, inner)
	}
	for _, content := range b.Body.Blocks {
		if content.Type == "content" {
			l.checkBody(content.Body, child, inner)
		}
	}
}

// checkValidations allows conditions to see their own variable only.
func (l *loader) checkValidations(b *hclsyntax.Block) {
	for _, v := range b.Body.Blocks {
		for _, name := range []string{"condition", "error_message"} {
			a := v.Body.Attributes[name]
			if v.Type != "validation" || a == nil {
				continue
			}
			if !l.checkCalls(a.Expr) {
				l.bad = append(l.bad, a.Expr.Range())
			}
			for _, t := range a.Expr.Variables() {
				if t.RootName() == "var" && stepName(t) == b.Labels[0] {
					continue
				}
				l.bad = append(l.bad, a.Expr.Range())
				l.errorAt(t.SourceRange(), diag.UnknownReference, "Unknown reference",
					fmt.Sprintf("A validation can refer only to its own variable, var.%s.", b.Labels[0]))
			}
		}
	}
}

// suggestName offers what a block does have.
func suggestName(given string, s *schema.Block) string {
	var names []string
	for _, a := range s.Attrs {
		if !a.Planned {
			names = append(names, a.Name)
		}
	}
	for _, b := range s.Blocks {
		if !b.Planned {
			names = append(names, b.Type)
		}
	}
	if len(names) == 0 {
		return "It takes none."
	}
	otherwise := fmt.Sprintf("It has %s.", listed(names, "and"))
	root := rootBlock()
	if owner := ownerOf(&root, given); owner != "" && owner != s.Type {
		otherwise = fmt.Sprintf("%q belongs in %s block.", given, article(owner))
	}
	return didYouMean(given, names, otherwise)
}

// shape prints the header of a block.
func shape(b *schema.Block) string {
	s := b.Type
	for _, label := range b.Labels {
		s += fmt.Sprintf(" %q", upper(label))
	}
	return s
}

// exampleOf prints a value that an argument could have.
func exampleOf(a *schema.Attr) string {
	switch {
	case a.Sensitive:
		return "env(\"NAME\")"
	case a.Example != "":
		return written(a, a.Example)
	case a.Default != "":
		return written(a, a.Default)
	case len(a.Choices) > 0:
		return fmt.Sprintf("%q", a.Choices[0])
	}
	switch a.Kind {
	case schema.Int:
		return "1"
	case schema.Bool:
		return "true"
	case schema.Strings:
		return "[\"...\"]"
	case schema.Size:
		return "\"256MiB\""
	case schema.Duration:
		return "\"90s\""
	case schema.Rate:
		return "\"800Mbps\""
	case schema.Percent:
		return "\"20%\""
	}
	return "\"...\""
}

// written prints a schema's default or example as it stands in a spec.
func written(a *schema.Attr, value string) string {
	switch a.Kind {
	case schema.String, schema.Size, schema.Duration, schema.Rate, schema.Percent:
		return fmt.Sprintf("%q", value)
	}
	return value
}
