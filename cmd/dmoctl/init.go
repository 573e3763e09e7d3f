package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/lang"
)

// specFile is the file that init writes.
const specFile = "main.dmo.hcl"

// ignored keeps state, logs and saved plans out of version control.
const ignored = ".dmo/\n*.plan\n*.plan.json\n*.auto.dmovars\n"

// ignoredFiles keeps the export files of the starter's staging out of it too.
const ignoredFiles = "files/\n"

type initCmd struct {
	Source string    `default:"sqlite" placeholder:"TYPE" help:"Provider of the source."`
	Target string    `default:"postgres" placeholder:"TYPE" help:"Provider of the target."`
	Name   string    `default:"move" placeholder:"NAME" help:"Name of the migration."`
	Mode   plan.Mode `default:"pipe" enum:"pipe,file" placeholder:"MODE" help:"How rows are transferred: pipe or file."`
}

// Run writes a starter spec. It overwrites nothing.
func (c *initCmd) Run(a *app) error {
	text, ds := lang.Starter(lang.StarterOptions{
		Migration: c.Name, SourceType: c.Source, TargetType: c.Target, Mode: c.Mode, Drivers: a.drivers,
	})
	if ds.HasErrors() {
		return &diagnosed{ds}
	}
	if found, err := filepath.Glob(filepath.Join(a.dir(), "*.dmo.hcl")); err != nil {
		return err
	} else if len(found) > 0 {
		return refuse(diag.Exists, "Already exists", "The directory already holds a spec: "+filepath.Base(found[0])+". Nothing was written.")
	}
	if err := os.MkdirAll(a.dir(), 0o755); err != nil {
		return refuse(diag.UnwritableFile, "A file cannot be written", view.Sentence(err.Error()))
	}
	if err := createNew(a.path(specFile), string(text)); err != nil {
		return err
	}
	written, lines := []string{specFile}, ignored
	if c.Mode == plan.File {
		lines += ignoredFiles
	}
	err := createNew(a.path(".gitignore"), lines)
	var exists *diagnosed
	switch {
	case err == nil:
		written = append(written, ".gitignore")
	case errors.As(err, &exists) && exists.list[0].ID == diag.Exists:
		a.notef("A .gitignore already exists; make sure that it has these lines:\n%s", view.Ours(lines))
	default:
		return err
	}
	a.printf("Wrote %s. Fill in the values it asks for, then run\n\n  dmoctl validate\n  dmoctl plan\n", strings.Join(written, " and "))
	return nil
}

// createNew writes a file that must not exist.
func createNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return refuse(diag.Exists, "Already exists", "The file "+path+" already exists. Nothing was written.")
	}
	if err != nil {
		return refuse(diag.UnwritableFile, "A file cannot be written", view.Sentence(err.Error()))
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
