// Package program starts programs of users where SageMaker would start their
// containers: with a folder of their own as /opt/ml, and ended with everything
// that they started.
//
// Upstream: fleet, training. Downstream: the operating system.
//
// Invariants: what a program started ends with it. All of it ends with the
// emulator, where the emulator is killed at the latest when it starts again.
package program
