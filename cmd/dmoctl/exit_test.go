package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/internal/state"
	"github.com/dmoctl/dmoctl/providers"
)

func TestJoinedErrorReportedOnce(t *testing.T) {
	a := newApp(nil, io.Discard, io.Discard)
	one := fmt.Errorf("create the state's directory: %w: %w", state.ErrUnwritable, os.ErrPermission)
	if got := a.explain(one); len(got) != 1 || got[0].ID != "unusable-state" {
		t.Errorf("one error: %+v", got)
	}
	if got := a.explain(errors.Join(one, errors.New("x"))); len(got) != 2 {
		t.Errorf("two errors: %+v", got)
	}
	refused := &executor.Outcome{Exit: report.Error, Summary: "The run failed", Fix: "Run it again.",
		Err: &providers.Error{Kind: providers.Permission, Op: "lock", Err: os.ErrPermission, Fix: "Make the directory writable."}}
	if got := a.explain(refused); len(got) != 1 || !strings.HasSuffix(got[0].Detail, "Make the directory writable. Run it again.") {
		t.Errorf("an outcome: %+v", got)
	}
}

func TestErrorExitCodes(t *testing.T) {
	locked := &providers.Error{Kind: providers.Locked, Op: "lock"}
	changed := &providers.Error{Kind: providers.Changed, Op: "read"}
	value := &providers.Error{Kind: providers.Value, Op: "copy"}
	different := &exitError{Code: report.Different}
	interrupted := &exitError{Code: report.Interrupted}
	waiting := &exitError{Code: report.WaitingGate}
	window := &exitError{Code: report.WindowPassed}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{&exitError{Code: report.Changes}, 2},
		{different, 3},
		{fmt.Errorf("lock: %w", locked), 4},
		{&providers.Error{Kind: providers.Fenced}, 4},
		{onSide("source.sqlite.a", changed), 5},
		{waiting, 6},
		{window, 7},
		{declined("Declined", ""), 8},
		{fmt.Errorf("read: %w", context.Canceled), 130},
		{&executor.Outcome{Exit: report.Stale, Summary: "Plan is stale"}, 5},
		// Where several hold, the first of 130, 4, 7, 1, 3, 5, 6 counts.
		{errors.Join(waiting, changed, different, value, window, locked, interrupted), 130},
		{errors.Join(waiting, changed, different, value, window, locked), 4},
		{errors.Join(waiting, changed, different, value, window), 7},
		{errors.Join(waiting, changed, different, value), 1},
		{errors.Join(waiting, changed, different), 3},
		{errors.Join(waiting, changed), 5},
		{&exitError{report.Stale, errors.Join(value)}, 5},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("exit code of %v: %d, want %d", c.err, got, c.want)
		}
	}
}
