// Package injection is the list of faults that callers of /_emu/faults ask for.
//
// Upstream: the emulator's admin pages add and remove faults.
// Downstream: inference asks for each invocation what to do wrong.
//
// Invariants: while there is no fault, asking costs one atomic load. A fault
// that was used up or is over never hits again.
package injection
