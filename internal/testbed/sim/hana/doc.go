// Package hana is a test server that real SAP HANA clients log in to.
//
// Start one, connect with a driver, and look inside with Rows, Statements and
// Sessions; Faults breaks connections and replies on command. It is strict: a
// statement, type, length or value that HANA's manual does not allow, or that
// this server does not know, is refused with HANA's code. docs/simulators.md lists
// each refusal with its source, and what a simulator cannot show.
package hana
