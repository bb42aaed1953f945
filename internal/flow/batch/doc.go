// Package batch lets events share a call of their model, and tells their answers
// apart again.
//
// Upstream: the chain that app puts together. Downstream: balance, which says how
// many calls its endpoint takes.
//
//	event ─► a call may begin? ── yes ─► alone, at once
//	             │ no
//	             ▼
//	           line ── a call ended ─► all that wait, up to a bound: one call
//	                                       │ it fails for what one of them is
//	                                       ▼
//	                                   both halves, and again: one is left
//
// Nothing waits for mates: a batch leaves when a call may begin, or is full.
//
// Before the first batch to a model version the same events are asked alone and
// together. A model that answers differently then, in another order, or with
// another number of answers, is asked about one event at a time.
//
// Invariants: only events that have not failed before share a call. A call about
// one event of many that fails costs at most 1 + 2·log₂ n calls. Who gave up is not
// written on: the goroutine of a batch touches no event, each owner marks its own.
package batch
