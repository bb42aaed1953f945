package modeltest

import (
	"bytes"
	"time"

	"betimes/internal/model"
)

// Behaviour is how the model behind an Invoker under test acts. The zero
// Behaviour answers each item with its own body, at once, as text/csv.
type Behaviour struct {
	Delay    time.Duration // service time
	Fail     model.Class   // answer every call with a failure of this class
	HangFor  int           // the first calls that never get an answer
	Reached  chan struct{} // when set, gets a value for each hanging call that reached the model
	Body     []byte        // answer with this body instead of the request's
	Oversize bool          // answer with more bytes than a door may keep
	Refuse   string        // refuse a call about an item that holds this, as bad input
	Calls    int           // connections the Invoker may use; 0: its default
}

// Refuses says whether a model of this Behaviour refuses a request body.
func (b Behaviour) Refuses(request []byte) bool {
	return b.Refuse != "" && bytes.Contains(request, []byte(b.Refuse))
}

// Answer is what a model of this Behaviour answers to a request body.
func (b Behaviour) Answer(request []byte) []byte {
	if b.Body != nil {
		return b.Body
	}
	return bytes.Clone(request)
}
