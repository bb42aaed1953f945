package fleet

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Call is one invocation, as a container sees it. The caller owns Body and Out
// and may reuse them after the answer was written.
type Call struct {
	ContentType, Accept string
	CustomAttributes    string
	TargetModel         string // of a multi-model container
	TargetContainer     string // of several that are asked directly
	Body                []byte
	Out                 []byte     // room for the answer; a container may append to Out[:0]
	MaxAnswer           int64      // bytes; 0: those of a real-time answer
	NeedLength          bool       // the answer must say its length: what is asked asynchronously
	MaxHeader           int        // bytes of the answer's headers; 0: maxHeaderBytes
	Chance              *rand.Rand // what is left to chance; nil: the process's own

	// Piece, when set, takes a good answer in pieces as they come: head is the answer
	// without its body, which a container that calls Piece leaves empty.
	Piece func(head *Answer, piece []byte) error
}

// Answer is what a container said. Body may share memory with the Call.
type Answer struct {
	Status           int
	ContentType      string
	CustomAttributes string
	Body             []byte
	Took             time.Duration // the server's own computing time, where it says so; else 0
	Scripted         time.Duration // how long a profile drew that it takes; else 0
	Container        string        // who answered, of several; empty: primary
}

// From is the name of the container that answered.
func (a *Answer) From() string {
	if a.Container == "" {
		return "primary"
	}
	return a.Container
}

// Container runs one copy of a model.
type Container interface {
	// Ping answers nil when the model is ready for invocations.
	Ping(ctx context.Context) error
	// Invoke answers one call. An error means there was no answer at all:
	// the container died, closed the connection or took too long.
	Invoke(ctx context.Context, call *Call) (Answer, error)
	// Workers is how many calls run at once; 0 leaves queueing to the container itself.
	Workers() int
	// Gone is closed when the container died by itself; nil when it cannot.
	Gone() <-chan struct{}
	// Close stops it; what it holds is released.
	Close()
}

// refuse is a container's own error answer.
func refuse(status int, text string) Answer {
	return Answer{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text)}
}

// inProcess is what containers without a process of their own have in common.
type inProcess struct{ workers int }

// Ping is always well.
func (inProcess) Ping(context.Context) error { return nil }

// Workers is how many calls run at once.
func (c inProcess) Workers() int { return c.workers }

// Gone is never.
func (inProcess) Gone() <-chan struct{} { return nil }

// Close has nothing to release.
func (inProcess) Close() {}

// echo answers with the request.
type echo struct{ inProcess }

// Invoke gives the body back.
func (echo) Invoke(_ context.Context, call *Call) (Answer, error) {
	return Answer{Status: http.StatusOK, ContentType: call.ContentType, CustomAttributes: call.CustomAttributes, Body: call.Body}, nil
}
