package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"github.com/dmoctl/dmoctl/lang/diag"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/all"
)

// app is what every command gets: the process's streams, the global flags, the drivers.
type app struct {
	in  io.Reader
	out io.Writer // results
	err io.Writer // everything else

	stdout                               io.Writer // what out writes to
	outTerminal, errTerminal, inTerminal bool
	// screen is standard error where it is a terminal, nil elsewhere: what draws
	// there has to know the terminal, and masks by itself.
	screen *screen

	globals globals
	guard   *guard
	log     hclog.Logger
	drivers []providers.Driver
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	g := &guard{}
	var drawn *screen
	if isTerminal(stderr) {
		drawn = &screen{file: stderr.(*os.File)}
		stderr = drawn
	}
	a := &app{
		screen: drawn, stdout: stdout, in: stdin,
		inTerminal: isTerminal(stdin), outTerminal: isTerminal(stdout), errTerminal: drawn != nil,
		guard: g, log: hclog.NewNullLogger(), drivers: all.Drivers(),
	}
	a.out = &stream{guard: g, to: stdout, colour: func() bool { return a.colour(a.outTerminal) }}
	a.err = &stream{guard: g, to: stderr, colour: func() bool { return a.colour(a.errTerminal) }}
	return a
}

// configure applies the global flags.
func (a *app) configure(g globals) {
	a.globals = g
	a.log = hclog.New(&hclog.LoggerOptions{
		Name:       "dmoctl",
		Level:      hclog.LevelFromString(g.LogLevel),
		Output:     a.err,
		JSONFormat: g.LogJSON,
	})
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colour says whether a stream that is a terminal, or not, is to be coloured.
func (a *app) colour(terminal bool) bool {
	_, off := os.LookupEnv("NO_COLOR")
	return terminal && !off && !a.globals.NoColor && os.Getenv("TERM") != "dumb"
}

// dir is the spec's folder.
func (a *app) dir() string {
	if a.globals.Chdir == "" {
		return "."
	}
	return a.globals.Chdir
}

// path resolves a file name given on the command line.
func (a *app) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.dir(), name)
}

// style is how plans are printed to standard output.
func (a *app) style() textStyle {
	s := textStyle{colour: a.colour(a.outTerminal)}
	if f, ok := a.stdout.(*os.File); ok && a.outTerminal {
		// A terminal that does not say how wide it is wraps by itself.
		s.width, _, _ = term.GetSize(int(f.Fd()))
	}
	return s
}

// printf writes a piece of the result.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// notef writes something that is no result: progress, hints.
func (a *app) notef(format string, args ...any) { fmt.Fprintf(a.err, format, args...) }

// width is where details wrap: at the terminal's edge, and nowhere where programs read.
func (a *app) width() int {
	if a.errTerminal {
		return 90
	}
	return 1 << 16
}

// diagnose prints diagnostics to standard error.
func (a *app) diagnose(ds diag.Diagnostics) {
	how := diag.TextOptions{Color: a.colour(a.errTerminal), Width: a.width()}
	if err := diag.WriteText(a.err, ds.Sorted(), how); err != nil {
		a.log.Error("print diagnostics", "error", err)
	}
}
