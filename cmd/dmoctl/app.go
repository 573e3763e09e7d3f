package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/printable"
	"github.com/dmoctl/dmoctl/internal/report"
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
	// events take what is waited for; nil while no run is shown.
	events atomic.Pointer[report.Sink]
	// lines are the pieces of data with line ends that may be quoted in what is printed.
	lines   printable.Lines
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
		Output:     entries{a.err},
		JSONFormat: g.LogJSON,
	})
}

// entries keeps each entry of the log, which is written at once, within one line.
type entries struct{ to io.Writer }

func (e entries) Write(p []byte) (int, error) {
	line := printable.Line(strings.TrimRight(string(p), "\n"))
	if _, err := io.WriteString(e.to, line+"\n"); err != nil {
		return 0, err
	}
	return len(p), nil
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

// dir is the spec's directory.
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
func (a *app) style() view.Style {
	s := view.Style{Colour: a.colour(a.outTerminal)}
	if f, ok := a.stdout.(*os.File); ok && a.outTerminal {
		// A terminal that does not say how wide it is wraps by itself.
		s.Width, _, _ = term.GetSize(int(f.Fd()))
	}
	return s
}

// printf writes a piece of the result. Each argument stays within its line, but for what is view.Ours.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, a.lined(args)...) }

// notef writes something that is not a result: progress, hints. Its arguments are as those of printf.
func (a *app) notef(format string, args ...any) { fmt.Fprintf(a.err, format, a.lined(args)...) }

// lined makes the arguments of a format safe to print.
func (a *app) lined(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case view.Ours:
			out[i] = a.lines.Text(string(v))
		case string:
			out[i] = printable.Line(v)
		case error:
			out[i] = printable.Line(v.Error())
		case fmt.Stringer:
			out[i] = printable.Line(v.String())
		default:
			out[i] = v
			if r := reflect.ValueOf(arg); r.Kind() == reflect.String { // a word of a type of its own
				out[i] = printable.Line(r.String())
			}
		}
	}
	return out
}

// width is where details wrap: at the terminal's edge, and nowhere where programs read.
func (a *app) width() int {
	if a.errTerminal {
		return 90
	}
	return 1 << 16
}

// diagnose prints diagnostics to standard error.
func (a *app) diagnose(ds diag.Diagnostics) {
	ds = ds.Sorted()
	for i := range ds {
		ds[i].Detail = a.lines.Text(ds[i].Detail)
	}
	how := diag.TextOptions{Color: a.colour(a.errTerminal), Width: a.width()}
	if err := diag.WriteText(a.err, ds, how); err != nil {
		a.log.Error("print diagnostics", "error", err)
	}
}
