package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/lang"
	"github.com/dmoctl/dmoctl/providers"
)

type providersCmd struct {
	JSON     bool `name:"json" xor:"form" help:"Print JSON."`
	Markdown bool `xor:"form" help:"Print the reference for the whole spec language, as in docs/spec.md."`
}

// providerRole is one role that a provider plays.
type providerRole struct {
	Role      string             `json:"role"`
	Arguments []providerArgument `json:"arguments"`
}

type providerArgument struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Doc       string   `json:"doc"`
	Required  bool     `json:"required"`
	Sensitive bool     `json:"sensitive"`
	Default   string   `json:"default,omitempty"`
	Choices   []string `json:"choices,omitempty"`
	Available bool     `json:"available"`
}

type providerDescription struct {
	Type  string         `json:"type"`
	Doc   string         `json:"doc"`
	Roles []providerRole `json:"roles"`
}

// Run lists the providers with their roles and arguments, from the schemas.
func (c *providersCmd) Run(a *app) error {
	if c.Markdown {
		a.printf("%s", view.Ours(lang.Reference(a.drivers)))
		return nil
	}
	var all []providerDescription
	for _, d := range a.drivers {
		all = append(all, describe(d))
	}
	if c.JSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	for i, p := range all {
		if i > 0 {
			a.printf("\n")
		}
		a.printf("%s: %s\n", p.Type, p.Doc)
		for _, role := range p.Roles {
			a.printf("\n  %s %q \"NAME\"\n", role.Role, p.Type)
			for _, arg := range role.Arguments {
				a.printf("    %-20s %s\n", arg.Name, arg.describe())
			}
		}
	}
	return nil
}

func describe(d providers.Driver) providerDescription {
	p := providerDescription{Type: d.Type, Doc: d.Doc}
	add := func(role string, open bool, b schema.Block) {
		if open {
			p.Roles = append(p.Roles, providerRole{role, arguments(b)})
		}
	}
	add("source", d.OpenSource != nil, d.Source)
	add("target", d.OpenTarget != nil, d.Target)
	add("staging", d.OpenStaging != nil, d.Staging)
	return p
}

func arguments(b schema.Block) []providerArgument {
	var out []providerArgument
	for _, at := range b.Attrs {
		out = append(out, providerArgument{
			Name: at.Name, Type: string(at.Kind), Doc: at.Doc, Required: at.Required,
			Sensitive: at.Sensitive, Default: at.Default, Choices: at.Choices, Available: !at.Planned,
		})
	}
	return out
}

func (p providerArgument) describe() string {
	notes := []string{p.Type}
	if p.Required {
		notes = append(notes, "required")
	}
	if p.Sensitive {
		notes = append(notes, "sensitive")
	}
	if p.Default != "" {
		notes = append(notes, fmt.Sprintf("default %q", p.Default))
	}
	if len(p.Choices) > 0 {
		notes = append(notes, "one of "+strings.Join(p.Choices, ", "))
	}
	if !p.Available {
		notes = append(notes, "not available in this version")
	}
	return p.Doc + " (" + strings.Join(notes, "; ") + ")"
}
