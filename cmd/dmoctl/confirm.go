package main

import (
	"bufio"
	"context"
	"strings"

	"github.com/dmoctl/dmoctl/cmd/dmoctl/internal/view"
	"github.com/dmoctl/dmoctl/internal/diag"
	"github.com/dmoctl/dmoctl/internal/report"
)

// declined is the error of a question that was not answered with yes.
func declined(summary, detail string) error {
	return &exitError{report.Declined, refuse(diag.Declined, summary, detail)}
}

// confirm asks for yes. Without a terminal nobody could answer: exit 8, with the
// flag that says it beforehand.
func (a *app) confirm(ctx context.Context, question, flag string) error {
	if !a.inTerminal || a.globals.NoInput {
		return declined(
			"Confirmation required",
			"There is no terminal on which to ask for \"yes\", so nothing was changed. To confirm in advance, pass "+flag+".",
		)
	}
	a.notef("%s\n  Only \"yes\" continues: ", view.Ours(question))
	answer := make(chan string, 1)
	go func() {
		// The goroutine ends with the process where the user interrupts instead.
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil && line == "" {
			line = "no"
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		a.notef("\n")
		return ctx.Err()
	case text := <-answer:
		if text != "yes" {
			return declined("Declined", "Nothing was changed.")
		}
		return nil
	}
}
