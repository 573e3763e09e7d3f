package main

import (
	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// laterCmd stands for commands that the design names and this version does not
// have. They are known, so that a user learns that the name was right.
type laterCmd struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Ignored."`
}

func (c *laterCmd) Run(ctx *kong.Context) error {
	return notAvailable("The command \"" + ctx.Selected().Name + "\"")
}

// notAvailable refuses something that is known and comes later.
func notAvailable(what string) error {
	return refuse(diag.NotAvailable, "Not available in this version",
		what+" is not available in this version of dmoctl. To list the available commands, run\n\n  dmoctl --help")
}
