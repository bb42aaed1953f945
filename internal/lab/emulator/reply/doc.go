// Package reply writes answers and errors in the shapes of AWS: awsJson1.1 for
// the control plane, restJson1 for the runtime.
//
// Upstream: the services of the emulator.
// Downstream: net/http.
//
// Invariants: absent members are left out, never null; times are epoch seconds.
// An error never becomes a 5xx by accident: what is not an Error is InternalFailure and logged.
package reply
