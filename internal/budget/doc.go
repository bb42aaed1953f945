// Package budget says how long things may take: it is the only timeout policy.
//
// Upstream: the objective of the configuration and the deadline on each event.
// Downstream: every room that waits asks here.
//
// Invariants: standard library only; a deadline is absolute, a budget is a span.
package budget
