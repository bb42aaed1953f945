package verify

// Rule is one promise that is looked after.
type Rule string

// The rules. The first ten have the names of Jepsen's tests of Kafka.
const (
	LostWrite           Rule = "lost-write"           // acknowledged to the sender, and not in the topic of events
	AbortedRead         Rule = "g1a"                  // what failed or was aborted was read, or worked on
	Duplicated          Rule = "duplicate"            // sent once and twice in events, or ended again in the same place
	InconsistentOffsets Rule = "inconsistent-offsets" // one offset held two different records
	NonmonotonicPoll    Rule = "nonmonotonic-poll"    // a reading went back
	NonmonotonicSend    Rule = "nonmonotonic-send"    // sent after the answer to another of its key, and stored before it
	PollSkip            Rule = "poll-skip"            // a reading passed over a record
	IntSendSkip         Rule = "int-send-skip"        // a transaction ended an event of a key and passed over an earlier one
	PrecommittedRead    Rule = "precommitted-read"    // read as committed before it was
	Unseen              Rule = "unseen"               // in the topic of events, and ended nowhere

	RealtimeLag    Rule = "realtime-lag"     // ended later after its answer than allowed
	KeyOrder       Rule = "key-order"        // ended behind a later event of its key
	CorruptValue   Rule = "corrupt-value"    // the value in events is not what was sent
	WrongRecord    Rule = "wrong-record"     // an ending has the id, key or partition of another event
	NoSuchEvent    Rule = "no-such-event"    // an ending of an event that is not in the topic
	NoReason       Rule = "no-reason"        // a dead letter, quarantined or shed event that does not say why
	BytesChanged   Rule = "bytes-changed"    // … whose key, value or foreign headers are not the original's
	TwoPlaces      Rule = "two-places"       // an event ended in two places
	CommitAhead    Rule = "commit-ahead"     // the group had committed an event that has not ended
	ExtraCall      Rule = "extra-call"       // the model was asked more often than allowed
	NoCall         Rule = "no-call"          // predicted, and the model was never asked
	NoProgress     Rule = "no-progress"      // fewer endings in a window than asked for
	NothingToJudge Rule = "nothing-to-judge" // nothing was sent or read: no rule says anything
)

// Rules lists all, in the order of reports.
func Rules() []Rule {
	return []Rule{
		LostWrite, AbortedRead, Duplicated, InconsistentOffsets, NonmonotonicPoll, NonmonotonicSend, PollSkip, IntSendSkip, PrecommittedRead, Unseen,
		RealtimeLag, KeyOrder, CorruptValue, WrongRecord, NoSuchEvent, NoReason, BytesChanged, TwoPlaces, CommitAhead, ExtraCall, NoCall, NoProgress,
		NothingToJudge,
	}
}
