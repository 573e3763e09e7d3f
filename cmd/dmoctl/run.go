package main

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/report"
)

// run is the whole command: it parses args, carries the command out and returns the
// process's exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	collectEarly()
	survivePipes()
	a := newApp(stdin, stdout, stderr)
	return a.protect(func() int { return a.dispatch(args) })
}

// protect turns a panic into exit code 1. Its trace goes through the guard, like
// everything that is printed.
func (a *app) protect(do func() int) (code int) {
	defer func() {
		if r := recover(); r != nil {
			a.notef(
				"dmoctl: internal error: %v\n\n%s\nThis is a bug. Nothing that the target holds is lost; \"dmoctl apply\" continues where it stopped.\n",
				r,
				debug.Stack(),
			)
			code = report.Error
		}
	}()
	return do()
}

// dispatch parses args and carries the command out.
func (a *app) dispatch(args []string) int {
	var grammar cli
	left := false
	k, err := parser(&grammar, a, func(int) { left = true })
	if err != nil {
		a.notef("dmoctl: internal error: %v\n", err)
		return report.Error
	}
	args = spelled(args)
	parsed, err := k.Parse(args)
	if left {
		return report.OK
	}
	if err != nil {
		a.diagnose(diag.Diagnostics{usageDiagnostic(err)})
		return report.Error
	}
	a.configure(grammar.globals)

	ctx, stop := newStopper(a)
	defer stop.close()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return a.finish(stop, parsed.Run(a, stop))
}

// spelled turns what people type by habit into the words of the command line.
func spelled(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:len(args):len(args)], "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// finish prints what a command failed with and says how the process exits.
func (a *app) finish(stop *stopper, err error) int {
	if err == nil {
		return report.OK
	}
	if stop.asked() {
		a.notef("Interrupted. Nothing is lost; to continue, run the same command again.\n")
		return report.Interrupted
	}
	a.diagnose(a.explain(err))
	return codeOf(err)
}

// usageDiagnostic explains a wrong command line.
func usageDiagnostic(err error) diag.Diagnostic {
	help := "dmoctl --help"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		help = parse.Context.Selected().FullPath() + " --help"
	}
	text := strings.ReplaceAll(err.Error(), ` but got "EOL" (<EOL>)`, ", but none is given") // kong names its own token
	return diag.Error(diag.InvalidCommandLine, "Invalid command line", view.Sentence(text)+" For usage, run\n\n  "+help)
}
