package batch

import (
	"slices"
	"testing"
	"time"
)

func TestWhatProbesTell(t *testing.T) {
	const would, off = 0.005, 0.001
	for name, c := range map[string]struct {
		usual  float64
		waited []float64 // seconds, of one call after the other
		sure   bool
		part   float64
	}{
		"one is too few":                              {1, []float64{0}, false, 0},
		"two wait, as in a model that is busy":        {1, []float64{0.005, 0.005}, true, 1},
		"two do not wait: an executor was free":       {1, []float64{0, 0}, true, 0},
		"one of them was late for another reason":     {1, []float64{0, 5}, true, 1},
		"where they wait less usually more are asked": {0.5, []float64{0, 0}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, now := probe{}, time.Now()
			sure, part := false, 0.0
			for _, waited := range c.waited {
				p.underWay++
				sure, part = p.add(waited, would, off, c.usual, now)
			}
			if sure != c.sure || part != c.part {
				t.Errorf("sure %v, they wait %.2f of it", sure, part)
			}
			if p.may(now) {
				t.Error("the next one at once")
			}
		})
	}
}

func TestAProbeOfWhichACallWasNotAnsweredTellsNothing(t *testing.T) {
	p, now := probe{underWay: 2}, time.Now()
	p.lost(now)
	if sure, _ := p.add(0, 1, 0.001, 1, now); sure || p.calls != 0 {
		t.Errorf("sure %v of %d calls", sure, p.calls)
	}
}

func TestATrialFollowsWhatProbesTell(t *testing.T) {
	now := time.Now()
	w := newWidth()
	w.settled = shots{{}}
	w.due = now.Add(time.Minute)
	if w.told(0.6, now); w.due != now.Add(waitLeast) {
		t.Errorf("they wait as usual: a trial in %v", w.due.Sub(now))
	}
	if w.told(0.2, now); w.due != now {
		t.Errorf("they do not: a trial in %v", w.due.Sub(now))
	}
	w.trial, w.up, w.fine, w.refused, w.part = 5, true, true, 1, 0.4
	w.set(0, now)
	w.turn(now) // refused
	if w.told(0.1, now); w.due != now.Add(waitLeast) || w.usual != 0.4 {
		t.Errorf("it found nothing: the next in %v; they usually wait %.2f", w.due.Sub(now), w.usual)
	}
	w.told(0.3, now)
	if w.told(1, now); w.usual != 0.7 {
		t.Errorf("they usually wait %.2f", w.usual)
	}
}

func TestNobodyIsInAProbeWhoWouldBeLateByIt(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		left time.Duration // a call about one takes 4.1 ms, and 2 ms of another are left
		want int           // calls under way then
	}{
		"there is time":                     {50 * ms, 2},
		"he would be late":                  {5 * ms, 1},
		"he is late whatever is done":       {2 * ms, 2},
		"another would be over in too long": {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := known(t), time.Now()
			q.width.level, q.width.settled = 1, shots{{}}
			under := q.begin(1, now.Add(-time.Duration(q.cost.seconds(1)*float64(time.Second))+2*ms))
			if c.left == 0 {
				under.began, c.left = now, 50*ms
			}
			q.cost.off = 1e-6
			q.cost.t = q.cost.weight * 0.0064
			with(q, now, slices.Repeat([]time.Duration{c.left}, 1)...)
			if q.probing(now); q.calls != c.want {
				t.Errorf("%d calls under way, want %d", q.calls, c.want)
			}
		})
	}
}
