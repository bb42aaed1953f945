package batch

import (
	"math"
	"slices"
	"time"
)

// probe asks whether the model has more executors than calls are made at once,
// without a trial. It begins a call or a few more shortly before others end: where all
// executors are busy these wait until then, and take so much longer than calls of their
// size do; where one is free they do not. Those who go lose nothing by it, since nobody
// who waits would have gone sooner; those who come until the others end wait for the
// next call.
//
//	      ├──── a call ────┤
//	├──── a call ────┤
//	              ├··┼──── probe: all busy ────┤
//	              ├──── probe: one free ────┤
//
// Probes are added up until they tell more than what calls differ by. It is guarded by
// the mutex of its Queue.
type probe struct {
	due      time.Time // of the next
	underWay int       // its calls
	void     bool      // one of them was not answered
	calls    int       // that were added up
	waited   float64   // seconds that they took longer
	would    float64   // seconds that they would have, were all executors busy
}

const (
	probeEvery = 2 * time.Second        // when the last ones said enough
	probeNext  = 250 * time.Millisecond // when they did not yet
	probeLeast = 0.25                   // of a call: what the last one of a probe would wait, at least
	probeMost  = 0.375                  // and at most
	probeSure  = 6                      // mean distances from the line, for one call
)

// may says whether it is time.
func (p *probe) may(now time.Time) bool { return p.underWay == 0 && !now.Before(p.due) }

// add takes in a call of the probe that took excess longer than calls of its size do,
// and would have waited so long; usual is the part of that that probes do wait. It
// says whether all are there and tell enough, and which part they waited.
func (p *probe) add(excess, would, off, usual float64, now time.Time) (sure bool, part float64) {
	p.calls++
	p.would += would
	p.waited += min(max(excess, -would), 2*would)
	if p.underWay--; p.underWay > 0 {
		return false, 0
	}
	if p.void {
		*p = probe{due: now.Add(probeNext)}
		return false, 0
	}
	if usual*p.would < probeSure*off*math.Sqrt(float64(p.calls)) {
		p.due = now.Add(probeNext)
		return false, 0
	}
	part = p.waited / p.would
	*p = probe{due: now.Add(probeEvery)}
	return true, part
}

// lost is told of a call of the probe that was not answered.
func (p *probe) lost(now time.Time) {
	p.void = true
	p.add(0, 0, 0, 1, now)
}

// probing begins a probe when it is time for one, and there is a moment for it. q.mu is
// held.
func (q *Queue) probing(now time.Time) {
	if q.probe.underWay == 0 && !q.width.settles() { // how long calls take is learned anew
		q.probe = probe{due: now.Add(probeEvery)}
	}
	if q.waiting == 0 || !q.probe.may(now) || !q.compare.shares(q.inner.Version()) {
		return
	}
	left := q.moment(now)
	for i, would := range left {
		passed := q.passed
		members, why := q.choose(q.leading(), now)
		if part := (q.waiting + len(left) - i - 1) / (len(left) - i); part < len(members) {
			members, why = members[:part], "free"
		}
		if len(members) == 0 || !q.outlast(members, would, now) {
			q.passed = passed // nobody went before another
			return
		}
		q.part(members)
		f := q.launch(members, why, now)
		f.probe = max(would, 1e-9)
		q.probe.underWay++
		if q.waiting == 0 {
			return
		}
	}
}

// outlast says whether all who can be in time are when their call first waits so long.
// q.mu is held.
func (q *Queue) outlast(members []*member, would float64, now time.Time) bool {
	takes := q.cost.predict(len(members)) + time.Duration(would*float64(time.Second))
	return !slices.ContainsFunc(members, func(m *member) bool {
		left := m.left(now)
		return left < takes && q.cost.fits(left, 1) > 0
	})
}

// moment is how long each call of a probe would wait now, none when it would tell too
// little or cost too much. q.mu is held.
func (q *Queue) moment(now time.Time) []float64 {
	if q.calls != q.width.now() || q.cost.weight == 0 {
		return nil
	}
	free, limit, _ := q.inner.Capacity()
	free = min(free, limit-q.calls) // balance does not know yet of calls that have just begun
	left, call := q.share.remaining(0, &q.cost, now), q.cost.t/q.cost.weight
	n := 0
	for n < len(left) && left[n] < probeLeast*call {
		n++
	}
	if n++; n > min(max(q.calls/4, 1), q.waiting, free, len(left)) || left[n-1] > probeMost*call {
		return nil
	}
	return slices.Clone(left[:n])
}

// probed takes in a call of the probe that ended. q.mu is held.
func (q *Queue) probed(f *flight, took time.Duration, now time.Time) {
	if !f.well {
		q.probe.lost(now)
		return
	}
	if sure, part := q.probe.add(took.Seconds()-q.cost.seconds(float64(f.n)), f.probe, q.cost.off, q.width.usual, now); sure {
		q.width.told(part, now)
	}
}
