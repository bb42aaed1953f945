// Package app introduces the rooms to each other: a role of one configuration
// file becomes a running process.
//
//	brokers ◀── emulator ◀── models ◀── stream ◀── watch ◀── gateway ◀── admin
//	  started from the left, stopped from the right
//
// Upstream: cmd gives a loaded file and a role. Downstream: every room.
//
// Invariants: up is the sum of the single roles, built by the same functions;
// between roles there is only Kafka; what a role keeps on disk is locked while
// it runs.
package app
