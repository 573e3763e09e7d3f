package main

import (
	"os"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/lang"
	"github.com/dmoctl/dmoctl/providers"
)

// spec is a loaded spec with what its diagnostics take excerpts from.
type spec struct {
	*desired.Spec
	sources *lang.Sources
}

// langOptions says what the spec's meaning depends on besides its files.
func (a *app) langOptions(parsed *kong.Context) lang.Options {
	return lang.Options{
		Overrides: a.overrides(parsed),
		Env:       os.LookupEnv,
		Drivers:   a.drivers,
		Version:   dmoctlVersion(),
	}
}

// overrides lists --var and --var-file in the order of the command line: the later wins.
func (a *app) overrides(parsed *kong.Context) []lang.Override {
	var out []lang.Override
	vars, files := 0, 0
	for _, p := range parsed.Path {
		if p.Flag == nil {
			continue
		}
		switch p.Flag.Name {
		case "var":
			out = append(out, lang.Override{Value: a.globals.Var[vars]})
			vars++
		case "var-file":
			out = append(out, lang.Override{File: true, Value: a.path(a.globals.VarFile[files])})
			files++
		}
	}
	return out
}

// load reads the spec, prints its warnings and makes its secrets known to the guard.
func (a *app) load(parsed *kong.Context) (*spec, error) {
	s, sources, ds := lang.Load(a.dir(), a.langOptions(parsed))
	if ds.HasErrors() {
		return nil, &diagnosed{ds}
	}
	a.lines.Learn(s)
	a.diagnose(ds)
	for _, e := range []*desired.Endpoint{&s.Source, &s.Target, s.Staging} {
		if e != nil {
			a.guard.learn(a.block(*e), e.Config)
		}
	}
	return &spec{s, sources}, nil
}

// driver returns the driver of an endpoint. Load has checked that there is one.
func (a *app) driver(e desired.Endpoint) providers.Driver {
	for _, d := range a.drivers {
		if d.Type == e.Type {
			return d
		}
	}
	return providers.Driver{Type: e.Type}
}

// block returns the schema of an endpoint's arguments.
func (a *app) block(e desired.Endpoint) schema.Block {
	d := a.driver(e)
	switch e.Role {
	case "source":
		return d.Source
	case "target":
		return d.Target
	}
	return d.Staging
}

// locate gives the diagnostics of later engines their excerpts.
func (s *spec) locate(ds diag.Diagnostics) diag.Diagnostics { return s.sources.Locate(ds) }
