package loadgen

import (
	"context"
	"time"

	"betimes/internal/event"
)

// Outgoing is one event to send. It must not be changed until done was called.
type Outgoing struct {
	ID          string
	Key         []byte // for the brokers; the gateway finds it in the body
	Body        []byte
	ContentType string
	Intended    time.Time
}

// Outcome says what became of a send.
type Outcome uint8

// The outcomes.
const (
	Pending  Outcome = iota
	Accepted         // it is durable
	Refused          // it was understood and not taken: malformed, over a rate
	Failed           // it was not sent
	Unknown          // it may be durable: no answer, or an answer that says so
)

// Result is the outcome of one send.
type Result struct {
	Outcome Outcome
	Source  event.Source // of the accepted record
	Problem string       // why it was not accepted, short and without payload: "http 503", "timeout"
}

// Sender sends events. Send returns at once; done is called once, by any
// goroutine, perhaps before Send returns. A failed send is not repeated.
type Sender interface {
	Send(ctx context.Context, e Outgoing, done func(Result))
}
