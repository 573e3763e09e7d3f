// Command evidence lists what dmoctl promises beside the tests that prove it.
//
// A test says what it proves in the first line of its body: "// Invariant 3: ..."
// or "// Failure scenario: two applies at once: ...", "// Trap: ..." or "// Must show 2: ...". A script says it in its first line,
// after "#". The results are read from the output of "go test -json".
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("evidence", flag.ContinueOnError)
	flags.SetOutput(stderr)
	failures := flags.Bool("failures", false, "print the output of the tests that failed")
	summary := flags.Bool("summary", false, "count results; a skipped test is an error")
	root := flags.String("root", ".", "directory of the module")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: evidence [-failures | -summary] [-root DIR] TEST.json")
		return 2
	}
	file, err := os.Open(flags.Arg(0))
	if err != nil {
		fmt.Fprintln(stderr, "evidence:", err)
		return 1
	}
	defer file.Close()
	results, err := readResults(file)
	if err != nil {
		fmt.Fprintln(stderr, "evidence:", err)
		return 1
	}
	switch {
	case *failures:
		results.printFailures(stdout)
		return 0
	case *summary:
		return results.printSummary(stdout)
	}
	claims, err := collect(*root)
	if err != nil {
		fmt.Fprintln(stderr, "evidence:", err)
		return 1
	}
	if open := printEvidence(stdout, claims, results); open > 0 {
		fmt.Fprintf(stdout, "\n%d promises without a test that passed\n", open)
		return 1
	}
	return 0
}
