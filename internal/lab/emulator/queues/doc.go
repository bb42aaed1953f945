// Package queues is SQS: standard queues, over JSON and over the older Query protocol.
//
//	SendMessage, topics ─► queue ─► ReceiveMessage ─► DeleteMessage
//	                         ▲            │ not deleted within its visibility timeout
//	                         └────────────┘
//
// Upstream: the router; topics deliver into queues.
// Downstream: the store, the clock.
//
// Invariants: a message that was accepted survives a kill, a message that was
// deleted does not come back; after a restart all that is left is visible at
// once. Visibility and retention run on the emulator's clock.
package queues
