// Package e2e tests the dmoctl binary against real servers on failure scenarios.
//
// It has tests only. Each starts the binary as a user would, does to it, to the
// servers or to the network between them what the test's first line says, and
// compares what came out by a program that is not ours.
package e2e
