// Package journal remembers what happened last in the emulator: requests,
// faults, changes of state. It is what a test reads to tie effect to cause.
//
// Upstream: every service of the emulator notes.
// Downstream: nothing; it is memory only and forgets the oldest.
//
// Invariants: Note takes no lock, so it may stand on the path of InvokeEndpoint.
// No payload and no credential is ever noted.
package journal
