package lang

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Reference returns the documentation of the language as Markdown, for docs/spec.md:
// its rules, then all blocks and arguments from their schemas.
func Reference(drivers []providers.Driver) string {
	var b strings.Builder
	b.WriteString(rules)
	root := rootBlock()
	for i := range root.Blocks {
		block := &root.Blocks[i]
		writeBlock(&b, block, shape(block), 2)
		for j := range drivers {
			if own := roleBlock(&drivers[j], block.Type); own != nil && isRole(block.Type) {
				title := fmt.Sprintf("%s %q %q", block.Type, drivers[j].Type, "NAME")
				own.Doc = drivers[j].Doc
				writeBlock(&b, own, title, 3)
			}
		}
	}
	b.WriteString("## Functions\n\n")
	b.WriteString(strings.Join(sortedKeys(functions("", nil, secrets{})), ", "))
	b.WriteString("\n\n## Units\n\n")
	for _, row := range [][2]string{
		{"size", "`B`, `KB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024): `\"256MiB\"`"},
		{"duration", "`d`, `h`, `m`, `s`, `ms`, `us`, `ns`, also joined: `\"90s\"`, `\"1h30m\"`"},
		{"rate", "`bps`, `Kbps`, `Mbps`, `Gbps`, `Tbps`, bits a second: `\"800Mbps\"`"},
		{"percent", "`%`, from 0% to 100%: `\"20%\"`"},
	} {
		fmt.Fprintf(&b, "- %s: %s\n", row[0], row[1])
	}
	return b.String()
}

func isRole(kind string) bool {
	return kind == roleSource || kind == roleTarget || kind == roleStaging
}

func writeBlock(b *strings.Builder, s *schema.Block, title string, level int) {
	fmt.Fprintf(b, "%s `%s`\n\n%s", strings.Repeat("#", level), title, s.Doc)
	if s.Single {
		b.WriteString(" At most one.")
	}
	if s.Planned {
		b.WriteString(" Not available in this version.\n\n")
		return
	}
	b.WriteString("\n\n")
	if len(s.Attrs) > 0 {
		b.WriteString("| argument | kind | default | what |\n|---|---|---|---|\n")
	}
	for i := range s.Attrs {
		writeAttr(b, &s.Attrs[i])
	}
	if len(s.Attrs) > 0 {
		b.WriteString("\n")
	}
	for i := range s.Blocks {
		writeBlock(b, &s.Blocks[i], shape(&s.Blocks[i]), min(level+1, 6))
	}
}

func writeAttr(b *strings.Builder, a *schema.Attr) {
	value := "-"
	switch {
	case a.Planned:
		fmt.Fprintf(b, "| `%s` | %s | - | %s Not available in this version. |\n", a.Name, a.Kind, cell(a.Doc))
		return
	case a.Required:
		value = "required"
	case a.Default != "":
		value = "`" + written(a, a.Default) + "`"
	}
	doc := a.Doc
	if len(a.Choices) > 0 {
		doc += " One of " + listed(quoted(a.Choices), "or") + "."
	}
	if len(a.Unready) > 0 {
		doc += " Not available in this version: " + listed(quoted(a.Unready), "and") + "."
	}
	if bounds := boundsOf(a); bounds != "" {
		doc += " " + bounds
	}
	if a.Sensitive {
		doc += " Sensitive."
	}
	if a.Example != "" {
		doc += " Example: `" + exampleOf(a) + "`."
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.Name, a.Kind, value, cell(doc))
}

func boundsOf(a *schema.Attr) string {
	inUnits := func(n int64) string { return fmt.Sprint(n) }
	if a.Kind == schema.Size {
		inUnits = schema.FormatSize
	}
	switch {
	case a.Min > 0 && a.Max > 0:
		return fmt.Sprintf("From %s to %s.", inUnits(a.Min), inUnits(a.Max))
	case a.Min > 0:
		return fmt.Sprintf("At least %s.", inUnits(a.Min))
	}
	return ""
}

// cell keeps text inside one cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
