package lang

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Sources are the texts that a spec was read from, for excerpts. Excerpts never
// show what stands in a sensitive argument. It is not safe for concurrent use.
type Sources struct {
	files     map[string]*source
	sensitive map[string]bool // argument names that hide their line in a file that does not parse
}

// source is one file.
type source struct {
	text   []byte
	body   *hclsyntax.Body // nil where it did not parse at all
	secret []hcl.Range
	values bool // a file of variable values, where any value may be a secret
}

func newSources(sensitive map[string]bool) *Sources {
	return &Sources{files: map[string]*source{}, sensitive: sensitive}
}

// sensitiveNames collects the names of all sensitive arguments of all drivers.
func sensitiveNames(drivers []providers.Driver) map[string]bool {
	names := map[string]bool{}
	for _, d := range drivers {
		for _, b := range []schema.Block{d.Source, d.Target, d.Staging} {
			for _, a := range b.Attrs {
				if a.Sensitive {
					names[a.Name] = true
				}
			}
		}
	}
	return names
}

// Locate returns the diagnostics with excerpts where their files are known.
func (s *Sources) Locate(ds diag.Diagnostics) diag.Diagnostics {
	out := make(diag.Diagnostics, len(ds))
	for i, d := range ds {
		out[i] = d
		if d.Snippet != nil || d.Subject == nil {
			continue
		}
		src, ok := s.files[d.Subject.Filename]
		if !ok || d.Subject.Start.Line == 0 {
			continue // about a file as a whole, or about none of ours
		}
		subject := src.complete(*d.Subject)
		out[i].Subject = &subject
		if snippet := diag.NewSnippet(src.text, subject, src.secret); snippet != nil {
			snippet.Context = src.context(subject.Start.Byte)
			out[i].Snippet = snippet
		}
	}
	return out
}

// complete finds the bytes of a range that only has a line and a column.
func (s *source) complete(r hcl.Range) hcl.Range {
	if r.Start.Byte >= 0 {
		return r
	}
	at := 0
	for line := 1; line < r.Start.Line; line++ {
		i := bytes.IndexByte(s.text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	// HCL counts columns in what a reader sees as one character.
	characters := bufio.NewScanner(bytes.NewReader(lineOf(s.text[at:])))
	characters.Buffer(nil, maxFileBytes)
	characters.Split(textseg.ScanGraphemeClusters)
	for column := 1; column < r.Start.Column && characters.Scan(); column++ {
		at += len(characters.Bytes())
	}
	r.Start.Byte = at
	r.End = r.Start
	length := wordLength(s.text[at:])
	r.End.Byte += length
	r.End.Column += length
	return r
}

// lineOf returns the first line of a text, without its end.
func lineOf(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

// wordLength returns how far a quoted string or a name reaches.
func wordLength(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	if text[0] == '"' {
		if i := bytes.IndexAny(text[1:], "\"\n"); i >= 0 {
			return i + 2
		}
	}
	if i := bytes.IndexAny(text, " \t\r\n={,]})"); i > 0 {
		return i
	}
	return 1
}

// context names the innermost block around a byte.
func (s *source) context(at int) string {
	if s.body == nil {
		return ""
	}
	name := ""
	for blocks := s.body.Blocks; blocks != nil; {
		var inner hclsyntax.Blocks
		for _, b := range blocks {
			if r := b.Range(); r.Start.Byte <= at && at < r.End.Byte {
				inner = b.Body.Blocks
				if b.Type != "content" {
					name = blockTitle(b.Type, b.Labels)
				}
			}
		}
		blocks = inner
	}
	return name
}

// blockTitle prints a block's header as a user writes it.
func blockTitle(kind string, labels []string) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, l := range labels {
		fmt.Fprintf(&b, " %q", l)
	}
	return b.String()
}

// hide keeps a range out of excerpts.
func (s *Sources) hide(r hcl.Range) {
	if src, ok := s.files[r.Filename]; ok {
		src.secret = append(src.secret, r)
	}
}

// hideLiteral hides an expression that may spell a secret out: one with a text of
// its own that is not the name of an environment variable or a file.
func (s *Sources) hideLiteral(expr hclsyntax.Expression) {
	var harmless, texts []hcl.Range
	visit(expr, func(node hclsyntax.Node) {
		switch node := node.(type) {
		case *hclsyntax.FunctionCallExpr:
			if readsOutside(node.Name) {
				harmless = append(harmless, node.Range())
			}
		case *hclsyntax.LiteralValueExpr:
			texts = append(texts, node.Range())
		}
	})
	for _, t := range texts {
		if !within(t, harmless) {
			s.hide(expr.Range())
			return
		}
	}
}

// hideTails hides what stands behind "=" where it may be a secret, for files whose
// structure is unknown because they do not parse.
func (s *Sources) hideTails(filename string) {
	src := s.files[filename]
	at := 0
	for line := range bytes.Lines(src.text) {
		if start := s.secretTail(src, line); start >= 0 {
			src.secret = append(src.secret, hcl.Range{Filename: filename,
				Start: hcl.Pos{Byte: at + start}, End: hcl.Pos{Byte: at + len(bytes.TrimRight(line, "\r\n"))}})
		}
		at += len(line)
	}
}

// secretTail returns where the value of the first argument that may be secret starts
// in a line, or -1.
func (s *Sources) secretTail(src *source, line []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(line[from:], '=')
		if i < 0 {
			return -1
		}
		from += i + 1
		if src.values || s.sensitive[lastName(line[:from-1])] {
			return from + len(line[from:]) - len(bytes.TrimLeft(line[from:], " \t"))
		}
	}
}

// lastName returns the name that a text ends in, blanks aside.
func lastName(text []byte) string {
	text = bytes.TrimRight(text, " \t")
	start := len(text)
	for start > 0 && (text[start-1] == '_' || ('a' <= text[start-1] && text[start-1] <= 'z') || ('0' <= text[start-1] && text[start-1] <= '9')) {
		start--
	}
	return string(text[start:])
}
