package lifecycle

import (
	"context"
	"errors"
	"fmt"
)

// Runner is a long-lived room. Run returns nil soon after ctx ends, having
// drained what it holds; it returns an error when it can go on no longer.
type Runner interface {
	Run(ctx context.Context) error
}

// Readier is a Runner that needs a moment: the next room starts when Ready is closed.
type Readier interface {
	Ready() <-chan struct{}
}

// Func makes a Runner of a function.
type Func func(ctx context.Context) error

// Run calls f.
func (f Func) Run(ctx context.Context) error { return f(ctx) }

// Group runs rooms. The zero Group is empty; it is run once.
type Group struct {
	rooms []room
}

type room struct {
	name   string
	runner Runner
}

// Add puts a room after (upstream of) those already added.
func (g *Group) Add(name string, r Runner) {
	g.rooms = append(g.rooms, room{name, r})
}

// Run starts the rooms in order, waits until ctx ends or one of them fails,
// stops them in reverse order and returns the errors joined. ready, when not
// nil, is called once all of them are.
func (g *Group) Run(ctx context.Context, ready func()) error {
	failed := make(chan error, len(g.rooms))
	var running []started
	var first error
start:
	for _, r := range g.rooms {
		s := start(r, failed)
		running = append(running, s)
		select {
		case <-s.ready(r.runner):
		case first = <-failed:
			break start
		case <-ctx.Done():
			break start
		}
	}
	if first == nil && ctx.Err() == nil {
		if ready != nil {
			ready()
		}
		select {
		case <-ctx.Done():
		case first = <-failed:
		}
	}
	errs := []error{first}
	for i := len(running) - 1; i >= 0; i-- {
		running[i].cancel()
		<-running[i].done
	}
	close(failed)
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

type started struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs one room on its own context: it ends only when its turn comes.
func start(r room, failed chan<- error) started {
	ctx, cancel := context.WithCancel(context.Background())
	s := started{cancel, make(chan struct{})}
	go func() {
		defer close(s.done)
		err := r.runner.Run(ctx)
		if err == nil && ctx.Err() == nil {
			err = errors.New("stopped by itself")
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			failed <- fmt.Errorf("%s: %w", r.name, err)
		}
	}()
	return s
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (s started) ready(r Runner) <-chan struct{} {
	if rr, ok := r.(Readier); ok {
		return rr.Ready()
	}
	return closed
}
