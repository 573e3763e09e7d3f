package desired

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Pattern is a glob over table names: * stands for any characters, / included, ?
// for one, \ takes the next character as it is. It is case-sensitive. An unescaped
// dot ends the schema's name.
type Pattern struct {
	Text   string // as written
	Schema string // glob; "" is the source's own schema
	Name   string // glob
	Exact  bool   // no wildcard: a table of that name must exist
	At     Position
}

// ParsePattern reads a pattern as a user writes it. At is left empty.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{Text: text, Name: text, Exact: true}
	if text == "" {
		return p, errors.New("a table name is empty")
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return p, errors.New("a table name is not valid UTF-8")
	}
	dots := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			if i == len(text) || !strings.ContainsRune(`*?.\`, rune(text[i])) {
				return p, fmt.Errorf("in %q a backslash does not precede *, ?, a dot or a backslash", text)
			}
		case '*', '?':
			p.Exact = false
		case '.':
			if dots++; dots == 1 {
				p.Schema, p.Name = text[:i], text[i+1:]
			}
		}
	}
	switch {
	case dots > 1:
		return p, fmt.Errorf("%q has more than one dot; a dot ends the schema's name, and \\. is a dot inside a name", text)
	case p.Name == "":
		return p, fmt.Errorf("%q names a schema but no table; write %q for all of its tables", text, text+"*")
	case dots == 1 && p.Schema == "":
		return p, fmt.Errorf("%q has a dot without a schema before it; \\. is a dot inside a name", text)
	}
	return p, nil
}

// Match says whether the pattern takes a table. A pattern without a schema takes
// tables of schemaDefault only.
func (p Pattern) Match(schemaDefault string, name catalog.Name) bool {
	if p.Schema == "" {
		return name.Schema == schemaDefault && glob(p.Name, name.Name)
	}
	return glob(p.Schema, name.Schema) && glob(p.Name, name.Name)
}

// Table returns the one name that an exact pattern takes.
func (p Pattern) Table(schemaDefault string) catalog.Name {
	n := catalog.Name{Schema: unescape(p.Schema), Name: unescape(p.Name)}
	if p.Schema == "" {
		n.Schema = schemaDefault
	}
	return n
}

// Escape writes a name so that a pattern takes exactly it.
func Escape(name string) string {
	var b strings.Builder
	for i := range len(name) { // a strings.Replacer for each of 100,000 tables costs 25 kB and more than the plan
		switch name[i] {
		case '\\', '*', '?', '.':
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func unescape(pattern string) string {
	if !strings.Contains(pattern, `\`) {
		return pattern
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}

// glob matches a whole name. It goes back only to the latest *, so its cost is at
// most the product of both lengths.
func glob(pattern, name string) bool {
	p, n := 0, 0
	starPattern, starName := -1, 0
	for n < len(name) {
		_, size := utf8.DecodeRuneInString(name[n:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			starPattern, starName = p, n
			continue
		case p < len(pattern) && pattern[p] == '?':
			p, n = p+1, n+size
			continue
		case p < len(pattern):
			if literal, width := literalAt(pattern, p); literal == name[n] {
				p, n = p+width, n+1
				continue
			}
		}
		if starPattern < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[starName:])
		starName += size
		p, n = starPattern, starName
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// literalAt returns the byte that the pattern wants at p, and how much of the pattern says so.
func literalAt(pattern string, p int) (byte, int) {
	if pattern[p] == '\\' && p+1 < len(pattern) {
		return pattern[p+1], 2
	}
	return pattern[p], 1
}
