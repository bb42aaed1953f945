package event

import "time"

// Place is where an event ends. Every accepted event ends in exactly one.
type Place uint8

// The places. Unfinished is not an end: the event is asked again after a wait.
// Parked is none either: the event waits, outside the worker, to be replayed.
const (
	Unfinished Place = iota
	Predicted
	DeadLetter
	Quarantined
	Shed
	Parked
	Duplicate // counted, written nowhere
	NumPlaces = iota
)

var placeNames = [NumPlaces]string{"unfinished", "predicted", "dead_letter", "quarantined", "shed", "parked", "duplicate"}

// String gives the place as the metric label outcome has it.
func (p Place) String() string { return placeNames[p] }

// Reason is a stable code for why an event did not become a prediction.
type Reason string

// The reasons that rooms give today.
const (
	ReasonUndecodable    Reason = "undecodable"      // the payload is not what the topic's format says
	ReasonFeature        Reason = "feature"          // the mapping failed on this event
	ReasonModelInput     Reason = "model_input"      // the model refused this event
	ReasonModelError     Reason = "model_error"      // the model failed on it, attempts used up
	ReasonBadModelOutput Reason = "bad_model_output" // the answer is not what was asked for
	ReasonTooLarge       Reason = "too_large"
	ReasonAttempts       Reason = "attempts"      // attempts used up for another cause
	ReasonRoute          Reason = "no_route"      // no entry of flow.route matched
	ReasonInternal       Reason = "internal"      // a fault of ours; the log has more
	ReasonLate           Reason = "late"          // its time was over
	ReasonWouldBeLate    Reason = "would_be_late" // its answer was predicted to come after its deadline
	ReasonPriority       Reason = "priority"      // others of more priority needed the time
	ReasonKeyParked      Reason = "key_parked"    // it waits behind a parked event of its key
	ReasonParkFull       Reason = "park_full"     // so it should, but too many wait already
)

// Ending says how one attempt at an event ended and what to write.
//
// Predicted carries the prediction record's Key, Value and Headers; the other
// places keep the original bytes, and stream adds the headers that say why.
// Unfinished asks for another attempt: Counted says whether it uses one up (a
// fault of the event) or not (a fault of the endpoint, which is waited out),
// Throttled that the endpoint has more to do than it takes.
type Ending struct {
	Place   Place
	Value   []byte
	Headers []Header

	Reason    Reason
	Stage     Stage
	Err       error
	Counted   bool
	Throttled bool
	After     time.Duration // least wait before the next attempt; zero: the policy's own
}

// Fail makes the Ending of an attempt that ends in a dead letter.
func Fail(reason Reason, stage Stage, err error) Ending {
	return Ending{Place: DeadLetter, Reason: reason, Stage: stage, Err: err}
}
