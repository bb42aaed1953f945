// Package form is the Query protocol of AWS: a form in, XML out.
//
// Upstream: topics, queues.
// Downstream: nothing.
//
// Invariants: lists end at the first number that is missing, so a form costs no
// more than its own length.
package form
