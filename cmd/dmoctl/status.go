package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
)

// watchInterval is how often status --watch looks.
const watchInterval = time.Second

type statusCmd struct {
	JSON  bool `name:"json" help:"Print JSON."`
	Watch bool `help:"Print again every second until the run ends."`
}

// statusView is what status prints.
type statusView struct {
	Version  int             `json:"v"`
	Running  *ledger.Owner   `json:"running,omitempty"` // who holds the state
	Progress *state.Progress `json:"progress,omitempty"`
	Last     *report.Report  `json:"last,omitempty"`
}

// Run shows where the migration stands, from the state: it connects to nothing.
func (c *statusCmd) Run(ctx context.Context, a *app, k *kong.Context) error {
	s, st, err := a.reading(k)
	if err != nil {
		return err
	}
	defer st.Close()
	for {
		v, err := readStatus(ctx, st, s.Migration)
		if err != nil {
			return err
		}
		if c.JSON {
			err = a.printJSON(v)
		} else {
			a.printStatus(v)
		}
		if err != nil || !c.Watch || v.Running == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // watching ends when the user has seen enough
		case <-time.After(watchInterval):
		}
	}
}

func readStatus(ctx context.Context, st *state.Store, migration string) (statusView, error) {
	v := statusView{Version: 1}
	var err error
	if v.Running, err = st.Owner(ctx); err != nil {
		return v, err
	}
	if v.Running != nil && !alive(*v.Running) {
		v.Running = nil
	}
	if v.Progress, err = st.Progress(ctx, migration); err != nil {
		return v, err
	}
	v.Last, err = st.Last(ctx, migration)
	return v, err
}

// alive says whether an owner may still run. Of another host nothing is known here.
func alive(o ledger.Owner) bool {
	host, err := os.Hostname()
	if err != nil || host != o.Host {
		return true
	}
	return !errors.Is(syscall.Kill(o.PID, 0), syscall.ESRCH)
}

func (a *app) printStatus(v statusView) {
	if o := v.Running; o != nil {
		a.printf("Running: %s by %s@%s (pid %d) since %s\n", o.ID, o.User, o.Host, o.PID, o.Started.Local().Format("15:04:05"))
	} else {
		a.printf("No run in progress.\n")
	}
	if a.printEmptied(v) {
		return
	}
	if p := v.Progress; p != nil {
		for _, phase := range p.Phases {
			failed := ""
			if phase.Failed > 0 {
				failed = fmt.Sprintf(", %d not done", phase.Failed)
			}
			a.printf(
				"  %-12s %3d%%  %d of %s%s\n",
				phase.Phase,
				percent(int64(phase.Done), int64(phase.Planned)),
				phase.Done,
				view.Count(phase.Planned, "step"),
				failed,
			)
		}
		t := p.Totals
		t.Phase = ""
		a.printf("  %s, as of %s\n", progressLine(t), p.At.Local().Format("15:04:05"))
	}
	switch r := v.Last; {
	case r == nil || v.Running != nil:
	case r.Rebuilt:
		a.printf(
			"Last run %s: %s of %s loaded, according to the target's ledger.\n",
			r.Run,
			view.Number(int64(r.Totals.PackagesIn)),
			view.Count(r.Totals.PackagesPlanned, "package"),
		)
	case r.Ended.IsZero():
		a.printf("Last run %s was killed: it started %s and did not finish. To continue, run\n\n  dmoctl apply\n", r.Run, view.Age(time.Now(), r.Started))
	default:
		a.printf("Last run %s ended %s with exit code %d, %s.\n", r.Run, view.Age(time.Now(), r.Ended), r.Exit, view.Count(len(r.Failures), "failure"))
		if len(r.Left) > 0 {
			a.printf("Remaining: %s. To continue, run\n\n  dmoctl apply\n", view.Left(r.Left))
		}
		if r.NotAsked > 0 {
			a.printf("It was limited by --table: %s not processed.\n", view.Count(r.NotAsked, "other table"))
		}
		view.Failures(a.notef, r)
	}
}

// printEmptied says that a rollback has emptied the target and no apply has run since.
func (a *app) printEmptied(v statusView) bool {
	p, last := v.Progress, v.Last
	if p == nil || p.Emptied == nil || last != nil && last.Started.After(p.At) {
		return false
	}
	by := p.Emptied.By
	a.printf("The target was emptied %s (%s) by %s@%s with \"dmoctl rollback\"", view.Age(time.Now(), p.At),
		p.At.Local().Format("2006-01-02 15:04:05"), by.User, by.Host)
	if n := p.Emptied.Tables; n > 0 {
		a.printf(": %s dropped or emptied", view.Count(n, "table"))
	}
	a.printf(". The target holds no packages.\n")
	if last != nil && !last.Ended.IsZero() && !last.Rebuilt {
		a.printf("Before that, run %s ended %s with exit code %d.\n", last.Run, view.Age(time.Now(), last.Ended), last.Exit)
	}
	return true
}

// percent never exceeds 100, and is 100 only where all is done.
func percent(done, planned int64) int64 {
	if planned <= 0 || done >= planned {
		return 100
	}
	return done * 100 / planned
}
