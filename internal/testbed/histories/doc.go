// Package histories is a test: it draws random histories of a migration and holds every
// one of them to what docs/durability.md promises.
//
// A history is a list of operations on a source and a target in memory: apply, killed or
// stopped at any call of a provider, reload, rollback, changes of the spec, of the source,
// and of the target by somebody else. After each, both sides are compared without any of
// dmoctl's own digests or audits. A failing history is made small and printed as a list.
package histories
