package reply

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Error is what AWS says when it refuses.
type Error struct {
	Status  int
	Type    string // ValidationException
	Text    string
	Capital bool // the member is Message, as in the modelled errors
}

// Error gives type: text.
func (e *Error) Error() string { return e.Type + ": " + e.Text }

// Validation is the error of everything that is not modelled.
func Validation(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "ValidationException", Text: fmt.Sprintf(format, args...)}
}

// Modelled is an error that the service model names: its text is in Message.
func Modelled(name, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: name, Text: fmt.Sprintf(format, args...), Capital: true}
}

// UnknownOperation is the answer to everything that is not built.
func UnknownOperation(operation string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "UnknownOperationException",
		Text: fmt.Sprintf("The operation %q is not known to this emulator.", operation)}
}

// Refusal is what the client is told of an error. One that is no Error is the
// emulator's own: it is logged, and the client gets kind, the service's word for it.
func Refusal(err error, log *slog.Logger, operation, kind string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	log.Error("operation failed", "operation", operation, "error", err)
	return &Error{Status: http.StatusInternalServerError, Type: kind, Text: "The emulator could not do this; its log says why."}
}

// Decode reads a request of JSON.
func Decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Status: http.StatusBadRequest, Type: "SerializationException", Text: err.Error()}
	}
	return nil
}

// JSON answers 200 with v in the content type of awsJson1.1.
func JSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = []string{"application/x-amz-json-1.1"}
	_, err = w.Write(body)
	return err
}

// Write answers with e in awsJson1.1.
func (e *Error) Write(w http.ResponseWriter) {
	member := "message"
	if e.Capital {
		member = "Message"
	}
	body, _ := json.Marshal(map[string]string{"__type": e.Type, member: e.Text}) // strings always marshal
	h := w.Header()
	h["Content-Type"] = []string{"application/x-amz-json-1.1"}
	h["X-Amzn-Errortype"] = []string{e.Type}
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // the caller may have gone
}
