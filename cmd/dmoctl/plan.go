package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

type planCmd struct {
	planFlags
	viewFlags
	Out              string `placeholder:"FILE" help:"Save the plan, for \"dmoctl apply FILE\"."`
	Catalog          string `placeholder:"FILE" help:"Plan offline for an empty target, from what \"dmoctl inspect --out FILE\" wrote."`
	DetailedExitcode bool   `help:"Exit with 2 if there are changes."`
}

// viewFlags say how a plan is printed.
type viewFlags struct {
	JSON     bool `name:"json" xor:"view" help:"Print JSON."`
	Markdown bool `xor:"view" help:"Print Markdown of at most 60,000 characters, for a pull request."`
	Columns  bool `help:"List every column of the tables to be created: its type on both sides, and what differs. JSON always includes them."`
}

// Run makes a plan and prints it. It changes nothing on either side.
func (c *planCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	if _, err := c.options(); err != nil {
		return err
	}
	if strings.HasSuffix(c.Out, ".dmo.hcl") {
		return refuse(
			diag.SpecFile,
			"A plan cannot replace a spec",
			"--out names a spec file, "+c.Out+". Choose another name, e.g. "+strings.TrimSuffix(c.Out, ".dmo.hcl")+".plan.",
		)
	}
	s, err := a.load(k)
	if err != nil {
		return err
	}
	p, err := c.make(ctx, a, s)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := savePlan(a.path(c.Out), p); err != nil {
			return err
		}
	}
	if err := a.show(p, c.viewFlags); err != nil {
		return err
	}
	if c.Out != "" && p.Changes() {
		a.notef("Saved to %s. To carry out exactly this plan, run\n\n  dmoctl apply %s\n", c.Out, c.Out)
	}
	if c.DetailedExitcode && p.Changes() {
		return &exitError{Code: report.Changes}
	}
	return nil
}

func (c *planCmd) make(ctx context.Context, a *app, s *spec) (*plan.Plan, error) {
	if c.Catalog != "" {
		return a.planOffline(ctx, s, c.Catalog, c.planFlags)
	}
	sd, err := a.open(ctx, s, "plan", which{source: true, target: true})
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	return a.planNow(ctx, s, sd, c.planFlags)
}

// show prints a plan as the flags say.
func (a *app) show(p *plan.Plan, how viewFlags) error {
	switch {
	case how.JSON:
		return plan.Encode(a.out, p)
	case how.Markdown:
		return view.Markdown(a.out, p, time.Now(), how.Columns)
	}
	if how.Columns {
		if err := view.Columns(a.out, p); err != nil {
			return err
		}
	}
	return view.Text(a.out, p, time.Now(), a.style())
}

// savePlan writes a plan so that a file of that name is whole or not there.
func savePlan(path string, p *plan.Plan) error {
	return replaceFile(path, func(w io.Writer) error { return plan.Encode(w, p) })
}

// replaceFile replaces a file in one step. Only the user may read it: boundaries of
// keys are customers' data.
func replaceFile(path string, write func(io.Writer) error) error {
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		return unwritable(path, errors.New("it is a directory"))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dmoctl-*")
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(f.Name())
	buffered := bufio.NewWriter(f)
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}

// unwritable explains a file that cannot be written, without the name of the
// temporary file that was to take its place.
func unwritable(path string, err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return refuse(diag.UnwritableFile, "A file cannot be written", view.Sentence(strconv.Quote(path)+": "+err.Error())+" Nothing was written.")
}
