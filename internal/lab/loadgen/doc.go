// Package loadgen sends load with a shape, open loop, and follows every event
// to the place where it ends.
//
// Upstream: the command load, demo, bench.
// Downstream: a Sender (the gateway or the brokers) takes events; a Tail of the
// terminal topics tells how they ended.
//
//	            intended        clock starts      handed to producer    read back
//	schedule ──────┼── send ────────┼── stages … ────────┼── deliver ──────┼
//	               └───────────────── latency, its own measure ────────────┘
//
// Invariants: when to send is fixed before anything is sent; a send that is late
// is made at once, and none is skipped or moved. Latency counts from the intended
// moment. No row of the stage table is computed as the rest of others. An event
// is found again by its id, <run>-<number>, so that a million of them need no map.
package loadgen
