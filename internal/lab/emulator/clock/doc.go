// Package clock is the emulator's one time: the machine's, plus what callers of
// /_emu/clock/advance have added. Everything that AWS would do after a delay
// sleeps here, so a test can have the ten minutes of a real deployment at once.
//
// Upstream: control and training sleep between the states of what they run.
// Downstream: the machine's clock.
//
// Invariants: time never goes back. While Advance runs, sleepers wake in the
// order of their moments, each sees its own moment as Now, and what it does
// before its next sleep is done before the next one wakes.
package clock
