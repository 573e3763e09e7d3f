package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
)

// migration builds the migration's part of a spec.
type migration struct {
	*loader
	spec *desired.Spec
	all  map[string]*endpoint

	source, target, staging *endpoint
}

func (m *migration) build(b *block) {
	m.spec.Migration = b.labels[0]
	if m.source = m.endpointOf(b, "source", roleSource, m.all); m.source != nil {
		m.spec.Source = m.source.Endpoint
	}
	if m.target = m.endpointOf(b, "target", roleTarget, m.all); m.target != nil {
		m.spec.Target = m.target.Endpoint
	}
	m.transfer(b)
	m.groups(b.blocks["table_group"])
	m.excludes(b.blocks["exclude"])
	m.renames(b.blocks["rename"])
	if p := b.only("processes"); p != nil {
		m.spec.Processes = desired.Processes{Downtime: int(p.values.Int("downtime")), Verify: int(p.values.Int("verify")), Memory: p.values.Int("memory")}
	}
	m.spec.Policies = m.policies(b.only("types"))
	m.verify(b.only("verify"))
	m.checkMemory(b)
}

// transfer reads the transfer block. Without one, rows go through the pipe.
func (m *migration) transfer(b *block) {
	m.spec.Transfer = desired.Transfer{Mode: plan.Pipe}
	t := b.only("transfer")
	if t == nil {
		m.refuseStaging(b.at)
		return
	}
	switch mode := plan.Mode(t.labels[0]); mode {
	case plan.Pipe:
		m.pipe(t)
	case plan.File:
		m.file(t)
	default:
		m.errorAt(
			t.labelRanges[0],
			diag.UnsupportedValue,
			"Unsupported value",
			fmt.Sprintf(
				"Rows are transferred by \"pipe\" or by \"file\", not by %q. %s",
				clip(t.labels[0]),
				didYouMean(t.labels[0], schema.Words(plan.Modes()), ""),
			),
		)
	}
}

func (m *migration) pipe(t *block) {
	for _, name := range sortedKeys(t.attrs) {
		if name == "via" {
			m.errorAt(t.attrs[name].name, diag.PipeWithStaging, "Pipe mode has no staging",
				"In pipe mode rows go directly from reader to writer. Remove the argument \"via\", or write transfer \"file\".")
			m.endpointOf(t, "via", roleStaging, m.all)
			continue
		}
		m.errorAt(t.attrs[name].name, diag.UnsupportedArgument, "Unsupported argument",
			fmt.Sprintf("The argument %q is for file mode. Remove it, or write transfer \"file\".", name))
	}
	if t.attrs["via"] == nil {
		m.refuseStaging(t.at)
	}
}

// refuseStaging reports stagings that pipe mode leaves without use.
func (m *migration) refuseStaging(transfer hcl.Range) {
	for _, address := range sortedKeys(m.all) {
		e := m.all[address]
		if e.Role != roleStaging || e.Config == nil { // without arguments it has been reported
			continue
		}
		e.used = true
		m.errorAt(
			e.at,
			diag.PipeWithStaging,
			"Pipe mode has no staging",
			fmt.Sprintf(
				"The migration moves rows in pipe mode (%s), directly from reader to writer, so it has no use for "+
					"%s. Remove the block, or write\n  transfer \"file\" { via = %s }",
				place(transfer),
				address,
				address,
			),
		)
	}
}

func (m *migration) file(t *block) {
	m.spec.Transfer = desired.Transfer{
		Mode:     plan.File,
		FileSize: t.values.Int("file_size"), Compression: plan.Compression(t.values.String("compression")),
	}
	if t.attrs["via"] == nil {
		m.errorAt(t.at, diag.MissingArgument, "Missing required argument",
			"In file mode the argument \"via\" names the staging that holds the export files. For example:\n  via = staging.local.files")
		return
	}
	if m.staging = m.endpointOf(t, "via", roleStaging, m.all); m.staging != nil {
		m.spec.Staging = &m.staging.Endpoint
	}
}

// groups reads table groups. Without any, one group takes all tables of the source.
func (m *migration) groups(blocks []*block) {
	if len(blocks) == 0 {
		all, err := desired.ParsePattern("*")
		if err != nil {
			m.add(diag.Error(diag.Internal, "Bug in dmoctl", err.Error()))
		}
		m.spec.Groups = []desired.Group{{Name: "all", Tables: []desired.Pattern{all}, Split: catalog.SplitSpec{By: catalog.ByAuto}}}
		return
	}
	names := map[string]hcl.Range{}
	taken := map[string]*desired.Pattern{}
	for _, b := range blocks {
		if !m.newName(b, "table_group", names) {
			continue
		}
		g := desired.Group{Name: b.labels[0], Tables: m.patterns(b), Split: m.split(b.only("split"))}
		for i := range g.Tables {
			m.once(&g.Tables[i], taken, b)
		}
		m.spec.Groups = append(m.spec.Groups, g)
	}
}

// once reports a table that exact names put into two groups, or into one twice.
func (m *migration) once(p *desired.Pattern, taken map[string]*desired.Pattern, b *block) {
	if !p.Exact {
		return
	}
	key := p.Table("\x00").String()
	if first, ok := taken[key]; ok {
		said := fmt.Sprintf("The table %q is already named at %s:%d:%d. A table belongs to one group only; remove one of the two.",
			clip(p.Text), first.At.File, first.At.Line, first.At.Column)
		if first.At == p.At {
			said = fmt.Sprintf("The table %q is named more than once here. A table belongs to one group only.", clip(p.Text))
		}
		m.errorAt(m.elementRange(b, "tables", p), diag.TableNamedTwice, "Table named twice", said)
		return
	}
	taken[key] = p
}

func (m *migration) split(b *block) catalog.SplitSpec {
	if b == nil {
		return catalog.SplitSpec{By: catalog.ByAuto}
	}
	s := catalog.SplitSpec{By: catalog.By(b.values.String("by")), Parts: int(b.values.Int("parts")), TargetSize: b.values.Int("target_size")}
	switch {
	case s.Parts > 0 && s.TargetSize > 0:
		m.errorAt(b.valueRange("parts"), diag.ConflictingArguments, "Arguments exclude each other",
			"A split has \"parts\" or \"target_size\", not both: either the number of packages is fixed or their size. Remove one of them.")
	case s.By == catalog.ByNone && (s.Parts > 1 || s.TargetSize > 0):
		m.errorAt(b.valueRange("by"), diag.ConflictingArguments, "Arguments exclude each other",
			"With by = \"none\" a table is one package, so \"parts\" and \"target_size\" have no meaning. Remove them, or remove by.")
	}
	return s
}

func (m *migration) excludes(blocks []*block) {
	names := map[string]hcl.Range{}
	for _, b := range blocks {
		if !m.newName(b, "exclude", names) {
			continue
		}
		m.spec.Excludes = append(m.spec.Excludes, desired.Exclude{Name: b.labels[0], Tables: m.patterns(b),
			Content: desired.Content(b.values.String("content")), Reason: b.values.String("reason")})
	}
}

// newName reports a name that cannot be one, or that another block of the type has.
func (m *migration) newName(b *block, kind string, names map[string]hcl.Range) bool {
	name, at := b.labels[0], b.labelRanges[0]
	if !m.checkName(name, at) {
		return false
	}
	if first, ok := names[name]; ok {
		m.duplicate(at, blockTitle(kind, b.labels), first)
		return false
	}
	names[name] = at
	return true
}

// policies reads a types block; nil yields the defaults.
func (m *migration) policies(b *block) catalog.Policies {
	if b == nil {
		return catalog.DefaultPolicies()
	}
	policy := func(name string) catalog.Policy { return catalog.Policy(b.values.String(name)) }
	p := catalog.Policies{
		InvalidDate: policy("invalid_date"), Overflow: policy("overflow"), NUL: policy("nul"), LOBMax: b.values.Int("lob_max"),
		EmptyString: policy("empty_string"), Blank: policy("blank"), TimeZone: policy("time_zone"), Number: b.values.String("number"),
		Expressions: policy("expressions"),
	}
	if p.Number == "" {
		return p // it has been reported
	}
	t, err := catalog.ParseNumber(p.Number)
	switch {
	case err != nil:
		m.errorAt(b.valueRange("number"), diag.UnsupportedValue, "Unsupported value", fmt.Sprintf("The argument \"number\": %v.", err))
	case t.Kind == catalog.Decimal:
		p.Number = t.String() // one spelling, one generation
	}
	return p
}

// checkMemory holds that one value as large as a lob_max that is written down fits
// the budget. For the default, the preflight compares it with what is really free.
func (m *migration) checkMemory(b *block) {
	memory, lob := m.spec.Processes.Memory, m.spec.Policies.LOBMax
	t := b.only("types")
	if memory <= 0 || lob <= memory || t == nil || t.attrs["lob_max"] == nil {
		return
	}
	m.errorAt(t.valueRange("lob_max"), diag.LOBMaxTooLarge, "Memory budget is too small",
		"A value as large as types { lob_max } must fit into processes { memory }. Raise memory or lower lob_max.")
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
