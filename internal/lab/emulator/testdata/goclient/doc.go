// Package goclient holds the tests that walk the emulator with the AWS SDK for
// Go: an own module, so that betimes itself never compiles the SDK.
//
// Upstream: the emulator's interop test, which says in BETIMES where the built
// program is.
// Downstream: `betimes emulate` as a process of its own, one per test.
package goclient
