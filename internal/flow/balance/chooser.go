package balance

import (
	"time"
)

// chooser picks the endpoint of a call. It is guarded by the line's mutex.
//
//	those that take part ─► of the lowest priority ─► the cheapest in time ─► the fastest
//	                                          of those about as fast: the one with the fewest calls, then by turns
//
// How long a call will take is how long the newest took there, more when more
// are under way than there were then, and at least as long as the oldest that is
// under way: an endpoint that hangs is left alone after a few calls.
type chooser struct {
	config    Config
	endpoints []*endpoint
	predicted []time.Duration // of each, in the choice that is made
	best      time.Duration   // shortest time of those that take part
	doubt     time.Duration   // by which it may be wrong
	turn      float64         // that was given last
	calls     uint64          // that were begun
	priced    bool            // calls do not all cost the same
}

// reason is why an endpoint was chosen.
type reason uint8

const (
	only    reason = iota // there is no other
	fastest               // by what is predicted
	turn                  // among some about as fast
	cheapest
	sticky
	probing // one call finds out if it does its work again, or is fast again
)

var reasons = [...]string{"only", "fastest", "turn", "cheapest", "sticky", "probe"}

// prediction is how long a call of an endpoint would take.
type prediction struct {
	endpoint *endpoint
	took     time.Duration
}

// choice is an endpoint for a call; none: it has to wait.
type choice struct {
	endpoint *endpoint
	why      reason
	others   [alternatives]prediction
	look     bool // those who wait should look again soon, whatever ends
}

const (
	alike     = 1.25 // as fast
	alikeBy   = 50 * time.Microsecond
	elsewhere = 2.0 // times as long seems a call to another zone
	sureIn    = 2   // times the prediction must be in time
	worth     = 2   // times as long may be waited for a fast one as a slow one takes
	keepKey   = 4.0 // times as slow may be the endpoint that a key sticks to

	quiet     = 2500 * time.Millisecond // after which a slow endpoint is tried by a call that has time
	veryQuiet = 10 * time.Second        // by any
)

func newChooser(c Config, endpoints []*endpoint) chooser {
	k := chooser{config: c, endpoints: endpoints, predicted: make([]time.Duration, len(endpoints))}
	for _, e := range endpoints {
		k.priced = k.priced || e.target.Cost != endpoints[0].target.Cost
	}
	return k
}

// choose picks among the endpoints for one call while so many wait.
func (k *chooser) choose(a ask, waiting int) choice {
	if len(k.endpoints) == 1 {
		if e := k.endpoints[0]; e.open(a.now) {
			return choice{endpoint: e, why: only}
		}
		return choice{}
	}
	k.learned()
	if e := k.probe(a); e != nil {
		return choice{endpoint: e, why: probing}
	}
	f := k.field(a)
	found := k.among(f, k.predict(f))
	if found.endpoint == nil { // one that is out may be back before any call ends
		return choice{look: k.any(func(e *endpoint) bool { return !e.standing.in() })}
	}
	if k.waits(f, found.endpoint, waiting) {
		return choice{look: true}
	}
	k.taken(found.endpoint, a.now)
	if f.all {
		found.why = probing
	}
	k.compare(&found)
	return found
}

// field is what a choice is made from.
type field struct {
	ask
	all      bool // those that are out too: there is no other
	again    bool // those that failed it too: there is no other
	priority int
}

// field finds the endpoints that can be asked, and of them the lowest priority
// that has one with a free slot.
func (k *chooser) field(a ask) field {
	f := field{ask: a}
	if !k.any(f.has) {
		if f.again = true; !k.any(f.has) {
			f.all = true
		}
	}
	found := false
	for _, e := range k.endpoints {
		if f.has(e) && e.open(a.now) && (!found || e.target.Priority < f.priority) {
			found, f.priority = true, e.target.Priority
		}
	}
	return f
}

func (k *chooser) any(is func(*endpoint) bool) bool {
	for _, e := range k.endpoints {
		if is(e) {
			return true
		}
	}
	return false
}

// has says whether an endpoint can be asked, now or later.
func (f *field) has(e *endpoint) bool {
	return (f.all || e.standing.in()) && (f.again || f.tried&e.bit == 0)
}

// probe is an endpoint that this call may find out about.
func (k *chooser) probe(a ask) *endpoint {
	for _, e := range k.endpoints {
		if a.tried&e.bit != 0 || !e.open(a.now) {
			continue
		}
		if e.standing.due(k.calls, a.now) && k.any(func(o *endpoint) bool { return o.standing.in() }) {
			e.standing.try(k.calls)
			return e
		}
		if e.standing.in() && e.underWay == 0 && e.speed.mean > 0 && k.hasTime(e, a) {
			return e
		}
	}
	return nil
}

// hasTime says whether a call may go to an endpoint that was not asked for a
// while because it was slow.
func (k *chooser) hasTime(e *endpoint, a ask) bool {
	since := a.now.Sub(e.begun)
	if since < quiet || e.speed.mean < 2*k.best {
		return false
	}
	return since >= veryQuiet || a.deadline.IsZero() || a.now.Add(sureIn*e.speed.mean).Before(a.deadline)
}

// learned finds the shortest time that an endpoint which takes part took of late.
func (k *chooser) learned() {
	k.best, k.doubt = 0, 0
	for _, e := range k.endpoints {
		if took := e.speed.mean; took > 0 && e.standing.in() && (k.best == 0 || took < k.best) {
			k.best, k.doubt = took, e.speed.doubt
		}
	}
}

// predict notes how long a call would take at each endpoint of the field, and
// gives the shortest of those with a free slot.
func (k *chooser) predict(f field) time.Duration {
	least := unknown
	for i, e := range k.endpoints {
		p := e.predict(k.best, f.now)
		if k.config.Zone != "" && e.target.Zone != "" && e.target.Zone != k.config.Zone {
			p = min(time.Duration(elsewhere*float64(p)), unknown)
		}
		if k.predicted[i] = p; f.offers(e) {
			least = min(least, p)
		}
	}
	return least
}

// offers says whether an endpoint of the field's priority can be asked now.
func (f *field) offers(e *endpoint) bool {
	return f.has(e) && e.target.Priority == f.priority && e.open(f.now)
}

// among picks from the field: the fastest takes so long.
func (k *chooser) among(f field, least time.Duration) choice {
	if k.config.Sticky == StickyKey && len(f.key) > 0 {
		return k.sticks(f, least)
	}
	why := fastest
	cost, priced := k.cheapest(f)
	if priced {
		why, least = cheapest, k.leastOf(f, cost)
	}
	limit := max(time.Duration(alike*float64(least)), least+alikeBy, least+k.doubt)
	var found *endpoint
	equals := 0
	for i, e := range k.endpoints {
		if !f.offers(e) || k.predicted[i]-e.speed.doubt > limit || priced && e.target.Cost != cost {
			continue
		}
		equals++
		if found == nil || k.before(e, found, f.now) {
			found = e
		}
	}
	if equals > 1 && !priced {
		why = turn
	}
	return choice{endpoint: found, why: why}
}

// before says whether an endpoint has fewer calls, or as many and the sooner turn.
func (k *chooser) before(e, other *endpoint, now time.Time) bool {
	if a, b := e.load(now), other.load(now); a != b {
		return a < b
	}
	if a, b := max(e.turn, k.turn), max(other.turn, k.turn); a != b {
		return a < b
	}
	return e.begun.Before(other.begun)
}

// taken gives an endpoint its turn. One that was left out for long makes up for
// nothing.
func (k *chooser) taken(e *endpoint, now time.Time) {
	k.turn = max(e.turn, k.turn)
	e.turn = k.turn + 1/e.weight(now)
}

// waits says that a full endpoint is worth waiting for: it will have answered long
// before the one that could be asked.
func (k *chooser) waits(f field, found *endpoint, waiting int) bool {
	var free, full time.Duration = 0, unknown
	for i, e := range k.endpoints {
		switch {
		case e == found:
			free = k.predicted[i]
		case f.has(e) && e.target.Priority == f.priority && !e.open(f.now) && !f.now.Before(e.closed):
			line := 1 + float64(waiting+1)/float64(max(e.limit.at(f.now), 1))
			full = min(full, time.Duration(min(line*float64(k.predicted[i]), float64(unknown))))
		}
	}
	return full < unknown && worth*full < free
}

// compare notes the best of those that were not taken.
func (k *chooser) compare(c *choice) {
	for i, e := range k.endpoints {
		if e == c.endpoint || !e.standing.in() {
			continue
		}
		p := prediction{e, k.predicted[i]}
		for at := range c.others {
			if o := c.others[at]; o.endpoint == nil || p.took < o.took {
				c.others[at], p = p, o
			}
			if p.endpoint == nil {
				break
			}
		}
	}
}

// limit is how many calls there may be at once at the endpoints that take part, or
// at all when none does.
func (k *chooser) limit(now time.Time) int {
	in, all := 0, 0
	for _, e := range k.endpoints {
		n := e.limit.at(now)
		if all += n; e.standing.in() {
			in += n
		}
	}
	if in == 0 {
		return all
	}
	return in
}

// judge takes an endpoint out that fails most of its calls while the others do
// not. Of those without a fault of their own half stay, whatever they do: it may be
// the events.
func (k *chooser) judge(e *endpoint, now time.Time) {
	in, judged, bad := 0, 0, 0.0
	for _, o := range k.endpoints {
		switch {
		case o == e:
		case o.standing.in():
			in++
			bad += o.standing.badness(now)
		case o.standing.judged:
			judged++
		}
	}
	if judged+1 > in || bad > e.standing.bad/2*float64(in) {
		return
	}
	e.standing.judged = true
	e.standing.leave(now.Add(otherOut))
}
