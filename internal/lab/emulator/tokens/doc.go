// Package tokens is the Security Token Service, as far as a client asks who it is.
//
// Upstream: the emulator's router.
// Downstream: nothing.
//
// Invariants: every caller is the same account; no secret is read or kept.
package tokens
