package diag

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/mitchellh/go-wordwrap"

	"github.com/dmoctl/dmoctl/internal/printable"
)

// TextOptions say how WriteText prints.
type TextOptions struct {
	Color bool
	Width int // columns at which details wrap; 0 is 80
}

// WriteText prints diagnostics for people, one after the other, each followed by
// an empty line.
func WriteText(w io.Writer, ds Diagnostics, how TextOptions) error {
	var out strings.Builder
	for _, d := range ds {
		writeOne(&out, d, how)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func writeOne(out *strings.Builder, d Diagnostic, how TextOptions) {
	word, colour := "Error", "\x1b[31;1m"
	if d.Severity == SeverityWarning {
		word, colour = "Warning", "\x1b[33;1m"
	}
	fmt.Fprintf(out, "%s %s", paint(how, colour, word+":"), paint(how, "\x1b[1m", printable.Line(d.Summary)))
	if d.ID != "" {
		out.WriteString(paint(how, "\x1b[2m", " ["+string(d.ID)+"]"))
	}
	out.WriteString("\n")
	if d.Subject != nil {
		writePlace(out, d, how)
	}
	if d.Detail != "" {
		out.WriteString(wrap(d.Detail, how.Width))
	}
	out.WriteString("\n")
}

func writePlace(out *strings.Builder, d Diagnostic, how TextOptions) {
	fmt.Fprintf(out, "  at %s", printable.Line(d.Subject.Filename))
	if d.Subject.Start.Line > 0 {
		fmt.Fprintf(out, ":%d:%d", d.Subject.Start.Line, d.Subject.Start.Column)
	}
	s := d.Snippet
	if s == nil {
		out.WriteString("\n")
		return
	}
	if s.Context != "" {
		fmt.Fprintf(out, ", in %s", printable.Line(s.Context))
	}
	number := fmt.Sprint(s.StartLine)
	gutter := strings.Repeat(" ", len(number))
	mark := max(1, runewidth.StringWidth(s.Code[s.HighlightStart:s.HighlightEnd]))
	fmt.Fprintf(out, "\n    %s | %s\n    %s | %s%s\n", number, s.Code, gutter,
		strings.Repeat(" ", runewidth.StringWidth(s.Code[:s.HighlightStart])),
		paint(how, "\x1b[31m", strings.Repeat("^", mark)))
}

func paint(how TextOptions, colour, text string) string {
	if !how.Color {
		return text
	}
	return colour + text + "\x1b[0m"
}

// wrap breaks a detail's lines and indents them. Indented lines are commands, or
// lists, and stay whole.
func wrap(detail string, width int) string {
	if width <= 0 {
		width = 80
	}
	var b strings.Builder
	for line := range strings.Lines(detail) {
		line = printable.Line(strings.TrimRight(line, "\n"))
		if !strings.HasPrefix(line, " ") {
			line = wordwrap.WrapString(line, uint(max(20, width-2)))
		}
		for part := range strings.Lines(line + "\n") {
			if strings.TrimSpace(part) != "" {
				b.WriteString("  ")
			}
			b.WriteString(part)
		}
	}
	return b.String()
}
