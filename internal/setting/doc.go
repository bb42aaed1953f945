// Package setting holds the kinds of value that a configuration file knows
// beyond Go's own: sizes, ratios and secrets.
//
// Upstream: config reads them from YAML as text.
// Downstream: every room's Config has fields of these types.
//
// Invariants: standard library only. A Secret never prints its value.
package setting
