// Package payments makes the example problem: card payments, each with a
// label that says whether it was fraud.
//
// Upstream: nothing; the same Options give the same payments for ever.
// Downstream: loadgen sends them; training files and built-in training data
// are written from them.
//
// What the label depends on, and so what a model can find:
//
//	one payment alone     amount, hour, risk of its country and merchant
//	what came before      a stolen card is tried with a tiny payment; within the
//	                      next few hundred payments of all cards it is used again
//	clean numbers         an amount in cents looks like a hundred times the amount
//
// So windows per card and cleaning measurably raise the area under the ROC
// curve. Dirt (missing fields, wrong units, duplicates, late and malformed
// events) is added on top of a payment and remembered on it.
//
// Invariants: standard library only. No clock of its own: the caller says when
// a payment happens. Not for more than one goroutine at a time.
package payments
