package feature

import (
	"errors"
	"strings"

	"betimes/internal/event"
)

// Error is why an event could not be mapped. It holds no value of the payload.
type Error struct {
	Reason event.Reason // undecodable, feature or no_route
	Field  string       // field or configuration key concerned; empty: the whole payload
	Text   string       // what is wrong and how to mend it
	Err    error        // cause, may be nil
}

// Error gives field: text: cause, as far as they are known.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if e.Field != "" {
		parts = append(parts, e.Field)
	}
	if e.Text != "" {
		parts = append(parts, e.Text)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason to give in a dead letter; feature when err is no *Error.
func ReasonOf(err error) event.Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return event.ReasonFeature
}

func undecodable(field, text string) *Error {
	return &Error{Reason: event.ReasonUndecodable, Field: field, Text: text}
}

func unmapped(field, text string) *Error {
	return &Error{Reason: event.ReasonFeature, Field: field, Text: text}
}
