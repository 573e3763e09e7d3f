package view

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Style is how a plan is printed for people.
type Style struct {
	Colour bool
	Width  int // of the terminal in columns; 0 where lines are not wrapped
}

// wrap breaks a line between words so that no part is wider than width, the parts
// after the first indented. Escape sequences take no room; a word that is wider by
// itself stays whole.
func wrap(line string, width, indent int) string {
	if width <= indent || screenWidth(line) <= width {
		return line
	}
	var out strings.Builder
	column, blanks := 0, ""
	for i, word := range strings.Split(line, " ") {
		w := screenWidth(word)
		switch {
		case i == 0:
		case column+len(blanks)+1+w > width && strings.TrimSpace(out.String()) != "":
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column, blanks = indent, ""
		default:
			blanks += " "
		}
		if word == "" {
			continue
		}
		out.WriteString(blanks + word)
		column, blanks = column+len(blanks)+w, ""
	}
	return out.String()
}

// screenWidth is the width of s on a terminal, without its escape sequences.
func screenWidth(s string) int {
	for {
		start := strings.Index(s, "\x1b[")
		if start < 0 {
			return runewidth.StringWidth(s)
		}
		end := strings.IndexByte(s[start:], 'm')
		if end < 0 {
			return runewidth.StringWidth(s)
		}
		s = s[:start] + s[start+end+1:]
	}
}

// wrapped breaks the lines of a plan's text: under their phase, else under their start.
func wrapped(text string, width int) string {
	if width <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " ")) + 2
		if len(line) > phaseColumn && line[phaseColumn-1] == ' ' && line[phaseColumn] != ' ' && strings.HasPrefix(line, "  ") {
			indent = phaseColumn + 2
		}
		lines[i] = wrap(line, width, indent)
	}
	return strings.Join(lines, "\n")
}

// phaseColumn is where what a phase does begins.
const phaseColumn = 15
