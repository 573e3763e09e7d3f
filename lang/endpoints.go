package lang

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// endpoint is one evaluated source, target or staging block.
type endpoint struct {
	desired.Endpoint
	at   hcl.Range
	open map[string]any
	used bool
}

// plannedTypes are providers that later versions have.
func plannedTypes(role string) []string {
	if role == roleStaging {
		return []string{"azblob"}
	}
	return []string{"oracle", "hana", "mariadb"}
}

// roleBlock returns a driver's arguments for a role, nil where it does not play it.
func roleBlock(d *providers.Driver, role string) *schema.Block {
	var b schema.Block
	switch {
	case role == roleSource && d.OpenSource != nil:
		b = d.Source
	case role == roleTarget && d.OpenTarget != nil:
		b = d.Target
	case role == roleStaging && d.OpenStaging != nil:
		b = d.Staging
	default:
		return nil
	}
	b.Type, b.Labels = role, []string{"type", "name"}
	b.Attrs = slices.Clone(b.Attrs)
	for _, a := range commonAttrs(role) {
		if b.Attr(a.Name) == nil {
			b.Attrs = append(b.Attrs, a)
		}
	}
	return &b
}

func (l *loader) driver(kind string) *providers.Driver {
	for i := range l.opts.Drivers {
		if l.opts.Drivers[i].Type == kind {
			return &l.opts.Drivers[i]
		}
	}
	return nil
}

// endpointSchema returns the schema of a source, target or staging block, or reports
// why there is none.
func (l *loader) endpointSchema(b *hclsyntax.Block) *schema.Block {
	role, kind, at := b.Type, b.Labels[0], b.LabelRanges[0]
	d := l.driver(kind)
	switch {
	case d == nil && slices.Contains(plannedTypes(role), kind):
		l.notAvailable(at, fmt.Sprintf("The provider %q", kind))
		return nil
	case d == nil:
		l.errorAt(at, diag.UnknownProvider, "Unknown provider", fmt.Sprintf("No provider is named %q. %s",
			clip(kind), didYouMean(kind, l.players(role), l.playersHint(role))))
		return nil
	}
	s := roleBlock(d, role)
	if s == nil {
		l.errorAt(at, diag.WrongRole, "Provider does not support this role",
			fmt.Sprintf("The provider %q cannot be used as %s. %s", kind, article(role), l.playersHint(role)))
	}
	return s
}

// players lists the drivers that play a role.
func (l *loader) players(role string) []string {
	var names []string
	for i := range l.opts.Drivers {
		if roleBlock(&l.opts.Drivers[i], role) != nil {
			names = append(names, l.opts.Drivers[i].Type)
		}
	}
	return names
}

func (l *loader) playersHint(role string) string {
	return fmt.Sprintf("%s can be %s.", capital(article(role)), listed(quoted(l.players(role)), "or"))
}

// decodeEndpoints evaluates all source, target and staging blocks, by address.
func (l *loader) decodeEndpoints() map[string]*endpoint {
	all := map[string]*endpoint{}
	for _, b := range l.decls.endpoints {
		e := &endpoint{at: b.DefRange()}
		e.Role, e.Type, e.Name = b.Type, b.Labels[0], b.Labels[1]
		if !l.checkName(e.Name, b.LabelRanges[1]) {
			continue
		}
		if first, ok := all[e.Address()]; ok {
			l.duplicate(b.DefRange(), blockTitle(b.Type, b.Labels), first.at)
			continue
		}
		all[e.Address()] = e
		d := l.driver(e.Type)
		if d == nil {
			continue // reported by endpointSchema
		}
		if s := roleBlock(d, e.Role); s != nil {
			own := l.decodeTop(b, s, true)
			own.nest()
			e.Config, e.open = own.values, own.open
		}
	}
	return all
}

// nest puts the values of nested blocks into those of the block, under their type. Providers
// see values only.
func (b *block) nest() {
	for kind, inner := range b.blocks {
		values, open := make([]schema.Values, len(inner)), make([]map[string]any, len(inner))
		for i, in := range inner {
			in.nest()
			values[i], open[i] = in.values, in.open
		}
		b.values[kind], b.open[kind] = values, open
	}
}

func position(r hcl.Range) desired.Position {
	return desired.Position{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}
