package verify

import (
	"time"

	"betimes/internal/event"
)

// Topics are the names of the topics to read. An empty one is not read.
type Topics struct {
	Events                                     string
	Predictions, DeadLetters, Quarantine, Shed string
	Parked                                     string // a waiting room, not an end
}

// all lists the topics there are.
func (t Topics) all() []string {
	return append([]string{t.Events}, t.ends()...)
}

// ends lists the topics beside that of events.
func (t Topics) ends() []string {
	var list []string
	for _, name := range []string{t.Predictions, t.DeadLetters, t.Quarantine, t.Shed, t.Parked} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// place says what a record of a topic means for its event.
func (t Topics) place(topic string) (place, bool) {
	switch topic {
	case "":
		return 0, false
	case t.Predictions:
		return predicted, true
	case t.DeadLetters:
		return deadLetter, true
	case t.Quarantine:
		return quarantined, true
	case t.Shed:
		return shed, true
	case t.Parked:
		return parked, true
	}
	return 0, false
}

// Order is what flow.stream.order says.
type Order string

// The orders.
const (
	ByKey       Order = "key"
	ByPartition Order = "partition"
	Unordered   Order = "none"
)

// Window is a time in which something was done to the pipeline.
type Window struct{ From, To time.Time }

// Progress asks for endings in a time.
type Progress struct {
	Window
	Least int
}

// Config says what is promised.
type Config struct {
	Topics      Topics
	Order       Order // empty: ByKey
	ExactlyOnce bool  // no event may end twice

	// With at-least-once an event may end again. Without Faults every copy is
	// counted and none is held against the pipeline; with Faults only those of
	// events that were in flight at one: ended up to InFlight before it began, or
	// before it was over, and again after its beginning.
	Faults   []Window
	InFlight time.Duration
	// Finished tells when an event was known to be committed: a copy more than
	// InFlight later is not excused. May be nil.
	Finished func(event.Source) (time.Time, bool)

	MaxLag     time.Duration // from the answer to the sender until an event has ended; 0: any
	MaxCalls   int           // of the model for one event; 0: any
	Progress   []Progress
	OnlyLedger bool // events that the ledger does not name need not have ended
	Keep       int  // violations of each rule that are described; 0: 20
}

const describedOf = 20

func (c Config) withDefaults() Config {
	if c.Order == "" {
		c.Order = ByKey
	}
	if c.Keep == 0 {
		c.Keep = describedOf
	}
	return c
}
