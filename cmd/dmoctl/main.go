// Command dmoctl moves databases: a spec becomes a reviewed plan, and the plan a
// migrated and verified database. Run "dmoctl --help".
package main

import "os"

func main() {
	out := os.Stdout
	// Standard output is data, and a driver prints on it (go-ora, command.go, read).
	os.Stdout = os.Stderr
	os.Exit(run(os.Args[1:], os.Stdin, out, os.Stderr))
}
