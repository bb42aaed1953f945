// Package pointer looks values up in a parsed JSON document by JSON pointer
// (RFC 6901), for example /payment/card_token.
//
// Upstream: the gateway (key, id and event time of what it takes in), stream
// (objective.from) and feature.
// Downstream: none.
//
// Invariants: a word, with one exception to its floor: it reads the values of
// fastjson, so that a document is parsed once for all its pointers. A lookup
// allocates nothing. A member that occurs twice counts as its first occurrence.
package pointer
