// Package balance asks the endpoint of a model: it bounds the calls at once,
// counts them, and writes on each event how long it waited, how long the
// network took and how long the model itself.
//
// Upstream: the chain that app puts together. Downstream: one door.
//
// Invariants: a call holds its slot no longer than its context; the marks of an
// item are made by the goroutine that called, after the door returned.
package balance
