package main

import (
	"time"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
)

// cli is the command line: one field a command, each in a file of its own.
type cli struct {
	globals

	Init       initCmd       `cmd:"" help:"Write a starter spec and a .gitignore."`
	Fmt        fmtCmd        `cmd:"" help:"Format the spec's files."`
	Validate   validateCmd   `cmd:"" help:"Check the spec without any connection."`
	Inspect    inspectCmd    `cmd:"" help:"Write the source's catalog to a file, for offline plans."`
	Plan       planCmd       `cmd:"" help:"Show what apply would do."`
	Show       showCmd       `cmd:"" help:"Show a saved plan again."`
	Graph      graphCmd      `cmd:"" help:"Print a plan's graph as DOT or Mermaid."`
	Apply      applyCmd      `cmd:"" help:"Migrate; run again to resume."`
	Status     statusCmd     `cmd:"" help:"Show how a run is doing, from another terminal."`
	Verify     verifyCmd     `cmd:"" help:"Compare source and target."`
	Rollback   rollbackCmd   `cmd:"" help:"Roll back; the target is kept unless --empty-target is given."`
	Report     reportCmd     `cmd:"" help:"Show the report of the last run."`
	State      stateCmd      `cmd:"" help:"List, show, rebuild or unlock the recorded state."`
	Providers  providersCmd  `cmd:"" help:"List the providers, their roles and arguments."`
	Sample     sampleCmd     `cmd:"" help:"Write an SAP-like source database for trials and rehearsals."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a shell completion script."`

	Set      laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
	Pause    laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
	Resume   laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
	Approve  laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
	Bench    laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
	Estimate laterCmd `cmd:"" hidden:"" help:"Not available in this version."`
}

// globals are the flags of every command.
type globals struct {
	Chdir       string        `placeholder:"DIR" help:"Directory of the spec; relative file names in other flags start there too."`
	LogLevel    string        `default:"warn" enum:"trace,debug,info,warn,error,off" placeholder:"LEVEL" help:"Lowest level to log: ${enum}."`
	LogJSON     bool          `name:"log-json" help:"Log as JSON."`
	Var         []string      `sep:"none" placeholder:"NAME=VALUE" help:"Set a variable of the spec; secrets as DMO_VAR_name, not in the process list."`
	VarFile     []string      `sep:"none" placeholder:"FILE" help:"Read variables from a file."`
	NoColor     bool          `help:"Print without colour, as NO_COLOR does."`
	NoInput     bool          `help:"Never prompt: whatever needs an answer is declined."`
	LockTimeout time.Duration `default:"0s" placeholder:"TIME" help:"How long to wait for another run to end, e.g. 5m."`
}

// parser returns the command line's parser. It prints helps to the app's standard
// output; leave is called where a help ends the process.
func parser(grammar *cli, a *app, leave func(code int)) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("dmoctl"),
		kong.Description("dmoctl moves databases: a spec becomes a reviewed plan, and the plan a migrated and verified database."),
		kong.Writers(a.out, a.err),
		kong.Exit(leave),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Help(func(how kong.HelpOptions, ctx *kong.Context) error {
			if err := kong.DefaultHelpPrinter(how, ctx); err != nil {
				return err
			}
			a.printf("\n%s", view.Ours(exitCodes))
			return nil
		}),
	)
}
