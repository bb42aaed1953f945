package stream

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"
)

// endpoint is a model server to learn from: width calls are worked on at once,
// more wait in line or, with refuse, are refused after a millisecond.
type endpoint struct {
	width   int
	service time.Duration
	jitter  bool // service times are exponential, in mean service
	refuse  bool
	soft    float64 // each call in work makes the others slower by this share
	free    []time.Duration
}

// call says when a call that begins at now with others under way is over.
func (e *endpoint) call(now time.Duration, others int, r *rand.Rand) (end time.Duration, v verdict) {
	if e.refuse && others >= e.width {
		return now + time.Millisecond, throttled
	}
	took := e.service
	if e.jitter {
		took = time.Duration(r.ExpFloat64() * float64(took))
	}
	took += time.Duration(float64(took) * e.soft * float64(others))
	if e.width == 0 {
		return now + took, answered
	}
	for len(e.free) < e.width {
		e.free = append(e.free, now)
	}
	e.free = e.free[len(e.free)-e.width:]
	best := 0
	for i, at := range e.free {
		if at < e.free[best] {
			best = i
		}
	}
	e.free[best] = max(e.free[best], now) + took
	return e.free[best], answered
}

// trial runs a limiter against an endpoint, on a clock of its own.
type trial struct {
	limiter  *limiter
	endpoint *endpoint
	rate     float64 // events a second; 0: there is always one waiting
	random   *rand.Rand
	now      time.Duration
	calls    calls
	accepted int // in work and not refused
	waiting  float64
	done     int   // answered
	refused  int   // calls that were
	limits   []int // at each end of a call since the last run began
}

func newTrial(e *endpoint) *trial {
	return &trial{limiter: newLimiter(0, 2000, false), endpoint: e, random: rand.New(rand.NewPCG(1, 2))}
}

type oneCall struct {
	began, end time.Duration
	verdict    verdict
}

type calls []oneCall

func (c calls) Len() int           { return len(c) }
func (c calls) Less(i, j int) bool { return c[i].end < c[j].end }
func (c calls) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *calls) Push(x any)        { *c = append(*c, x.(oneCall)) }
func (c *calls) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// run goes on for a while and returns what was answered in a second.
func (t *trial) run(length time.Duration) (perSecond float64) {
	t.limits, t.done, t.refused = nil, 0, 0
	end := t.now + length
	for t.now < end {
		t.begin()
		next := t.now + time.Millisecond // when events may have come
		if len(t.calls) == 0 || t.rate > 0 && t.calls[0].end > next {
			t.pass(next)
			continue
		}
		c := heap.Pop(&t.calls).(oneCall)
		t.pass(max(c.end, t.now))
		if c.verdict == answered {
			t.accepted--
			t.done++
		} else {
			t.refused++
		}
		t.limiter.add(sample{
			at: time.Unix(0, 0).Add(t.now), took: t.now - c.began, verdict: c.verdict,
			full: len(t.calls)+1 >= t.limiter.limit && t.waits(),
		})
		t.limits = append(t.limits, t.limiter.limit)
	}
	return float64(t.done) / length.Seconds()
}

func (t *trial) waits() bool { return t.rate == 0 || t.waiting >= 1 }

func (t *trial) pass(to time.Duration) {
	t.waiting += t.rate * (to - t.now).Seconds()
	t.now = to
}

func (t *trial) begin() {
	for len(t.calls) < t.limiter.limit && t.waits() {
		t.waiting--
		end, v := t.endpoint.call(t.now, t.accepted, t.random)
		if v == answered {
			t.accepted++
		}
		heap.Push(&t.calls, oneCall{t.now, end, v})
	}
}

// least and most limit since the last run began.
func (t *trial) bounds() (least, most int) {
	least = t.limits[0]
	for _, n := range t.limits {
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

func TestTheLimitComesToWhereMoreBringsNoMore(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint    endpoint
		least, most int     // of the limit, once learned
		full        float64 // events a second that the endpoint can do
	}{
		"20 ms, 30 at once":            {endpoint{width: 30, service: 20 * time.Millisecond}, 24, 48, 1500},
		"20 ms, 30 at once, uneven":    {endpoint{width: 30, service: 20 * time.Millisecond, jitter: true}, 15, 120, 1500},
		"200 ms, 100 at once":          {endpoint{width: 100, service: 200 * time.Millisecond}, 80, 150, 500},
		"200 ms, 250 at once":          {endpoint{width: 250, service: 200 * time.Millisecond}, 200, 450, 1250},
		"20 ms, 5 at once":             {endpoint{width: 5, service: 20 * time.Millisecond}, 4, 10, 250},
		"20 ms, refuses more than 30":  {endpoint{width: 30, service: 20 * time.Millisecond, refuse: true}, 24, 35, 1500},
		"200 ms, refuses more than 20": {endpoint{width: 20, service: 200 * time.Millisecond, refuse: true}, 16, 24, 100},
	} {
		t.Run(name, func(t *testing.T) {
			trial := newTrial(&c.endpoint)
			trial.run(60 * time.Second)
			rate := trial.run(60 * time.Second)
			least, most := trial.bounds()
			t.Logf("limit %d to %d, %.0f of %.0f events/s, %d refused", least, most, rate, c.full, trial.refused)
			if least < c.least || most > c.most {
				t.Errorf("the limit went from %d to %d, want it within %d and %d", least, most, c.least, c.most)
			}
			if rate < 0.95*c.full {
				t.Errorf("%.0f events/s, the endpoint can do %.0f", rate, c.full)
			}
		})
	}
}

func TestTheLimitDoesNotMoveWhileNothingWaits(t *testing.T) {
	trial := newTrial(&endpoint{service: 20 * time.Millisecond, jitter: true})
	trial.rate = 1000
	trial.run(60 * time.Second)
	if least, most := trial.bounds(); least != startLimit || most != startLimit {
		t.Errorf("the limit went from %d to %d although a third of it was used", least, most)
	}
}

func TestALimitThatIsTooLowGrowsToWhatComes(t *testing.T) {
	for _, service := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond} {
		trial := newTrial(&endpoint{service: service})
		trial.limiter.base, trial.limiter.limit = floorLimit, floorLimit
		trial.rate = 1000
		trial.run(20 * time.Second)
		if rate := trial.run(10 * time.Second); rate < 990 {
			t.Errorf("with %s: %.0f of 1000 events/s, limit %d", service, rate, trial.limiter.limit)
		}
	}
}

func TestTheLimitFollowsAnEndpointThatChanges(t *testing.T) {
	for name, refuse := range map[string]bool{"more waits": false, "more is refused": true} {
		t.Run(name, func(t *testing.T) {
			e := &endpoint{width: 20, service: 20 * time.Millisecond, refuse: refuse}
			trial := newTrial(e)
			for _, width := range []int{20, 5, 40} {
				e.width, e.free = width, nil
				trial.run(75 * time.Second)
				rate := trial.run(15 * time.Second)
				least, most := trial.bounds()
				full := float64(width) / e.service.Seconds()
				t.Logf("%d at once: limit %d to %d, %.0f of %.0f events/s, %d refused", width, least, most, rate, full, trial.refused)
				if rate < 0.93*full || most > 2*width {
					t.Errorf("%d at once: limit %d to %d, %.0f of %.0f events/s", width, least, most, rate, full)
				}
			}
		})
	}
}

func TestAnEndpointThatBecomesSlowIsAskedByAsManyAsBefore(t *testing.T) {
	e := &endpoint{width: 20, service: 20 * time.Millisecond}
	trial := newTrial(e)
	trial.run(30 * time.Second)
	e.service = 60 * time.Millisecond
	trial.run(time.Second)
	if rate := trial.run(30 * time.Second); rate < 0.93*20/0.060 {
		t.Errorf("%.0f events/s at 60 ms", rate)
	}
	if least, most := trial.bounds(); least < 10 || most > 60 {
		t.Errorf("the limit went from %d to %d, 20 are worked on at once", least, most)
	}
}

func TestAnEndpointThatSlowsDownWithEachCallIsNotOverrun(t *testing.T) {
	trial := newTrial(&endpoint{service: 5 * time.Millisecond, soft: 0.1})
	trial.run(120 * time.Second)
	if _, most := trial.bounds(); trial.limiter.limit > 128 {
		t.Errorf("the limit is %d, and was %d", trial.limiter.limit, most)
	}
}

func TestTheLimitKeepsItsBounds(t *testing.T) {
	endless := newTrial(&endpoint{service: time.Second})
	endless.run(5 * time.Minute)
	if _, most := endless.bounds(); most != ceilingLimit {
		t.Errorf("with an endpoint without limit: %d, want %d", most, ceilingLimit)
	}
	refusing := newTrial(&endpoint{width: 1, service: time.Second, refuse: true})
	refusing.run(time.Minute)
	if least, _ := refusing.bounds(); least != floorLimit {
		t.Errorf("with an endpoint that takes one call: %d, want %d", least, floorLimit)
	}
	for queued, want := range map[int]int{1: 1, 3: 3, 2000: startLimit} {
		if l := newLimiter(0, queued, false); l.limit != want {
			t.Errorf("max_queued %d: limit %d, want %d", queued, l.limit, want)
		}
	}
	fixed := newLimiter(7, 2000, false)
	if fixed.add(sample{verdict: throttled}); fixed.limit != 7 {
		t.Errorf("a limit that was set became %d", fixed.limit)
	}
}
