package lang

import (
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// declarations are the top-level blocks of all files, in order of files and lines.
type declarations struct {
	dmo, variables, locals, endpoints, migrations []*hclsyntax.Block
}

// declare sorts top-level blocks by type and reports what does not belong there.
func (l *loader) declare(files []*hclsyntax.Body) {
	root := rootBlock()
	for _, body := range files {
		for _, attr := range sortedAttrs(body) {
			l.errorAt(attr.NameRange, diag.UnsupportedArgument, "Unsupported argument",
				fmt.Sprintf("The argument %q is outside of any block. %s", attr.Name, topLevelHint(&root, attr.Name)))
		}
		for _, b := range body.Blocks {
			l.declareBlock(&root, b)
		}
	}
}

func (l *loader) declareBlock(root *schema.Block, b *hclsyntax.Block) {
	known := root.Block(b.Type)
	if known == nil {
		if b.Type == "dynamic" {
			l.errorAt(b.TypeRange, diag.UnsupportedBlock, "Unsupported block type",
				"A dynamic block generates the nested blocks of another block; it cannot generate top-level blocks.")
			return
		}
		l.errorAt(b.TypeRange, diag.UnsupportedBlock, "Unsupported block type",
			fmt.Sprintf("Blocks of type %q are not expected at the top level. %s", b.Type, topLevelHint(root, b.Type)))
		return
	}
	if !l.checkLabels(known, b) {
		return
	}
	switch b.Type {
	case "dmo":
		l.decls.dmo = append(l.decls.dmo, b)
	case "variable":
		l.decls.variables = append(l.decls.variables, b)
	case "locals":
		l.decls.locals = append(l.decls.locals, b)
	case "migration":
		l.decls.migrations = append(l.decls.migrations, b)
	default:
		l.decls.endpoints = append(l.decls.endpoints, b)
	}
}

// topLevelHint says where a misplaced name belongs.
func topLevelHint(root *schema.Block, name string) string {
	if owner := ownerOf(root, name); owner != "" {
		return fmt.Sprintf("%q belongs in a %s block.", name, owner)
	}
	names := make([]string, len(root.Blocks))
	for i, b := range root.Blocks {
		names[i] = b.Type
	}
	return didYouMean(name, names, fmt.Sprintf("A spec consists of %s blocks.", listed(names, "and")))
}

// ownerOf finds the block type that has an argument or nested block of that name.
func ownerOf(b *schema.Block, name string) string {
	for i := range b.Blocks {
		child := &b.Blocks[i]
		if child.Attr(name) != nil || child.Block(name) != nil {
			return child.Type
		}
		if owner := ownerOf(child, name); owner != "" {
			return owner
		}
	}
	return ""
}

// checkLabels compares a block's labels with its schema.
func (l *loader) checkLabels(known *schema.Block, b *hclsyntax.Block) bool {
	want, have := len(known.Labels), len(b.Labels)
	if want == have {
		return true
	}
	wanted := shape(known)
	if have < want {
		l.errorAt(b.DefRange(), diag.MissingLabel, "Missing block label",
			fmt.Sprintf("%s block is labelled with its %s:\n  %s { ... }", capital(article(known.Type)), listed(known.Labels, "and"), wanted))
		return false
	}
	l.errorAt(b.LabelRanges[want], diag.UnexpectedLabel, "Unexpected block label",
		fmt.Sprintf("%s block has %s. Write\n  %s { ... }", capital(article(known.Type)), countLabels(want), wanted))
	return false
}

func countLabels(n int) string {
	switch n {
	case 0:
		return "no label"
	case 1:
		return "one label"
	}
	return fmt.Sprintf("%d labels", n)
}

// longestName bounds names in bytes: a migration's stands in ledgers and file names.
const longestName = 64

// checkName reports a label that cannot serve as a name.
func (l *loader) checkName(label string, at hcl.Range) bool {
	if hclsyntax.ValidIdentifier(label) && len(label) <= longestName {
		return true
	}
	l.errorAt(at, diag.InvalidName, "Invalid name", nameRule(label))
	return false
}

func nameRule(name string) string {
	return fmt.Sprintf(
		"%q is not a valid name. A name starts with a letter, contains only letters, digits, \"_\" and \"-\", and has at most %d bytes.",
		clip(name),
		longestName,
	)
}

// sortedAttrs returns attributes in the order of the file.
func sortedAttrs(body *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	sort.Slice(attrs, func(i, j int) bool { return attrs[i].NameRange.Start.Byte < attrs[j].NameRange.Start.Byte })
	return attrs
}
