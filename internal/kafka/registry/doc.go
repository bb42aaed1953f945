// Package registry reads records in Confluent's wire format: a zero, the id of a
// schema in four bytes, Avro. It asks a schema registry (Confluent, Redpanda,
// Apicurio, Karapace) for each id once.
//
// Upstream: flow/feature, which wants JSON of a payload.
// Downstream: one schema registry, through net/http, and twmb/avro.
//
// Invariants: an id means one schema for ever, so what was read is kept and served
// however long the registry is away. What the registry does not tell for now is
// ErrAway: the event waits and is no dead letter. Everything else that cannot be
// read is an error for good, which holds no byte of the payload. What a hostile
// record can make is bounded: memory, depth, questions to the registry.
package registry
