package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
)

// patterns reads a tables argument.
func (m *migration) patterns(b *block) []desired.Pattern {
	var out []desired.Pattern
	texts, given := b.values["tables"].([]string)
	for i, text := range texts {
		if p, ok := m.pattern(text, m.itemRange(b, "tables", i)); ok {
			out = append(out, p)
		}
	}
	if given && len(texts) == 0 {
		m.errorAt(b.valueRange("tables"), diag.InvalidValue, "Invalid value",
			"The argument \"tables\": the list is empty, so the block has no effect. Name tables, or remove the block.")
	}
	return out
}

func (m *migration) pattern(text string, at hcl.Range) (desired.Pattern, bool) {
	p, err := desired.ParsePattern(text)
	if err != nil {
		m.errorAt(at, diag.InvalidTableName, "Invalid table name", capital(err.Error())+".")
		return p, false
	}
	p.At = position(at)
	return p, true
}

// itemRange is where element i of a list stands; the whole list where it is computed.
func (m *migration) itemRange(b *block, name string, i int) hcl.Range {
	if a := b.attrs[name]; a != nil && i < len(a.each) {
		return a.each[i]
	}
	return b.valueRange(name)
}

// elementRange finds the range of a pattern that itemRange gave its position.
func (m *migration) elementRange(b *block, name string, p *desired.Pattern) hcl.Range {
	if a := b.attrs[name]; a != nil {
		for _, r := range a.each {
			if position(r) == p.At {
				return r
			}
		}
	}
	return b.valueRange(name)
}

// exact reads an argument that names one table.
func (m *migration) exact(b *block, name string) (desired.Pattern, bool) {
	if !b.values.Has(name) {
		return desired.Pattern{}, false
	}
	return m.exactText(b.values.String(name), b.valueRange(name))
}

func (m *migration) exactText(text string, at hcl.Range) (desired.Pattern, bool) {
	p, ok := m.pattern(text, at)
	if ok && !p.Exact {
		m.errorAt(at, diag.NotExact, "One table expected", fmt.Sprintf(
			"%q can match several tables, and exactly one is needed here. Write its name; a backslash escapes * and ?.", clip(text)))
		return p, false
	}
	return p, ok
}

func (m *migration) renames(blocks []*block) {
	from, to := map[string]hcl.Range{}, map[string]hcl.Range{}
	for _, b := range blocks {
		table, ok1 := m.exact(b, "table")
		target, ok2 := m.exact(b, "to")
		if !ok1 || !ok2 {
			continue
		}
		if !m.firstUse(from, table, b.valueRange("table"), "is already renamed") ||
			!m.firstUse(to, target, b.valueRange("to"), "is already the new name of another table") {
			continue
		}
		m.spec.Renames = append(m.spec.Renames, desired.Rename{Table: table, To: target, At: position(b.at)})
	}
}

func (m *migration) firstUse(seen map[string]hcl.Range, p desired.Pattern, at hcl.Range, what string) bool {
	key := p.Table("\x00").String()
	if first, ok := seen[key]; ok {
		m.errorAt(at, diag.TableNamedTwice, "Table named twice",
			fmt.Sprintf("%q %s, at %s. Remove one of the two.", clip(p.Text), what, place(first)))
		return false
	}
	seen[key] = at
	return true
}

// verify reads the verify block; nil yields the default, content.
func (m *migration) verify(b *block) {
	m.spec.Verify = desired.Verify{Default: plan.LevelContent}
	if b == nil {
		return
	}
	m.spec.Verify.Default = plan.Level(b.values.String("default"))
	seen := map[string]hcl.Range{}
	for _, e := range b.blocks["exception"] {
		table, ok := m.exactText(e.labels[0], e.labelRanges[0])
		if !ok || !m.firstUse(seen, table, e.labelRanges[0], "already has an exception") {
			continue
		}
		reason := e.values.String("reason")
		if e.values.Has("reason") && blank(reason) {
			m.errorAt(e.valueRange("reason"), diag.MissingReason, "Exception without a reason",
				"An exception appears in every report, so it must say why the table may differ.")
		}
		m.spec.Verify.Exceptions = append(m.spec.Verify.Exceptions, desired.Exception{
			Table: table, Rule: plan.Rule(e.values.String("rule")), Reason: reason, At: position(e.labelRanges[0])})
	}
}
