// Package trail knows where an event is: it tails the events and every topic in
// which events end, and keeps for each id which record to read.
//
// Upstream: the topics, through a Reader that app makes of the kafka door.
// Downstream: GET /v1/events/{id}, Prefer: wait, explain and the dashboard.
//
//	tail ─▶ recent (memory) ─▶ sealed segment ─▶ merged segments ─▶ oldest dropped
//	                            └─ manifest: positions up to here
//
// An entry is 24 bytes: a hash of the id and the place of the record. Segments are
// sorted by hash and never changed; a file appears by rename, whole or not at all.
//
// Invariants: what is asked for is read back from the topic and its id compared,
// so a lost, old or corrupt index gives "unknown" or a rebuild, never a wrong
// answer. Memory is bounded whatever is tailed; disk by max_bytes. The index only
// saves reading: losing it loses nothing.
package trail
