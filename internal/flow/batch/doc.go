// Package batch lets events share a call of their model, and tells their answers
// apart again.
//
// Upstream: the chain that app puts together. Downstream: balance, which says how
// many calls its endpoint takes.
//
//	event ─► a call may begin? ── yes ─► alone, at once
//	             │ no
//	             ▼
//	           lane ── a call ended ─► as many that wait as are in time together:
//	          by shape                    one call
//	          and priority                │ it fails for what one of them is
//	                                      ▼
//	                                  both halves, and again: one is left
//
// Nothing waits for mates: a batch leaves when a call may begin. How many calls that
// are at once (width, and probe when there may be more) and how long one takes by its
// events (cost) is learned from the calls themselves, and again when the model becomes
// another: there is nothing to tune. Of those who wait, as many share a call as can all be in time, but for
// the part of calls that end soon (share); who is late whatever is done makes no
// call smaller. One call more than are worth while
// may begin for the sake of who would be late otherwise.
//
// Before the first batch to a model version the same events are asked alone and
// together. A model that answers differently then, in another order, or with
// another number of answers, is asked about one event at a time. Later one answer of
// a thousand batches is looked at again.
//
// Invariants: only events that have not failed before share a call. Nobody who can
// be in time is put into a call that may take longer than he has. A call about one
// event of many that fails costs at most 1 + 2·log₂ n calls. Who gave up is not
// written on: the goroutine of a batch touches no event, each owner marks its own.
package batch
