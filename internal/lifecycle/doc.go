// Package lifecycle runs rooms together: what is downstream starts first, what
// is upstream stops first, so that nothing is put into a room that has gone.
//
// Upstream: app adds rooms in the order of construction.
// Downstream: every long-lived room is a Runner.
//
// Invariants: rooms stop in the reverse order of their start, each only after
// the later ones have returned; the first failure stops all of them.
package lifecycle
