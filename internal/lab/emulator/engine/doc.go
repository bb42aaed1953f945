// Package engine runs images of a registry, where this machine has a container
// engine: by its command line, as a person would.
//
// Upstream: fleet, training. Downstream: docker, or what takes its arguments.
//
// Invariants: an image runs that is on this machine already; nothing is pulled.
// A container ends with its emulator, where that is killed when it starts again
// at the latest. What a container may do is what a program of exec: may not more.
package engine
