package main

import (
	"context"
	"io"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

type inspectCmd struct {
	Out string `placeholder:"FILE" help:"File to write; standard output by default."`
}

// Run reads the source's catalog. It holds structures and sizes, no rows and no secret.
func (c *inspectCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, err := a.load(k)
	if err != nil {
		return err
	}
	sd, err := a.open(ctx, s, "inspect", which{source: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	found, err := sd.source.Catalog(ctx, providers.Selector{})
	if err != nil {
		return onSide(s.Source.Address(), err)
	}
	if c.Out == "" {
		return catalog.Encode(a.out, found)
	}
	if err := replaceFile(a.path(c.Out), func(w io.Writer) error { return catalog.Encode(w, found) }); err != nil {
		return err
	}
	a.printf("Wrote the catalog of %s: %s. To plan without a connection, run\n\n  dmoctl plan --catalog %s\n",
		s.Source.Address(), view.Count(len(found.Tables), "table"), c.Out)
	return nil
}
