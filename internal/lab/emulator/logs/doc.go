// Package logs is CloudWatch Logs, as far as one reads what endpoints and
// training jobs have written.
//
// Upstream: the router; training's jobs and fleet's processes write lines.
// Downstream: one file per stream, with a JSON object per event.
//
// Invariants: events are in the order they were written, with the emulator's
// time. A stream takes no more than its limit: what comes after is dropped, and
// its last event says so. Names of groups and streams never become paths.
package logs
