// Package stream consumes events: in parallel, in order of each key, losing none.
//
//	        take                 ready              ending            acknowledged
//	fetch ───────▶ lane of key ────────▶ attempt ──────────▶ producer ────────────▶ offset finished
//	                  ▲                    │ unfinished                             │ lowest unfinished
//	                  └──── wait ──────────┘                                        ▼
//	                                                                              commit
//
// Upstream: a member of a consumer group, which hands over fetched events.
// Downstream: Work (feature and the model chain) says how an attempt ended; the
// sink writes predictions and every other place an event can end or wait in.
//
// With exactly_once the producer of the picture is a transaction, which commits the
// offsets too: acknowledged means committed (transactor.go). A share group has no
// offsets: each event is accepted or released by itself (share.go).
//
// Invariants: only this package writes predictions, dead letters, shed,
// post-broker quarantine and offsets. An event holds the lane of its key until
// its ending is handed to the producer, also while it waits for another attempt;
// a waiting event holds no slot. An ending larger than any before it holds its lane
// until brokers have taken it, or what is written in its place (large.go). Only what cannot be decoded, while no event of the
// topic could be, leaves its lane first, and is handed over before any that can. An
// offset is committed only when it and all below it are acknowledged. What is held
// is bounded in events and bytes. An event of a parked key is not worked on before
// those of its key that came before it, and no event of a partition before it is
// known which of its keys are parked.
package stream
