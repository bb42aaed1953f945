package sagemaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

// streamTimeout is a second more than the service lets a container stream.
const streamTimeout = 8*time.Minute + time.Second

// Headers of a stream that are not those of a whole answer.
const (
	headerStreamAccept = "X-Amzn-Sagemaker-Accept"
	headerStreamType   = "X-Amzn-Sagemaker-Content-Type"
)

// eventStream is the content type of answers that come in frames.
const eventStream = "application/vnd.amazon.eventstream"

// streams is InvokeEndpointWithResponseStream. The answer is used when it is whole:
// what is won is time, 8 minutes instead of one.
func streams() operation {
	return operation{
		path: "invocations-response-stream", timeout: streamTimeout, maxBytes: maxBodyBytes,
		accept: headerStreamAccept, answerType: headerStreamType,
		framed: &exchange.Framing{ContentType: eventStream, Read: unframe},
	}
}

// unframe puts the parts of an answer together.
func unframe(r io.Reader) ([]byte, error) {
	var answer []byte
	for {
		f, err := wire.ReadFrame(r)
		switch {
		case errors.Is(err, io.EOF):
			return answer, nil
		case errors.Is(err, wire.ErrFrame):
			return nil, &model.Error{Class: model.ClassBadOutput, Err: err}
		case err != nil:
			return nil, err
		}
		if err := inBand(f); err != nil {
			return nil, err
		}
		if f.Header(":event-type") != "PayloadPart" {
			continue // a kind of event that is new
		}
		if len(answer)+len(f.Payload) > exchange.MaxAnswerBytes {
			return nil, &model.Error{Class: model.ClassBadOutput, Err: fmt.Errorf("the streamed answer is larger than %d MiB; let the model answer less", exchange.MaxAnswerBytes>>20)}
		}
		answer = append(answer, f.Payload...)
	}
}

// inBand is the error that a frame stands for. The status of the answer was good.
func inBand(f wire.Frame) error {
	name := f.Header(":exception-type")
	var said struct{ Message, ErrorCode string }
	switch f.Header(":message-type") {
	case "exception":
		_ = json.Unmarshal(f.Payload, &said) // not JSON: the name has to do
	case "error":
		name, said.Message = f.Header(":error-code"), f.Header(":error-message")
	default:
		return nil
	}
	return &model.Error{Class: classInBand(name, said.ErrorCode), Status: http.StatusOK, Message: model.Excerpt([]byte(name + " " + said.ErrorCode + " " + said.Message))}
}

func classInBand(name, code string) model.Class {
	switch {
	case name == "ModelStreamError" && code == "ModelInvocationTimeExceeded":
		return model.ClassTimeout
	case name == "ModelStreamError":
		return model.ClassModelFault
	case name == "InternalStreamFailure":
		return model.ClassUnavailable
	}
	return classOf(name, exchange.Reply{Status: http.StatusInternalServerError}, refusal{})
}
