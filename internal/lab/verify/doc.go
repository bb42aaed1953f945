// Package verify examines a pipeline from outside: a ledger of what was sent, and
// a reader of the topics that says of every event whether what was promised is so.
//
//	           ledger (fsynced)                 log (all that lies in the topics)
//	sender ──▶ send, then ok/failed/unknown ──▶                 │
//	                                            Checker ◀───────┤──▶ Verdict: counts, rules broken
//	           calls of the model ────────────▶                 │
//	                                            committed (what a consumer is given)
//
// Upstream: a load that writes a Ledger (or tells a Checker itself), the topics,
// a journal of the model's calls.
// Downstream: the command verify, tests and campaigns, which read the Verdict.
//
// In process it is used so:
//
//	ledger, err := verify.OpenLedger(path)         // or none: the topics alone are judged
//	seq := ledger.Send(verify.Sending{ID: id, Key: key, Value: body}, func(err error) { … send now … })
//	ledger.Mark(seq, verify.OK, source)            // or Failed, Unknown
//	checker := verify.New(verify.Config{Topics: …, ExactlyOnce: true})
//	reader := verify.NewReader(checker, verify.Over(cluster), verify.ReaderConfig{Group: group, Ledger: path})
//	verdict, err := reader.Once(ctx)               // reads all there is, waits for what is under way
//	verdict, err = reader.Follow(ctx, over)        // reads along until over ends, then as Once
//
// A Checker may also be told by hand: Sent, Answered, Call, Log, Read. In its
// Verdict, Total says how often rules are broken, Broken which ones, Violations where.
//
// An id is answered for in three ways: ok must appear, failed must not, unknown
// may. Every rule has a name; rules.go says what each means.
//
// It shares with the process under test nothing but Kafka's protocol and the door
// that speaks it. The door is not trusted: what it brings must cover every offset
// up to the end that the brokers name, the fate of each transaction is read from
// its markers, and the two readings (all that lies there, and what is committed)
// must agree record by record.
//
// Invariants: payloads and keys are never kept, only their checksums and hashes. A
// record is some 16 bytes, an event and its id some 90 more; nothing else grows
// with what is read. Ids and keys are told apart by 64 bits of hash. A rule that
// had nothing to look at is not kept: an empty reading is itself a finding.
package verify
