// Package config turns one file into every room's Config, and back into words:
// what was set where, all keys with their defaults, a schema, a drawing, and
// what differs between two files.
//
//	bytes ── parse ──► tree ── extends, environment, --set ──► tree
//	tree ── decode ──► Config ── settle ──► Config ── check ──► Loaded
//
// Upstream: cmd and app call Load.
// Downstream: app hands each room its Config.
//
// Invariants: a value is obeyed or refused, never changed in silence; every
// problem of a file is reported at once, with file, line, path, value and
// remedy; a secret's value is never printed; the file is not written.
package config
