package modeltest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"betimes/internal/model"
)

// Step is what the Fake does with one call.
type Step struct {
	Delay  time.Duration // service time; under testing/synctest it costs nothing
	Hold   chan struct{} // when set, answer only after it is closed
	Begun  chan struct{} // when set, gets a value when the call has begun; give it room
	Fail   model.Class   // fail the call with this class
	Err    error         // fail the call with this error instead
	Bodies [][]byte      // answers, one per item; default: each item's own body
	Errs   []error       // errors of single items; nil entries answer
}

// Call is one call that the Fake got.
type Call struct {
	Request *model.Request
	At      time.Time
}

// Fake is a model.Invoker that follows a script. The zero Fake answers each
// item with its own body. It is safe for concurrent use.
type Fake struct {
	Endpoint    string // default: fake
	Variant     string
	Version     string
	ContentType string // of answers; default: the request's
	Default     Step   // what is done when the script is at its end

	// Respond, when set, decides by itself and comes before script and Default.
	Respond func(ctx context.Context, r *model.Request) Step

	mu     sync.Mutex
	script []Step
	calls  []Call
	now    int
	most   int
}

// Script adds steps, each for one call, in the order of the calls.
func (f *Fake) Script(steps ...Step) *Fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, steps...)
	return f
}

// Calls gives the calls so far.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// InFlight gives the calls under way and the most that ever were.
func (f *Fake) InFlight() (now, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.most
}

// Invoke follows the next step.
func (f *Fake) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, f.fail(model.ClassBadInput, errors.New("a request without items"))
	}
	if latest := r.Latest(); !latest.IsZero() && !time.Now().Before(latest) {
		return nil, f.fail(model.ClassLate, nil)
	}
	step := f.begin(ctx, r)
	defer f.end()
	start := time.Now()
	if err := step.wait(ctx); err != nil {
		return nil, f.fail(ClassOfContext(err), err)
	}
	if step.Err != nil {
		return nil, step.Err
	}
	if step.Fail != model.ClassUnknown {
		return nil, f.fail(step.Fail, nil)
	}
	resp := f.answer(r, step)
	resp.Times = model.Times{Total: time.Since(start), Compute: step.Delay, Server: step.Delay > 0}
	return resp, nil
}

func (f *Fake) begin(ctx context.Context, r *model.Request) Step {
	f.mu.Lock()
	f.calls = append(f.calls, Call{r, time.Now()})
	f.now++
	f.most = max(f.most, f.now)
	step := f.Default
	if f.Respond == nil && len(f.script) > 0 {
		step, f.script = f.script[0], f.script[1:]
	}
	f.mu.Unlock()
	if f.Respond != nil {
		return f.Respond(ctx, r)
	}
	return step
}

func (f *Fake) end() {
	f.mu.Lock()
	f.now--
	f.mu.Unlock()
}

func (s Step) wait(ctx context.Context) error {
	if s.Begun != nil {
		s.Begun <- struct{}{}
	}
	if s.Delay > 0 {
		timer := time.NewTimer(s.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.Hold != nil {
		select {
		case <-s.Hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

func (f *Fake) answer(r *model.Request, step Step) *model.Response {
	resp := &model.Response{
		Answers: make([]model.Answer, len(r.Items)), ContentType: f.ContentType,
		Endpoint: f.name(), Variant: f.Variant, Version: f.Version,
	}
	if resp.ContentType == "" {
		resp.ContentType = r.ContentType
	}
	for i := range r.Items {
		switch {
		case i < len(step.Errs) && step.Errs[i] != nil:
			resp.Answers[i].Err = step.Errs[i]
		case i < len(step.Bodies):
			resp.Answers[i].Body = step.Bodies[i]
		default:
			resp.Answers[i].Body = bytes.Clone(r.Items[i].Body)
		}
	}
	return resp
}

func (f *Fake) name() string {
	if f.Endpoint != "" {
		return f.Endpoint
	}
	return "fake"
}

func (f *Fake) fail(class model.Class, cause error) error {
	return &model.Error{Class: class, Endpoint: f.name(), Err: cause}
}

// ClassOfContext says whether a context ended by its deadline or by its caller.
func ClassOfContext(err error) model.Class {
	if errors.Is(err, context.DeadlineExceeded) {
		return model.ClassTimeout
	}
	return model.ClassCanceled
}
