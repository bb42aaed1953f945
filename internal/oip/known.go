package oip

import (
	"context"
	"sync"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// readTimeout is how long the metadata of a model may take.
const readTimeout = 5 * time.Second

// known keeps what the model said of itself. Callers share one reading.
type known struct {
	name string // of the endpoint
	read func(context.Context) (*signature, error)
	ctx  context.Context // ends with close
	stop context.CancelFunc

	mu      sync.Mutex
	is      *signature // nil: not read
	reading *reading   // nil: none under way
}

// reading is one look at the server; is and err are there once done is closed.
type reading struct {
	done chan struct{}
	is   *signature
	err  error
}

func newKnown(name string, read func(context.Context) (*signature, error)) *known {
	k := &known{name: name, read: read}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

func (k *known) close() { k.stop() }

// forget lets the next caller read again.
func (k *known) forget() { k.learn(nil) }

// learn takes over what was read by somebody else; nil: forget.
func (k *known) learn(is *signature) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.is = is
}

// get is what the model says of itself, read when it is not known.
func (k *known) get(ctx context.Context) (*signature, error) {
	k.mu.Lock()
	if is := k.is; is != nil {
		k.mu.Unlock()
		return is, nil
	}
	r := k.reading
	if r == nil {
		r = &reading{done: make(chan struct{})}
		k.reading = r
		go k.finish(r)
	}
	k.mu.Unlock()
	select {
	case <-r.done:
		return r.is, r.err
	case <-ctx.Done():
		return nil, &model.Error{Class: exchange.ClassOf(ctx.Err()), Endpoint: k.name, Err: ctx.Err()}
	}
}

// finish reads for all who wait.
func (k *known) finish(r *reading) {
	ctx, cancel := context.WithTimeout(k.ctx, readTimeout)
	defer cancel()
	r.is, r.err = k.read(ctx)
	k.mu.Lock()
	k.is, k.reading = r.is, nil
	k.mu.Unlock()
	close(r.done)
}
