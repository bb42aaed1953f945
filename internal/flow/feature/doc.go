// Package feature is the stream processor: it makes the request for one event
// out of its payload, picks the model that is asked, and speaks the one
// expression language (expr) of the whole configuration.
//
//	event ──► Input ──► Router ──► model's name
//	            │
//	            └─────► Mapper ──► body of the request
//	                      fields    numbers by name        the fast path
//	                      request   an expression's value  any shape
//	                      neither   the payload as it is
//	answer ──► Expression over the answer ──► prediction ──► Output
//
// Names in an expression are the fields of the event's JSON object (or the
// columns of its csv line); a field that is absent is nil. key, headers,
// event_time, now and payload (the whole value) come before fields of the same
// name, and so do expr's own functions: write payload.type for a field type.
//
// Upstream: stream's work, put together in app, calls it once per event.
// Downstream: model.Codec makes the bytes that the model is sent.
//
// Invariants: what cannot be mapped is an *Error with a reason, never a panic.
// Errors name fields and positions, never values of a payload. An expression
// is compiled once, bounded in memory and steps, and safe for concurrent use;
// an Input belongs to one goroutine. A member that occurs twice counts as its
// first occurrence. What no field and no expression reads is not looked at
// more closely than skipping it needs.
package feature
