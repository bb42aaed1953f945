// Package admit lets an event in that can still be in time, and refuses the rest
// before a model is asked.
//
// Upstream: the chain that app puts together, which makes of a refusal what the owner
// chose: another model's answer, or the topic shed.
// Downstream: batch and balance, which begin no call after the latest moment for it.
//
//	event ─► left: deadline - now - publish
//	         need: what n at once took lately ── left ≥ need ─► in, with its latest moment
//	                       ▲                  └─ else ────────► refused: why, left, need
//	                       └── time of each answer, by how many were inside
//
// What is predicted is learned from answers only, by how many events were inside when
// one came: a queue in the line of balance, one inside the endpoint and calls that
// are shared all show in it. Where nothing is known yet, events are let in. What was
// known is forgotten in seconds, and now and then one event is let in that should be
// late, so that a model that has become quicker is found out.
//
// While events are refused or come back late, one is let in only when it is nearly sure
// to be in time, and those of less priority need more time left: they go first.
//
// Invariants: under shed no call begins after its event's deadline, and no prediction
// is made of an answer after it, except for backlog that is to be predicted. A
// refusal asks nobody.
package admit
