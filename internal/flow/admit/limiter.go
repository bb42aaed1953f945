package admit

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/pulse"
)

// Deps are a Limiter's collaborators.
type Deps struct {
	Model      string
	Live       *budget.Live // of the process; nil: nothing is known of the stages after
	Registerer prometheus.Registerer
	// Capacity tells how many calls the endpoint takes at once: balance's; nil: not known.
	Capacity func() (free, limit int, service time.Duration)
}

// Limiter is the model.Invoker of one model that lets in what can be in time.
type Limiter struct {
	config Config
	deps   Deps
	inner  model.Invoker
	meter  *meter

	mu      sync.Mutex
	inside  int
	whole   curve     // from being let in to the answer
	calls   curve     // of that, the call alone
	calm    lowest    // of whole, in the last minute or less
	refused time.Time // newest event that was refused, or came back late
	trouble time.Time // newest one that had no even chance
	passed  time.Time // newest event that was let in
	urgency urgency
}

const (
	pressing   = time.Second            // for so long after one was refused others are let in with more care
	probeEvery = 100 * time.Millisecond // one is let in although it should be late
	leastLeft  = time.Millisecond       // that a call has left when it begins: models are told whole ones
)

// New makes a Limiter before inner.
func New(config Config, inner model.Invoker, deps Deps) *Limiter {
	l := &Limiter{config: config, deps: deps, inner: inner, meter: newMeter(deps.Registerer, deps.Model)}
	l.tell(deps.Registerer)
	return l
}

// Model is the name of the model.
func (l *Limiter) Model() string { return l.deps.Model }

// Invoke asks inner about one event that can be in time. Else the error has
// model.ClassLate, and a Refusal within. An event without a deadline is let in.
func (l *Limiter) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) != 1 || r.Items[0].Event == nil || r.Items[0].Event.Deadline.IsZero() {
		return l.inner.Invoke(ctx, r)
	}
	it := &r.Items[0]
	e := it.Event
	if e.Backlog && l.config.Backlog == Predict && l.config.Late == Shed {
		return l.measured(ctx, r, pass{})
	}
	now := time.Now()
	p, refusal := l.decide(e, now)
	e.Timeline.Mark(event.StageAdmit, now)
	if refusal != nil {
		return nil, l.refuse(e, refusal)
	}
	l.meter.decisions[p.name()].one()
	e.Decisions.Add("admit", p.name(), text(p.left, p.need))
	it.Deadline, it.Latest = p.answerBy, p.latest // as publishing is known now, and both of one moment
	resp, err := l.measured(ctx, r, p)
	if model.ClassOf(err) == model.ClassLate && err != nil {
		return nil, l.refuse(e, &Refusal{Reason: event.ReasonLate, Left: time.Until(p.answerBy)})
	}
	if now = time.Now(); err == nil && l.config.Late == Shed && e.Late(now) {
		return nil, l.refuse(e, &Refusal{Reason: event.ReasonLate, Left: e.Deadline.Sub(now), Asked: true})
	}
	return resp, err
}

// Alone is how long an answer takes when nobody is before its event, as known lately;
// zero: it is not known.
func (l *Limiter) Alone() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.alone(time.Now())
}

func (l *Limiter) alone(now time.Time) time.Duration {
	even, step := l.whole.least(now)
	l.calm.note(even, step, now)
	even, _ = l.calm.get()
	return even
}

// Helped notes that another model answered an event that was refused.
func (l *Limiter) Helped() { l.meter.fallbacks.one() }

// Snapshot is what a pulse says of the model.
func (l *Limiter) Snapshot() *pulse.Admit {
	out := &pulse.Admit{Decisions: l.meter.snapshot(), Fallbacks: l.meter.fallbacks.n.Load()}
	takes, now := l.takes(), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	whole := l.whole.predict(l.inside+1, takes, now)
	out.Inside, out.NeedUS, out.AloneUS = l.inside, whole.with(l.sure(whole, now)).Microseconds(), l.alone(now).Microseconds()
	return out
}

// pass is what was predicted for an event that is let in.
type pass struct {
	answerBy   time.Time
	latest     time.Time // moment for its call to begin; zero: any
	left, need time.Duration
	probe      bool
}

// The names of what is decided for an event that is let in.
const (
	passed = "pass"
	probed = "probe"
)

func (p pass) name() string {
	if p.probe {
		return probed
	}
	return passed
}

// decide says whether an event is let in.
func (l *Limiter) decide(e *event.Event, now time.Time) (pass, *Refusal) {
	takes := l.takes()
	l.mu.Lock()
	defer l.mu.Unlock()
	p := pass{answerBy: l.deps.Live.AnswerBy(e.Deadline)}
	p.left = p.answerBy.Sub(now)
	alone := l.alone(now)
	whole := l.whole.predict(l.inside+1, takes, now)
	sure := l.sure(whole, now)
	p.need = whole.with(sure)
	reserve := l.urgency.reserve(e.Priority, p.answerBy.Sub(e.Received)-alone, now)
	if now.Sub(l.refused) >= pressing {
		reserve = 0
	}
	switch {
	case !now.Before(e.Deadline):
		return p, &Refusal{Reason: event.ReasonLate, Left: p.left}
	case p.left >= p.need+reserve:
	case l.probes(p, now):
		p.probe = true
	case p.left >= p.need:
		return p, &Refusal{Reason: event.ReasonPriority, Left: p.left, Need: p.need + reserve}
	default:
		if p.left < whole.even {
			l.trouble = now
		}
		return p, &Refusal{Reason: event.ReasonWouldBeLate, Left: p.left, Need: p.need}
	}
	l.passed = now
	if p.left <= leastLeft { // it tells what publishing takes
		p.answerBy = e.Deadline
	}
	p.latest = p.answerBy.Add(-leastLeft)
	if !p.probe {
		p.latest = later(p.answerBy.Add(-l.calls.predict(l.inside+1, takes, now).with(sure)), now.Add(time.Millisecond), p.latest)
	}
	return p, nil
}

// probes says whether an event that should be late is let in. One that has no time for
// its call tells little: only when nothing else has come for long, for it may be what
// publishing takes that is not so any more.
func (l *Limiter) probes(p pass, now time.Time) bool {
	since := now.Sub(l.passed)
	return since >= probeEvery && p.left > leastLeft || since >= pressing
}

// takes is how many calls the endpoint takes at once, as learned.
func (l *Limiter) takes() int {
	if l.deps.Capacity == nil {
		return 1
	}
	_, limit, _ := l.deps.Capacity()
	return limit
}

// later is the moment, but not before least nor after most.
func later(at, least, most time.Time) time.Time {
	if at.Before(least) {
		at = least
	}
	if at.After(most) {
		at = most
	}
	return at
}

// sure says that an event must be nearly sure to be in time: where there is a line, and
// events are refused that had no even chance, others can use the time of one that is
// not. Else nobody can, and an even chance will do. e is predicted for one more.
func (l *Limiter) sure(e estimate, now time.Time) bool {
	return now.Sub(l.trouble) < pressing && l.inside > 0 && l.calm.exceeded(e.even, stepOf(l.inside+1))
}

// measured asks inner, and learns from the answer.
func (l *Limiter) measured(ctx context.Context, r *model.Request, p pass) (*model.Response, error) {
	e, inside := r.Items[0].Event, l.enter()
	defer l.leave() // also when a door panics
	before, began := e.Timeline, time.Now()
	resp, err := l.inner.Invoke(ctx, r)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.whole.add(inside, now.Sub(began), now)
		l.calls.add(inside, called(&before, &e.Timeline), now)
	case model.ClassOf(err) == model.ClassLate: // it would have taken longer still
		l.trouble = now
		l.whole.add(inside, max(now.Sub(began), p.left), now)
	}
	return resp, err
}

// enter counts an event that is let in, and tells how many there are.
func (l *Limiter) enter() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside++
	return l.inside
}

func (l *Limiter) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside--
}

// called is how long the call of an event took.
func called(before, after *event.Timeline) time.Duration {
	var sum time.Duration
	for _, s := range []event.Stage{event.StageNetwork, event.StageModel} {
		was, _ := before.Spent(s)
		is, _ := after.Spent(s)
		sum += is - was
	}
	return sum
}

// refuse writes a refusal on its event.
func (l *Limiter) refuse(e *event.Event, why *Refusal) error {
	l.mu.Lock()
	l.refused = time.Now()
	l.mu.Unlock()
	l.meter.decisions[string(why.Reason)].one()
	e.Decisions.Add("admit", string(why.Reason), why.why())
	return &model.Error{Class: model.ClassLate, Endpoint: l.deps.Model, Err: why}
}

func appendMS(b []byte, d time.Duration) []byte {
	return append(strconv.AppendFloat(b, float64(d.Microseconds())/1000, 'f', 1, 64), "ms"...)
}
