package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/model"
)

// group is a batch: the members that one call is about, or several calls when it
// has to be parted.
type group struct {
	queue   *Queue
	members []*member
	flight  *flight
	why     string // for the record
	began   time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	waiting int             // members whose owners still wait; guarded by Queue.mu
	calls   atomic.Int32    // that may still be made to part it
	mayLook bool            // one answer is looked at again
	looks   string          // version that answers
	answer  *model.Response // to all members; nil: there is none
}

func newGroup(q *Queue, members []*member, f *flight) *group {
	g := &group{queue: q, members: members, flight: f, began: time.Now(), waiting: len(members)}
	g.ctx, g.cancel = context.WithTimeout(context.Background(), budget.Call)
	g.calls.Store(int32(2 * bits.Len(uint(len(members)-1))))
	for _, m := range members {
		m.group = g
	}
	return g
}

// left is told that one owner waits no more; the last one ends the calls. Queue.mu
// is held.
func (g *group) left() {
	if g.waiting--; g.waiting == 0 {
		g.cancel()
	}
}

// run asks about all members.
func (g *group) run() {
	defer g.queue.ended(g.flight)
	defer g.cancel()
	g.ask(g.members)
	if g.mayLook && g.answer != nil {
		g.flight.well = false // it takes longer than the batch did
		g.look()
	}
}

// ask asks about some members in one call, and about the halves of them when the
// failure may be one's own.
func (g *group) ask(members []*member) {
	resp, trace, err := g.call(g.ctx, members)
	switch {
	case err == nil:
		if len(members) == len(g.members) {
			g.flight.well, g.answer = true, resp
		}
		g.queue.went(len(members), nil)
		for i, m := range members {
			g.tell(m, told{resp: part(resp, i), why: g.why, began: g.began, trace: trace})
		}
	case len(members) > 1 && model.ClassOf(err) == model.ClassLate:
		g.without(members, trace, err)
	case len(members) == 1 || !ofOne(model.ClassOf(err)):
		g.fail(members, trace, err)
	case g.calls.Add(-2) < 0:
		g.queue.went(len(members), err)
		g.fail(members, trace, undecided(err))
	default:
		g.queue.went(len(members), err)
		half := len(members) / 2
		var other sync.WaitGroup
		other.Go(func() { g.ask(members[:half]) })
		g.ask(members[half:])
		other.Wait()
	}
}

// without asks about the members for which it is not too late: nobody was asked yet.
func (g *group) without(members []*member, trace *event.Event, err error) {
	now := time.Now()
	var late, rest []*member
	for _, m := range members {
		if latest := m.request.Items[0].Latest; latest.IsZero() || now.Before(latest) {
			rest = append(rest, m)
		} else {
			late = append(late, m)
		}
	}
	if len(late) == 0 { // two clocks
		late, rest = rest, nil
	}
	g.fail(late, trace, err)
	if len(rest) > 0 {
		g.ask(rest)
	}
}

// ofOne says that a failure may be the fault of one event of the call.
func ofOne(c model.Class) bool {
	switch c {
	case model.ClassModelFault, model.ClassBadInput, model.ClassBadOutput, model.ClassTooLarge, model.ClassTimeout:
		return true
	}
	return false
}

// undecided is what the members of a call are told of whom it is not known which
// one it failed for: they are asked again, each alone.
func undecided(err error) error {
	e, is := errors.AsType[*model.Error](err)
	if !is || !e.Class.OfEvent() {
		return err
	}
	shared := *e
	shared.Class = model.ClassModelFault
	return &shared
}

func (g *group) fail(members []*member, trace *event.Event, err error) {
	for _, m := range members {
		g.tell(m, told{err: err, why: g.why, began: g.began, trace: trace})
	}
}

// tell never waits: a member is told once.
func (g *group) tell(m *member, t told) {
	g.queue.mu.Lock()
	defer g.queue.mu.Unlock()
	m.told <- t
	if !m.gone {
		g.left()
	}
}

// call makes one call about some members, on a timeline of its own, with
// what was decided on the way.
func (g *group) call(ctx context.Context, members []*member) (*model.Response, *event.Event, error) {
	trace := &event.Event{}
	trace.Timeline.Start(time.Now())
	first := members[0].request
	r := &model.Request{
		Model: first.Model, ContentType: first.ContentType, Form: first.Form, Accept: first.Accept,
		InferenceID: inferenceID(members), Items: make([]model.Item, len(members)),
	}
	for i, m := range members {
		it := m.request.Items[0]
		r.Items[i] = model.Item{Body: it.Body, Deadline: it.Deadline, Latest: it.Latest}
	}
	r.Items[0].Event = trace
	g.queue.meter.size.Observe(float64(len(members)))
	resp, err := g.invoke(ctx, r)
	if err == nil && len(resp.Answers) != len(members) {
		err = &model.Error{Class: model.ClassBadOutput, Endpoint: resp.Endpoint, Err: errMiscounted}
	}
	return resp, trace, err
}

// invoke: a panic ends the events of a call and nothing else.
func (g *group) invoke(ctx context.Context, r *model.Request) (resp *model.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			g.queue.deps.Log.Error("panic in a call", "panic", fmt.Sprint(p), "model", r.Model, "stack", string(debug.Stack()))
			err = &model.Error{Endpoint: g.queue.deps.Model, Err: fmt.Errorf("internal error: %v", p)}
		}
	}()
	return g.queue.inner.Invoke(ctx, r)
}

var errMiscounted = errors.New("the number of answers is not that of the events")

// inferenceID is that of the event, or a digest of all: the same events together
// have the same.
func inferenceID(members []*member) string {
	if len(members) == 1 {
		return members[0].request.InferenceID
	}
	sum := sha256.New()
	for _, m := range members {
		_, _ = sum.Write([]byte(m.request.InferenceID)) // a hash takes everything
		_, _ = sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// part is the answer to one event as its owner gets it.
func part(resp *model.Response, i int) *model.Response {
	one := *resp
	one.Answers = resp.Answers[i : i+1 : i+1]
	one.Batch = len(resp.Answers)
	return &one
}
