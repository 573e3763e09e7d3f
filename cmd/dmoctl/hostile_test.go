package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// forged begins the line that each hostile name would like to print.
const forged = "No changes. Every package"

// hostileNames try what a terminal, Markdown, HTML, DOT and Mermaid would act on.
func hostileNames() []string {
	return []string{
		"lf\n" + forged + " of the plan is loaded.",
		"cr\r" + forged, "crlf\r\n" + forged,
		"esc\x1b[2K\x1b[1A\x1b[8m" + forged, "csi\u009b2K", "osc\x1b]0;owned\a", "bs\b\b\b\b", "vt\v\f" + forged,
		"bidi\u202e\u2066gnp\u2069", "zero\u200bwidth\ufeff", "tag\U000e0041\U000e0001", "filler\u3164", "sep\u2028" + forged + "\u2029" + forged, "nel\u0085" + forged,
		"md`` | x |\n\n# " + forged, "md`</code><img src=x onerror=alert(1)>", "a\\|b | c", "@team https://evil.example www.evil.example #1 :tada: $x$ ~~y~~ <b>&lt;",
		"%%{init: {'theme':'x'}}%%", `dot"];x[label="` + forged, "a, b", "",
	}
}

// deceives says what is wrong with a text that is printed to people; "" where nothing is.
func deceives(text string) string {
	for i, r := range text {
		if r == utf8.RuneError || r != '\n' && r != '\t' && !printable.Visible(r) {
			return fmt.Sprintf("%q at %d", r, i)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimLeft(line, " \t|#>-*"), forged) {
			return "the forged line " + line
		}
	}
	return ""
}

func TestHostileNamesEscaped(t *testing.T) {
	// Done: shell: names of the source reach a terminal, Markdown and graphs escaped: every view of a plan and of a run
	for _, name := range hostileNames() {
		p, r := hostilePlan(t, name), hostileReport(name)
		views := map[string]func(a *app) error{
			"text":     func(a *app) error { return view.Text(a.out, p, moment(), view.Style{}) },
			"narrow":   func(a *app) error { return view.Text(a.out, p, moment(), view.Style{Width: 60}) },
			"columns":  func(a *app) error { return view.Columns(a.out, p) },
			"markdown": func(a *app) error { return a.show(p, viewFlags{Markdown: true, Columns: true}) },
			"dot":      func(a *app) error { return view.DOT(a.out, p) },
			"mermaid":  func(a *app) error { return view.Mermaid(a.out, p) },
			"report": func(a *app) error {
				view.Report(a.printf, r)
				view.Summary(a.printf, a.notef, r)
				view.Verification(a.printf, a.notef, r)
				return nil
			},
			"status": func(a *app) error {
				a.printStatus(statusView{Running: &ledger.Owner{ID: name, User: name, Host: name}, Last: r})
				a.printStatus(statusView{Last: r})
				return nil
			},
			"explanation": func(a *app) error {
				a.printExplanation(&report.Explanation{Table: name, Differing: 1, LookedAt: 1, Key: []string{name}, Keyed: true,
					Rows: []report.RowDifference{{Kind: "missing", Key: name}}})
				return nil
			},
			"events": func(a *app) error {
				events, ended := a.sink(p, false)
				for _, e := range hostileEvents(name) {
					events.Emit(e)
				}
				ended()
				return nil
			},
			"errors": func(a *app) error {
				at := catalog.Name{Schema: name, Name: name}
				for _, err := range []error{
					&providers.Error{Kind: providers.Constraint, Op: "copy", Table: at, Column: name, Key: name, Err: fmt.Errorf("server: %s", name)},
					&providers.Error{Kind: providers.Locked, Owner: &ledger.Owner{ID: name, User: name, Host: name}},
					onSide(name, fmt.Errorf("read %s", name)), fmt.Errorf("fail: %s", name),
				} {
					a.diagnose(a.explain(err))
				}
				a.lines.Learn(p)
				a.diagnose(diag.Diagnostics{diag.Error("x", "Table "+name, "The table "+name+" is there. Run\n\n  dmoctl apply "+name)})
				a.log.Error("fail "+name, "error", name)
				return nil
			},
		}
		for view, show := range views {
			var out, errs strings.Builder
			a := newApp(strings.NewReader(""), &out, &errs)
			a.configure(globals{LogLevel: "debug"})
			if err := show(a); err != nil {
				t.Fatal(err)
			}
			if out.Len()+errs.Len() == 0 {
				t.Fatalf("%s printed nothing", view)
			}
			text := out.String() + errs.String()
			if view == "narrow" { // what continues in the next line is indented
				text = strings.ReplaceAll(text, "\n  ", " ")
			}
			if what := deceives(text); what != "" {
				t.Errorf("%q in %s: %s\n%s%s", name, view, what, out.String(), errs.String())
			}
		}
	}
}

// moment is when the plans are looked at.
func moment() time.Time { return time.Date(2030, 5, 20, 12, 0, 0, 0, time.UTC) }

// everyStep is the plan of every kind of step that the views' golden files show.
func everyStep(t *testing.T) *plan.Plan {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("internal", "view", "testdata", "golden", "every-step.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func hostilePlan(t *testing.T, name string) *plan.Plan {
	t.Helper()
	p := everyStep(t)
	at := catalog.Name{Schema: name, Name: name}
	for _, x := range p.Tables {
		own := catalog.Name{Schema: name, Name: x.Source.Name.Name + name}
		for i, s := range p.Steps {
			for j, n := range s.Tables {
				if n == x.Source.Name {
					p.Steps[i].Tables[j] = own
				}
			}
		}
		column := catalog.Column{Name: name, Declared: name, Default: name}
		x.Source = &catalog.Table{Name: own, Columns: []catalog.Column{column}}
		x.Target = &catalog.Table{Name: own, Columns: []catalog.Column{column}}
		x.Reason, x.SplitReason, x.Group = name, name, name
		x.Conversions = []plan.Conversion{{Column: name, What: "has " + name + ".", Fix: "Rename " + name}}
		x.Unwanted = []catalog.ForeignKey{{Name: name, Table: at}}
		if x.Exception != nil {
			x.Exception = &plan.Exception{Rule: plan.Rule(name), Reason: name}
		}
	}
	for _, s := range p.Steps {
		s.Index, s.Reason = name, name
	}
	p.LeftOut = []plan.LeftOut{{Table: at, Reason: name}}
	p.Migration, p.Others = name, []catalog.Name{at}
	p.Reach = []plan.PolicyReach{{Policy: "number", Value: name, Tables: 1, Columns: 1, Listed: []plan.Column{{Table: at, Name: name}}}}
	p.NotMigrated = []catalog.Object{{Kind: "view", Name: name, Reason: name}}
	p.Warnings = []plan.Warning{{ID: "x", Summary: "Look", Detail: "The table " + name + " is big. Run\n\n  dmoctl plan"}}
	return p
}

func hostileReport(name string) *report.Report {
	return &report.Report{
		Migration: name, Run: name, Plan: name, Mode: plan.Mode(name), Started: moment(), Ended: moment(), Exit: 1,
		Totals: report.Totals{Packages: 1, PackagesPlanned: 2, Phase: plan.Phase(name)},
		Phases: []report.Phase{{Name: plan.Phase(name)}},
		Tables: []report.Table{
			{Table: name, Target: name, Result: report.Unequal, Detail: name},
			{Table: name, Result: report.Failed, Detail: name}, {Table: name, Result: report.Excepted, Detail: name},
		},
		Failures:    []report.Failure{{Table: name, Package: name, Kind: "value", Message: "the value " + name, Fix: "Run\n\n  dmoctl apply"}},
		NotMigrated: []catalog.Object{{Kind: name, Name: name, Reason: name}},
	}
}

func hostileEvents(name string) []report.Event {
	var out []report.Event
	for _, e := range []string{report.Waiting, report.PhaseStarted, report.PhaseDone, report.Retry, report.PackageFailed, report.TableFailed, report.Progress} {
		out = append(out, report.Event{Event: e, Time: moment(), Phase: plan.Phase(name), Table: name, Package: name, Step: name, Message: name, Progress: &report.Totals{Phase: plan.Phase(name)}})
	}
	return out
}

func TestHostileNamesInJSONEvents(t *testing.T) {
	// Done: shell: events --json stays JSON, and says the same name
	for _, name := range hostileNames() {
		var out strings.Builder
		a := newApp(strings.NewReader(""), &out, &strings.Builder{})
		events, ended := a.sink(nil, true)
		want := hostileEvents(name)
		for _, e := range want {
			events.Emit(e)
		}
		ended()
		if what := deceives(out.String()); what != "" {
			t.Errorf("%q: %s", name, what)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%d lines of %d events", len(lines), len(want))
		}
		for _, line := range lines {
			var e report.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Table != name {
				t.Errorf("%q became %q: %v", name, e.Table, err)
			}
		}
	}
}

// TestHostileNamesEndToEnd moves tables whose names a file of SQLite may have.
func TestHostileNamesEndToEnd(t *testing.T) {
	// Done: shell: a table name can neither forge "No changes." nor erase its own line, whatever the command
	dir := t.TempDir()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "erp.db"))
	if err != nil {
		t.Fatal(err)
	}
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	for i, name := range hostileNames() {
		name = fmt.Sprintf("t%02d %s", i, name)
		sql := fmt.Sprintf("CREATE TABLE %s (id INTEGER PRIMARY KEY, %s TEXT DEFAULT %s); INSERT INTO %[1]s VALUES (1, 'a'); CREATE INDEX %s ON %[1]s (%[2]s);",
			quote(name), quote("c"+name), "'"+strings.ReplaceAll(name, "'", "''")+"'", quote("i"+name))
		if err := sqlitex.ExecuteScript(conn, sql, nil); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	conn.Close()
	spec := `source "sqlite" "erp" { path = "erp.db" }
target "sqlite" "new" { path = "new.db" }
migration "erp" {
  source = source.sqlite.erp
  target = target.sqlite.new
  transfer "pipe" {}
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.dmo.hcl"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(want int, args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := run(append([]string{"--chdir", dir}, args...), strings.NewReader(""), &out, &errs); code != want {
			t.Errorf("%v: exit %d, want %d\n%s%s", args, code, want, out.String(), errs.String())
		}
		if what := deceives(out.String() + errs.String()); what != "" {
			t.Errorf("%v: %s", args, what)
		}
		return out.String()
	}
	for _, args := range [][]string{
		{"plan"}, {"plan", "--columns"}, {"plan", "--markdown", "--columns"}, {"plan", "--json"}, {"graph"}, {"graph", "--format", "mermaid"}, {"inspect"},
	} {
		command(0, args...)
	}
	command(0, "apply", "--auto-approve", "--log-level", "debug")
	conn, err = sqlite.OpenConn(filepath.Join(dir, "new.db"))
	if err != nil {
		t.Fatal(err)
	}
	first := fmt.Sprintf("t%02d %s", 0, hostileNames()[0])
	if err := sqlitex.ExecuteScript(conn, "UPDATE "+quote(first)+" SET "+quote("c"+first)+" = 'b'", nil); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	command(0, "plan", "--reload", "*")
	command(3, "verify", "--content")
	command(3, "verify", "--explain", first)
	command(0, "status")
	command(0, "state", "show")
	command(0, "state", "list")
	command(0, "report")
	// Without its ledger the target is somebody else's: an error names all tables.
	conn, err = sqlite.OpenConn(filepath.Join(dir, "new.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(conn, "DROP TABLE dmo_run", nil); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	command(1, "plan")
}
