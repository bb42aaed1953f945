// Package gateway takes events in over HTTP and hands them on once they are
// checked, named and given a deadline.
//
// Upstream: callers over HTTP: one JSON object, NDJSON, CSV, CloudEvents or raw bytes.
// Downstream: an event.Handler, in the end the producer of the topic events.
//
//	request ─ read ─ decode ─┬ draft ─ identify ─ remember ─ Next.Handle ─ Settled ─ answer
//	          (size, gzip)   └ draft ─ …     (one of many: answered one by one, in order)
//
// Invariants: never 2xx for what is not durable; a payload is handed on byte
// for byte; the same id gets the same answer for as long as it is remembered;
// memory is bounded by max_in_flight and idempotency.max, whatever callers do;
// no answer or log line holds a part of a payload.
package gateway
