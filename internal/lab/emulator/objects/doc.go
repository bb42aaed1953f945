// Package objects is S3: buckets, objects and multipart uploads, path style.
//
// Upstream: any S3 client through the router; training reads its channels and
// writes its model here, the fleet reads model artefacts.
// Downstream: the file system. One file per object: its bytes, then what is
// known about it as JSON, then the length of that JSON.
//
// Invariants: an object is visible only once it is whole and flushed, so a kill
// leaves the old one or the new one. A body that does not match the checksum the
// client sent is refused. Keys never become paths: a file's name is a hash.
package objects
