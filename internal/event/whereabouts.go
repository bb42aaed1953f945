package event

import (
	"encoding/json"
	"errors"
	"time"
)

// ErrUnknown says that no event of that id is known: it was never accepted, or
// the topics no longer keep it.
var ErrUnknown = errors.New("event is unknown")

// Whereabouts says where an event is or how it ended.
type Whereabouts struct {
	ID       string
	Key      []byte
	Place    Place     // Unfinished while it is under way
	Accepted Source    // its record in events; zero when unknown
	At       time.Time // time of the accepted record
	Ended    Source    // its record in the topic it ended in; zero while under way
	EndedAt  time.Time

	Timeline   Timeline        // of the ending when it ended, else as it was at the broker
	Prediction json.RawMessage // value of the record in predictions
	Reason     Reason          // why it is no prediction
	Error      string
	Stage      string // where it failed
	Attempts   int
	Decisions  string // header betimes-decisions
	Payload    []byte // as accepted; shown only where privacy allows
}
