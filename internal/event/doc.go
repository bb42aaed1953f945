// Package event holds what travels: the Event, the Timeline that is written on
// it, the Prediction it becomes and the Ending that finishes it.
//
// Upstream: the gateway and the stream make Events.
// Downstream: every room of the flow handles them; watch reads their timelines.
//
// Invariants: standard library only. A Mark ends the stage before it, so the
// stages of a Timeline sum to the whole by construction. Only stream turns an
// Ending into a record: an error never ends an event.
package event
