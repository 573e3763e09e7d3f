// Package lang reads a directory of spec files into the desired migration.
//
// [Load] does all of it and reports every mistake of a run together. [FormatDir]
// is the formatter, [Starter] writes a first spec, [Reference] the documentation of
// all blocks. HCL parses and evaluates; this package holds schema and meaning.
package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/providers"
)

// Options are what a spec's meaning depends on besides its files.
type Options struct {
	Vars     []string // name=value, of --var; they and VarFiles win in the order of Overrides
	VarFiles []string // paths of --var-file
	// Overrides lists Vars and VarFiles in the order of the command line, the later
	// one wins. Where it is empty, VarFiles come first, then Vars.
	Overrides []Override
	// Env looks an environment variable up; nil is an empty environment.
	Env     func(string) (string, bool)
	Drivers []providers.Driver
	Version string // of this dmoctl, for required_version; not checked where it is not a version
}

// Override is one --var or --var-file.
type Override struct {
	File  bool   // Value is a path
	Value string // name=value, or a path
}

// maxErrors bounds how many mistakes one run reports.
const maxErrors = 200

// Load reads the spec in dir. The spec is nil where a diagnostic is an error.
// Sources are never nil: they give the diagnostics of later engines their excerpts.
// Load reads files below dir and those that the spec names; it connects to nothing. It ends
// within seconds and a bound of memory whatever the files hold: work that takes more is
// given up with a diagnostic, and continues to no effect until its expression is evaluated.
func Load(dir string, opts Options) (*desired.Spec, *Sources, diag.Diagnostics) {
	l := newLoader(dir, opts)
	var spec *desired.Spec
	var ds diag.Diagnostics
	if d := l.bounded(func() {
		spec = l.load()
		ds = l.sources.Locate(l.finished())
	}); d != nil {
		return nil, newSources(nil), diag.Diagnostics{*d}
	}
	if ds.HasErrors() {
		return nil, l.sources, ds
	}
	return spec, l.sources, ds
}

// loader is the state of one Load.
type loader struct {
	dir       string
	opts      Options
	sources   *Sources
	diags     diag.Diagnostics
	fromHCL   diag.Diagnostics // reported by HCL, dropped where they lie in a bad range
	bad       []hcl.Range      // expressions whose mistake has been reported
	decls     declarations
	functions map[string]function.Function
	secrets   secrets
	ctx       *hcl.EvalContext
	variables map[string]*variable
	locals    map[string]*local

	progress progress

	valuesBroken bool // a file of variable values could not be read
}

func newLoader(dir string, opts Options) *loader {
	if opts.Env == nil {
		opts.Env = func(string) (string, bool) { return "", false }
	}
	kept := secrets{}
	return &loader{
		dir: dir, opts: opts, sources: newSources(sensitiveNames(opts.Drivers)),
		functions: functions(dir, opts.Env, kept), secrets: kept,
		variables: map[string]*variable{}, locals: map[string]*local{},
	}
}

func (l *loader) load() *desired.Spec {
	files := l.readDir()
	if len(files) == 0 || l.diags.HasErrors() || l.fromHCL.HasErrors() {
		// Without all files, references into the missing ones would look wrong.
		return nil
	}
	l.declare(files)
	l.collectVariables()
	l.collectLocals()
	l.checkBodies()
	l.evaluateVariables()
	l.evaluateLocals()
	return l.assemble()
}

func (l *loader) add(d diag.Diagnostic) { l.diags = append(l.diags, d) }

func (l *loader) errorAt(rng hcl.Range, id diag.ID, summary, detail string) {
	l.add(diag.Error(id, summary, detail).On(rng))
}

func (l *loader) addHCL(ds hcl.Diagnostics) {
	l.fromHCL = append(l.fromHCL, l.convertHCL(ds, diag.InvalidExpression)...)
}

// finished returns all diagnostics in order of place.
func (l *loader) finished() diag.Diagnostics {
	all := l.diags
	for _, d := range l.fromHCL {
		if d.Subject == nil || !within(*d.Subject, l.bad) {
			all = append(all, d)
		}
	}
	all = l.secrets.redact(all.Sorted())
	if len(all) > maxErrors {
		left := len(all) - maxErrors
		all = append(all[:maxErrors:maxErrors], diag.Error(diag.TooManyErrors, "Too many errors",
			fmt.Sprintf("%d more errors are not shown. Correct the ones above and run the command again.", left)))
	}
	return all
}

func within(r hcl.Range, outer []hcl.Range) bool {
	for _, o := range outer {
		if o.Filename == r.Filename && o.Start.Byte <= r.Start.Byte && r.End.Byte <= o.End.Byte {
			return true
		}
	}
	return false
}
