// Package modeltest holds the exercise that every model.Invoker must pass, and
// a scriptable fake for the tests of rooms that ask a model.
//
// Upstream: tests of the doors and of the rooms that wrap an Invoker.
// Downstream: nothing.
//
// Invariants: only tests import it; the fake passes the exercise too.
package modeltest
