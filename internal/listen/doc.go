// Package listen is the door for callers over HTTP: listeners, TLS whose files
// may change, bearer tokens, problem+json and servers with every limit set.
//
// Upstream: gateway, admin and emulator serve through it.
// Downstream: net/http.
//
// Invariants: no server without header, idle and size limits; a listener beyond
// loopback is refused without tokens unless the owner says that a proxy checks.
package listen
