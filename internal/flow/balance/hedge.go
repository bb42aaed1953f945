package balance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/model"
)

// hedging is when a call is made a second time, at another endpoint, because it
// takes longer than most. The first answer of both counts, and ends the other.
//
// A second call is made when there is one left in the budget, when another endpoint
// has a free slot, and while most calls are answered, none was refused for load
// lately and less than four fifths of what the endpoints can do is used: more calls
// help nobody who waits for the same few.
type hedging struct {
	config HedgeConfig
	after  atomic.Int64 // nanoseconds; 0: not known, no call is made twice

	mu     sync.Mutex
	took   [recent]time.Duration // of the newest calls
	count  int                   // of took that are filled
	next   int
	reread time.Time // when after was found

	idle *hedge // kept for reuse, linked by next
}

const (
	recent     = 512
	tooFew     = 64
	rereading  = 100 * time.Millisecond
	budgetUse  = 0.75 // of the budget is planned with: the slowest calls are then all within it
	mostUsed   = 0.8
	mostFailed = 0.05
	unrefused  = 30 * time.Second
)

// note takes in how long a call took, or at least took.
func (h *hedging) note(took time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took[h.next] = took
	h.next = (h.next + 1) % recent
	h.count = min(h.count+1, recent)
	if h.count < tooFew || now.Sub(h.reread) < rereading {
		return
	}
	h.reread = now
	sorted := h.took
	slices.Sort(sorted[:h.count])
	at := max(float64(h.config.At), 1-budgetUse*float64(h.config.Budget))
	h.after.Store(int64(sorted[min(int(at*float64(h.count)), h.count-1)]))
}

// hedge is the second call of one Invoke. Most are never made: those are used again.
type hedge struct {
	picker *Picker
	timer  *time.Timer // makes it
	next   *hedge      // in the list of those kept

	// Of this Invoke.
	ask     ask
	ctx     context.Context // of both calls
	request *model.Request
	asked   *endpoint          // by the first call
	first   context.CancelFunc // ends the first call
	began   time.Time
	unused  bool // the timer was stopped in time: nobody else has it

	mu       sync.Mutex
	state    hedgeState
	cancel   context.CancelFunc // ends the second call
	done     chan struct{}      // closed when it ended
	endpoint *endpoint          // that was asked
	resp     *model.Response
	err      error
	took     time.Duration
}

type hedgeState uint8

const (
	waiting hedgeState = iota // not made, so far
	over                      // not to be made: the first has ended
	made
	won
	failed
)

// arm prepares a second call; nil: there will be none.
func (p *Picker) arm(ctx context.Context, r *model.Request, c *call, t *tries) (*hedge, context.Context) {
	if p.hedging == nil {
		return nil, ctx
	}
	after := time.Duration(p.hedging.after.Load())
	if after <= 0 {
		return nil, ctx
	}
	h := p.hedging.get(p)
	h.ask, h.ctx, h.request, h.asked, h.began = t.ask, ctx, r, c.endpoint, c.began
	h.ask.tried, h.ask.back = h.ask.tried|c.endpoint.bit, false
	own, cancel := context.WithCancel(ctx)
	h.first = cancel
	if h.timer == nil {
		h.timer = time.AfterFunc(after, h.make)
	} else {
		h.timer.Reset(after)
	}
	return h, own
}

// release keeps a hedge that was not needed for another Invoke.
func (h *hedge) release() {
	if !h.unused {
		return
	}
	h.ask, h.ctx, h.request, h.asked, h.first, h.unused, h.state = ask{}, nil, nil, nil, nil, false, waiting
	all := h.picker.hedging
	all.mu.Lock()
	defer all.mu.Unlock()
	all.idle, h.next = h, all.idle
}

// get gives a hedge that was kept, or a new one.
func (h *hedging) get(p *Picker) *hedge {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.idle
	if one == nil {
		return &hedge{picker: p}
	}
	h.idle, one.next = one.next, nil
	return one
}

// make makes the second call, unless something speaks against it.
func (h *hedge) make() {
	h.mu.Lock()
	if h.state != waiting {
		h.mu.Unlock()
		return
	}
	c, why := h.picker.second(h.ask)
	if c == nil {
		h.state = over
		h.mu.Unlock()
		h.asked.hedged(why)
		return
	}
	own, cancel := context.WithCancel(h.ctx)
	h.state, h.cancel, h.done, h.endpoint = made, cancel, make(chan struct{}), c.endpoint
	h.mu.Unlock()
	h.call(own, h.request, c)
}

// call makes the second call and tells how it went. Its items have no event: an
// event is its caller's.
func (h *hedge) call(ctx context.Context, r *model.Request, c *call) {
	defer h.cancel()
	defer close(h.done)
	twin := *r
	twin.Items = make([]model.Item, len(r.Items))
	for i, it := range r.Items {
		twin.Items[i] = model.Item{Body: it.Body, Deadline: it.Deadline, Latest: it.Latest}
	}
	p, e, began := h.picker, c.endpoint, c.began
	resp, err := invoke(ctx, e, &twin)
	res := resultOf(err, began)
	e.meter.limit.Set(float64(p.line.give(c, res, false)))
	e.count(res, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resp, h.err, h.took = resp, err, res.now.Sub(h.began)
	switch {
	case err != nil:
		h.state = failed
	case h.state == made:
		h.state = won
		h.first()
	}
}

// invoke asks a door; a panic there ends this call and nothing else.
func invoke(ctx context.Context, e *endpoint, r *model.Request) (resp *model.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &model.Error{Endpoint: e.target.Endpoint, Err: fmt.Errorf("internal error: %v", p)}
		}
	}()
	return e.door.Invoke(ctx, r)
}

// settle is the first call's part when that has ended: which answer counts. beaten:
// that of the second, for which the first was ended. What the model refuses is an
// answer too.
func (h *hedge) settle(ctx context.Context, resp *model.Response, err error) (r *model.Response, e error, beaten bool) {
	defer h.first()
	h.mu.Lock()
	if h.state == waiting {
		h.state = over
		h.unused = h.timer.Stop()
	}
	state, told := h.state, err == nil || model.ClassOf(err).OfEvent()
	if state == made && told {
		h.state = over // what it answers counts for nothing
		h.cancel()
	}
	h.mu.Unlock()
	if told || state == over {
		return resp, err, false
	}
	select {
	case <-h.done:
	case <-ctx.Done():
		h.cancel()
		return resp, err, false
	}
	if h.state == won {
		return h.resp, nil, true
	}
	return resp, err, false
}

// disarm ends the second call of a first that ended without a word, or sees to it that
// none is made.
func (h *hedge) disarm() {
	if h == nil {
		return
	}
	defer h.first()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch h.state {
	case waiting:
		h.timer.Stop()
	case made:
		h.cancel()
	}
	h.state = over
}

// result is how the second call went, for the meter and for the event; empty: none
// was made.
func (h *hedge) result(beaten bool) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.endpoint == nil:
		return ""
	case beaten:
		return "won"
	case h.state == failed && model.ClassOf(h.err) != model.ClassCanceled:
		return "failed"
	}
	return "lost"
}

// reason is the second call in words: fraud-b,won,12.3ms.
func (h *hedge) reason(result string) string {
	text := h.endpoint.target.Endpoint + "," + result
	if result == "lost" {
		return text
	}
	return text + "," + strconv.FormatFloat(float64(h.took)/float64(time.Millisecond), 'f', 1, 64) + "ms"
}

// second gives a slot for a second call, or says what speaks against it.
func (p *Picker) second(a ask) (*call, string) {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	now := time.Now()
	switch {
	case p.line.bad > mostFailed:
		return nil, "errors"
	case p.line.chooser.used(now) > mostUsed || p.line.waiting.Len() > 0 || now.Sub(p.line.refused) < unrefused:
		return nil, "busy"
	case !a.latest.IsZero() && !now.Before(a.latest):
		return nil, "late"
	case !p.line.chooser.any(func(e *endpoint) bool { return a.tried&e.bit == 0 && e.standing.in() && e.open(now) }):
		return nil, "nowhere"
	case !p.deps.Allowance.spendHedge():
		return nil, "budget"
	}
	c := p.line.begin(a, now)
	if c == nil {
		return nil, "nowhere"
	}
	return c, ""
}
