// Package store keeps what the emulator must remember: one JSON file per
// resource, in one folder per kind.
//
// Upstream: control keeps models, endpoint configs, endpoints, training jobs and tags.
// Downstream: the file system.
//
// Invariants: a file is either the old or the new one, whatever is killed when:
// written beside, flushed, renamed. A folder of another version is refused, never converted.
package store
