package model

import (
	"context"
	"time"

	"betimes/internal/event"
)

// Item is one event in a Request: its encoded body and what is left of its time.
// Body must not change once it was given to an Invoker, not even after Invoke
// returned: the write of a call that was given up may still be under way.
type Item struct {
	Event    *event.Event
	Body     []byte
	Deadline time.Time // zero: none
	Latest   time.Time // no call about it begins after that; zero: it may begin late
}

// Request asks a model about one or more events. Only batch makes Requests of
// more than one item; all of them have the same content type.
type Request struct {
	Model       string // name in the configuration
	ContentType string // text/csv, application/json, …
	Form        Form   // in which events share the call; empty: by the content type
	Accept      string // empty: the door's default
	Items       []Item
	InferenceID string // stable across attempts; at most 64 printable characters
}

// Codec returns the Codec of the request's bodies.
func (r *Request) Codec() (Codec, error) { return CodecOf(r.Form, r.ContentType) }

// Deadline is the tightest deadline of the items, or zero.
func (r *Request) Deadline() time.Time {
	var d time.Time
	for i := range r.Items {
		if t := r.Items[i].Deadline; !t.IsZero() && (d.IsZero() || t.Before(d)) {
			d = t
		}
	}
	return d
}

// Latest is the earliest moment after which an item must not be asked about, or zero.
func (r *Request) Latest() time.Time {
	var d time.Time
	for i := range r.Items {
		if t := r.Items[i].Latest; !t.IsZero() && (d.IsZero() || t.Before(d)) {
			d = t
		}
	}
	return d
}

// Answer is the model's answer for one item: a body or an error (a *Error).
type Answer struct {
	Body []byte
	Err  error
}

// Times is what a door measured of one call. What is not known is zero.
type Times struct {
	Connect time.Duration // dial and TLS, zero on a reused connection
	Total   time.Duration // first byte written … last byte read
	Queue   time.Duration // the server's own waiting time, where it says so
	Compute time.Duration // the server's own computing time, where it says so
	Server  bool          // the server said its own time
}

// Response answers a Request item by item.
type Response struct {
	Answers     []Answer
	ContentType string
	Endpoint    string // name of the endpoint that answered
	Batch       int    // events that the call was about; 0: this one
	Variant     string
	Version     string // model version, where the endpoint says so
	Times       Times
}

// Invoker asks a model. A returned error (a *Error) stands for all items; an
// error of one item is in its Answer. Invoke obeys ctx and frees its slot when
// ctx ends.
type Invoker interface {
	Invoke(ctx context.Context, r *Request) (*Response, error)
}
