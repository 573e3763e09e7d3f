// Command dmoctl moves databases: a spec becomes a reviewed plan, and the plan a
// migrated and verified database. Run "dmoctl --help".
package main

import (
	"os"
	"runtime/debug"
)

// collectAt is how much the heap grows, in percent of what is in use, before garbage is
// collected. Most of it is large buffers without pointers: collecting twice as often as
// Go does by itself costs nothing that was measurable and saves a quarter of the memory.
const collectAt = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	out := os.Stdout
	// Standard output is data, and a driver prints on it (go-ora, command.go, read).
	os.Stdout = os.Stderr
	os.Exit(run(os.Args[1:], os.Stdin, out, os.Stderr))
}
