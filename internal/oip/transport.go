package oip

import (
	"context"
	"time"
)

// transport is HTTP or gRPC. Its errors are *model.Error.
type transport interface {
	// describe reads the model's metadata; one attempt.
	describe(ctx context.Context) (*signature, error)
	// ready asks whether the model answers; nil when it does.
	ready(ctx context.Context) error
	// infer asks the model once.
	infer(ctx context.Context, c *call) (*result, error)
	close()
}

// call is one question to the model.
type call struct {
	id       string
	deadline time.Time // zero: none
	latest   time.Time // from then on it is not sent any more; zero: whenever
	inputs   []tensor
	binary   bool
}

const (
	deadlineHeader = "X-Deadline-Ms"
	timingHeader   = "Server-Timing"
	// binaryHeader says where the JSON of a message ends and bytes of tensors begin.
	binaryHeader = "Inference-Header-Content-Length"
)
