package main

import (
	"context"
	"errors"

	"github.com/dmoctl/dmoctl/executor"
	"github.com/dmoctl/dmoctl/internal/report"
	"github.com/dmoctl/dmoctl/providers"
)

// exitCodes is what every help prints.
const exitCodes = `Exit codes:
  0    done, or no changes
  1    error
  2    changes (plan --detailed-exitcode, fmt --check)
  3    verification failed
  4    locked by another run
  5    the plan is stale, or a table's structure changed
  6    waiting at a gate or paused: run again
  7    window or point of return passed
  8    declined at the prompt
  130  interrupted cleanly: run again
`

// exitError carries an exit code through a command's error. A nil Err is a result
// that has been printed already, such as "changes".
type exitError struct {
	Code int
	Err  error
}

func (e *exitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *exitError) Unwrap() error { return e.Err }

// codeOf says what a command's error means for the exit code. Where several errors
// were joined, the gravest decides.
func codeOf(err error) int {
	switch e := err.(type) { //nolint:errorlint // the walk below unwraps, branch by branch
	case nil:
		return report.OK
	case *exitError:
		return e.Code
	case *executor.Outcome:
		return e.Exit
	case *providers.Error:
		return executor.ExitCode(e.Kind)
	case interface{ Unwrap() []error }:
		var codes []int
		for _, branch := range e.Unwrap() {
			codes = append(codes, codeOf(branch))
		}
		return report.Exit(codes...)
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return codeOf(inner)
		}
	}
	if errors.Is(err, context.Canceled) {
		return report.Interrupted
	}
	return report.Error
}
