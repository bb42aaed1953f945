package balance

import (
	"math"
	"sync/atomic"
	"time"

	"betimes/internal/model"
	"betimes/internal/pulse"
)

// endpoint is one endpoint of a Picker and what was learned of it.
type endpoint struct {
	target Target
	door   model.Invoker
	bit    uint64 // in ask.tried

	// Guarded by the line's mutex.
	limit    limiter
	speed    speed
	crowd    crowd
	standing standing
	calls    aged
	underWay int
	seq      uint64
	closed   time.Time // nothing begins before
	begun    time.Time // when the newest call began
	turn     float64   // when it is its turn among equals

	health  health
	counts  [model.NumClasses + 1]atomic.Int64 // by class; the last: ok
	hedges  pulse.Tally                        // by result
	retries atomic.Int64
	meter   meter
	seconds pulse.Recorder
	version atomic.Pointer[string] // of the newest answer
}

func newEndpoint(number int, r Route, d Deps) *endpoint {
	e := &endpoint{target: r.Target, door: r.Door, bit: 1 << number, limit: newLimiter(r.Target.Limit)}
	if e.target.Weight <= 0 {
		e.target.Weight = 1
	}
	e.health = health{target: r.Target, log: d.Log}
	e.meter = newMeter(d.Registerer, r.Target)
	e.meter.limit.Set(float64(e.limit.limit))
	return e
}

// result is how a call ended.
type result struct {
	class int // or ok
	took  time.Duration
	now   time.Time

	beaten bool // it was ended because another endpoint was quicker
}

// verdict: an answer of the model, good or bad, shows that the call was taken.
func (r result) verdict() verdict {
	class := model.Class(r.class)
	switch {
	case r.class == ok:
		return answered
	case class == model.ClassThrottled:
		return throttled
	case class.OfEndpoint() || class == model.ClassLate:
		return silent
	}
	return answered
}

// open says whether a call may begin.
func (e *endpoint) open(now time.Time) bool {
	return e.underWay < e.limit.at(now) && !now.Before(e.closed)
}

// begin puts one more call under way.
func (e *endpoint) begin(now time.Time) slot {
	e.underWay++
	e.seq++
	e.begun = now
	return slot{e.seq, e.underWay}
}

// ended learns from a call. It says how long nothing may begin, and whether the
// endpoint fails most of its calls.
func (e *endpoint) ended(c *call, r result) (pause time.Duration, bad bool) {
	switch r.verdict() {
	case answered:
		e.limit.answered(c.slot, r.now)
	case throttled:
		pause = e.limit.throttled(c.slot, e.underWay, e.seq, r.now)
	}
	if r.class == ok {
		e.crowd.note(r.took, c.n)
	}
	if r.class == ok || r.beaten { // it took so long, at least
		e.speed.note(r.took, c.n, r.now)
	}
	return pause, e.stands(c.why == probing, r)
}

// stands learns from a call whether the endpoint does its work.
func (e *endpoint) stands(trial bool, r result) (bad bool) {
	switch class := model.Class(r.class); {
	case r.class == ok:
		e.standing.works(trial, r.now)
	case class == model.ClassThrottled, class.OfEvent():
		e.standing.works(trial, r.now)
	case r.beaten && trial && !e.standing.in():
		e.standing.leave(r.now.Add(otherOut))
	case class == model.ClassCanceled || class == model.ClassLate: // of that nothing was sent
		e.standing.unclear(trial)
	case class.OfEndpoint():
		e.standing.fault(r.now)
	default:
		return e.standing.fails(trial, r.now)
	}
	return false
}

// unknown is how long an endpoint takes of which nothing is known while it is
// asked for the first time.
const unknown = time.Duration(math.MaxInt64 / 16)

// few calls more or less make no crowd.
const few = 2

// seldom is a share of failed calls that says little.
const seldom = 0.1

// predict is how long one more call would take, as far as what is known goes.
func (e *endpoint) predict(best time.Duration, now time.Time) time.Duration {
	switch {
	case e.speed.mean == 0 && e.standing.badness(now) > seldom:
		return unknown / 2
	case e.underWay == 0 && e.speed.mean == 0:
		return 0
	case e.underWay > 0 && now.Sub(e.speed.at) > forget:
		return unknown
	}
	took := e.speed.now(best, now)
	// With so many calls under way as there were when it took so long it takes as
	// long; with fewer less, down to what it took at its best; with more longer.
	crowd := (few + float64(e.underWay+1)/e.standing.share(now)) / (few + max(e.speed.crowd, 1))
	took = max(min(took, e.speed.base), time.Duration(float64(took)*crowd), e.calls.age(now))
	return time.Duration(float64(took) / (1 - min(e.standing.badness(now), 0.9)))
}

// weight is less than its own for a while after it came back.
func (e *endpoint) weight(now time.Time) float64 {
	return e.target.Weight * e.standing.share(now)
}

// load is how many calls are under way for its weight.
func (e *endpoint) load(now time.Time) float64 { return float64(e.underWay) / e.weight(now) }

// count notes how a call ended.
func (e *endpoint) count(r result, err error) {
	e.counts[r.class].Add(1)
	e.meter.invocations[r.class].Inc()
	if r.class == ok {
		e.seconds.Record(r.took)
	}
	e.health.note(err, r.now)
}

// hedged notes how a second call went, or why none was made.
func (e *endpoint) hedged(result string) {
	e.hedges.Add(result)
	e.meter.hedges(result).Inc()
}

// answeredBy keeps the version that answered.
func (e *endpoint) answeredBy(version string) {
	if version == "" {
		return
	}
	if v := e.version.Load(); v == nil || *v != version {
		own := version // so that only a new one costs memory
		e.version.Store(&own)
	}
}

// saysVersion is what the door knows, else what the newest answer said.
func (e *endpoint) saysVersion() string {
	if door, knows := e.door.(interface{ Version() string }); knows {
		return door.Version()
	}
	if v := e.version.Load(); v != nil {
		return *v
	}
	return ""
}

// snapshot is the endpoint as a pulse has it, but for what the line knows.
func (e *endpoint) snapshot() pulse.Endpoint {
	s := pulse.Endpoint{
		Model: e.target.Model, Name: e.target.Endpoint, Door: e.target.Door,
		Up: e.health.up(), Latency: e.seconds.Snapshot(), Invocations: map[string]int64{},
		Retries: e.retries.Load(), Hedges: e.hedges.Snapshot(),
	}
	for class := range e.counts {
		if n := e.counts[class].Load(); n > 0 {
			s.Invocations[nameOf(class)] = n
		}
	}
	if !s.Up {
		s.LastError = e.health.cause()
	}
	return s
}
