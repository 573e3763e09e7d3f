// Command dmoctl moves databases: a spec becomes a reviewed plan, and the plan a
// migrated and verified database. Run "dmoctl --help".
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
