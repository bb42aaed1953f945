package model

import (
	"errors"
	"fmt"
)

// Class says what kind of failure a call met, and so what may be done about it.
type Class uint8

// The classes. A door classifies; balance decides.
const (
	ClassUnknown     Class = iota
	ClassThrottled         // the endpoint is saturated; not a failure of the event
	ClassNotReady          // the model is still loading
	ClassUnavailable       // 500, 503, 530 of the service, no healthy instance
	ClassConnection        // refused, reset, closed before an answer
	ClassTimeout           // no answer in the time given
	ClassModelFault        // the model answered 5xx: the event may be the cause
	ClassBadInput          // the model refused the event: 4xx
	ClassBadOutput         // the answer is not what was asked for
	ClassTooLarge          // the body is over the endpoint's limit
	ClassNotFound          // no such endpoint, or it is not in service
	ClassDenied            // credentials or permissions
	ClassCanceled          // the caller gave up
	ClassLate              // nobody was asked: the answer would have come after the event's time
	NumClasses       = iota
)

var classNames = [NumClasses]string{
	"unknown", "throttled", "not_ready", "unavailable", "connection", "timeout", "model_fault",
	"bad_input", "bad_output", "too_large", "not_found", "denied", "canceled", "late",
}

// String gives the class as metrics and decisions name it.
func (c Class) String() string { return classNames[c] }

// OfEndpoint says that the endpoint is to blame, not the event: such a failure
// is waited out and uses up no attempt.
func (c Class) OfEndpoint() bool {
	switch c {
	case ClassThrottled, ClassNotReady, ClassUnavailable, ClassConnection, ClassNotFound, ClassDenied, ClassCanceled:
		return true
	}
	return false
}

// OfEvent says that asking again cannot help: the event ends as a dead letter.
func (c Class) OfEvent() bool {
	return c == ClassBadInput || c == ClassTooLarge
}

// Error is a failed call or a failed item of one.
type Error struct {
	Class          Class
	Endpoint       string
	Status         int    // HTTP status of the service, 0: none
	OriginalStatus int    // what the model itself answered behind a 424
	Again          bool   // one more try at once may do better: on another connection, or with what was set right since
	Message        string // what the other side said, cut to 512 bytes
	Err            error  // cause, may be nil
}

// Error names the endpoint, the class, the status and the message.
func (e *Error) Error() string {
	s := fmt.Sprintf("endpoint %s: %s", e.Endpoint, e.Class)
	if e.Status != 0 {
		s += fmt.Sprintf(" (%d", e.Status)
		if e.OriginalStatus != 0 {
			s += fmt.Sprintf(", model %d", e.OriginalStatus)
		}
		s += ")"
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the Class of an error that a call returned; ClassUnknown when
// it is not a *Error.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ClassUnknown
}
