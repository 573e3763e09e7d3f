package main

import (
	"context"
	"errors"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/report"
)

type verifyCmd struct {
	Table     []string `sep:"none" placeholder:"GLOB" xor:"what" help:"Compare only these tables."`
	Content   bool     `xor:"how" help:"Read both sides again and compare every row, whatever level the spec sets."`
	Structure bool     `xor:"how" help:"Compare structures only, from columns to partitions; no rows are read."`
	Explain   string   `placeholder:"TABLE" xor:"what,how" help:"Find the rows of one table that differ, by key."`
	JSON      bool     `name:"json" help:"Print JSON."`
}

// Run compares source and target. It changes nothing and needs no lock.
func (c *verifyCmd) Run(ctx context.Context, a *app, k *kong.Context, stop *stopper) error {
	s, err := a.load(k)
	if err != nil {
		return err
	}
	chosen, err := patterns("--table", c.Table)
	if err != nil {
		return err
	}
	owner, err := newOwner()
	if err != nil {
		return err
	}
	sd, err := a.open(ctx, s, owner.ID, which{source: true, target: true})
	if err != nil {
		return err
	}
	defer sd.Close()
	if err := somethingThere(ctx, s, sd); err != nil {
		return err
	}
	p, err := a.planNow(ctx, s, sd, planFlags{compare: true})
	if err != nil {
		return err
	}
	deps := executor.Deps{Source: sd.source, Target: sd.target, Log: a.log.Named("verify"), Owner: owner, Stop: stop.draining()}
	if c.Explain != "" {
		return c.explain(ctx, a, p, deps)
	}
	tables, err := matching(p, chosen)
	if err != nil {
		return err
	}
	events, ended := a.sink(nil, false)
	deps.Events = events
	r, err := executor.Verify(ctx, p, executor.VerifyOptions{Tables: tables, Content: c.Content, Structure: c.Structure}, deps)
	ended()
	if c.JSON {
		return errors.Join(a.printJSON(r), err)
	}
	view.Verification(a.printf, a.notef, r)
	return quietly(err)
}

// somethingThere refuses to compare with a target that no run has touched.
func somethingThere(ctx context.Context, s *spec, sd *sides) error {
	l, err := sd.target.Ledger(ctx, s.Migration)
	if err != nil {
		return onSide(s.Target.Address(), err)
	}
	if l == nil || l.Run == nil {
		return refuse(
			diag.NothingToVerify,
			"Nothing to verify",
			s.Target.Address()+" holds nothing of migration \""+s.Migration+"\" yet. To load it, run\n\n  dmoctl apply",
		)
	}
	return nil
}

// matching returns the plan's tables that patterns take; all of them without any.
func matching(p *plan.Plan, chosen []desired.Pattern) ([]catalog.Name, error) {
	var out []catalog.Name
	for _, pattern := range chosen {
		found := false
		for _, t := range p.Tables {
			// A pattern without a schema takes the table in whichever it is.
			if pattern.Match(t.Source.Schema, t.Source.Name) {
				out, found = append(out, t.Source.Name), true
			}
		}
		if !found {
			return nil, unknownTable(pattern.Text)
		}
	}
	return out, nil
}

func unknownTable(name string) error {
	return refuse(diag.UnknownTable, "Unknown table", "The migration has no table \""+name+
		"\". Names are case-sensitive. To list them, run\n\n  dmoctl state show")
}

// explain prints which rows of one table differ.
func (c *verifyCmd) explain(ctx context.Context, a *app, p *plan.Plan, deps executor.Deps) error {
	name, err := oneTable(p, c.Explain)
	if err != nil {
		return err
	}
	x, err := executor.Explain(ctx, p, name, deps)
	if x == nil {
		return err
	}
	if c.JSON {
		return errors.Join(a.printJSON(x), err)
	}
	a.printExplanation(x)
	return quietly(err)
}

// oneTable finds a table by its name, as messages print it or as a pattern.
func oneTable(p *plan.Plan, text string) (catalog.Name, error) {
	for _, t := range p.Tables {
		if t.Source.String() == text || t.Source.Name.Name == text {
			return t.Source.Name, nil
		}
	}
	pattern, err := desired.ParsePattern(text)
	if err != nil {
		return catalog.Name{}, unknownTable(text)
	}
	found, err := matching(p, []desired.Pattern{pattern})
	if err != nil {
		return catalog.Name{}, err
	}
	if len(found) > 1 {
		return catalog.Name{}, refuse(diag.SeveralTables, "More than one table", "\""+text+"\" matches several tables; --explain takes one.")
	}
	return found[0], nil
}

// quietly keeps an outcome's exit code where what it says has been printed already.
func quietly(err error) error {
	var o *executor.Outcome
	if errors.As(err, &o) && o.Exit == report.Different {
		return &exitError{Code: o.Exit}
	}
	return err
}

func (a *app) printExplanation(x *report.Explanation) {
	if x.Differing == 0 {
		a.printf("%s: %s rows, every row equal.\n", x.Table, view.Number(x.SourceRows))
		return
	}
	a.printf("%s: %s rows on the source, %s on the target; %s missing, %s extra, %s changed on the target.\n", x.Table,
		view.Number(x.SourceRows), view.Number(x.TargetRows), view.Number(x.Missing), view.Number(x.Extra), view.Number(x.Changed))
	if x.LookedAt < x.Differing {
		a.printf("%d of the %d differing parts of the table were compared row by row.\n", x.LookedAt, x.Differing)
	}
	a.printf("\n")
	named := "by key (" + strings.Join(x.Key, ", ") + ")"
	if !x.Keyed {
		named = "by all columns, because the table has no key"
	}
	a.printf("Rows %s:\n", named)
	for _, r := range x.Rows {
		line := "  " + r.Kind + "  (" + r.Key + ")"
		if !x.Keyed {
			line += ": " + view.Number(r.Source) + " on the source, " + view.Number(r.Target) + " on the target"
		}
		a.printf("%s\n", line)
	}
	if left := x.Missing + x.Extra + x.Changed - int64(len(x.Rows)); left > 0 && x.Keyed {
		a.printf("  and %s more\n", view.Number(left))
	}
}
