// Package arch holds the rules of the house as tests.
//
// The table of floors in floors_test.go says which package may import which; it
// is the same table as in ARCHITECTURE.md. A package that the table does not
// name fails the test: whoever adds one says where it stands.
package arch
