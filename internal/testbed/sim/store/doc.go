// Package store is the part that test servers of SQL databases share.
//
// It has three layers, each usable alone (Oracle's server takes only the first): a tokenizer and a parser of queries
// and data changes (Tokenize, Parser) whose differences between engines stand in
// a Dialect; a compiler and evaluator of what was parsed (Compiler); and tables
// in memory with versions a transaction (Engine, Tx, Table), row and table locks
// with waiting, time-outs and deadlocks, and unique indexes.
//
// It is strict on purpose: what the grammar, a type or a scope does not allow is
// an *Error with a Kind, which a simulator turns into its engine's code.
package store
