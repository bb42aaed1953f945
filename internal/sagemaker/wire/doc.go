// Package wire holds what both ends of an AWS call must agree on: Signature
// Version 4 and the names of headers. The door signs with it.
//
// Upstream: sagemaker; the emulator may check signatures with it.
// Downstream: nothing.
//
// Invariants: standard library only; a secret key is never part of a result.
package wire
