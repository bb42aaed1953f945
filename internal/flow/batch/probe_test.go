package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
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
	if w.told(0.3, now); w.due != now.Add(waitLeast) || w.usual != 0.4 {
		t.Errorf("it found nothing: the next in %v; they usually wait %.2f", w.due.Sub(now), w.usual)
	}
	if w.told(0.1, now); w.due != now {
		t.Errorf("they wait far less than those that found nothing: a trial in %v", w.due.Sub(now))
	}
	w.set(0, now)
	w.turn(now) // refused, and less than what probes waited is hardly possible
	if w.told(0.05, now); w.due == now || w.usual != leastUsual {
		t.Errorf("it found nothing again: the next in %v; they usually wait %.2f", w.due.Sub(now), w.usual)
	}
	w.usual = 0.4
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
			q, now := due(t, 6400*time.Microsecond, 2*ms)
			if c.left == 0 {
				q.share.flights[0].began, c.left = now, 50*ms
			}
			with(q, now, c.left)
			if q.probing(now); q.calls != c.want {
				t.Errorf("%d calls under way, want %d", q.calls, c.want)
			}
		})
	}
}

// due is a Queue of whose calls, which take so long as a mean, as many are under way as
// there may be, each for so much longer: the moment for a probe may have come.
func due(t *testing.T, call time.Duration, lefts ...time.Duration) (*Queue, time.Time) {
	q, now := known(t), time.Now()
	q.width.level, q.width.settled = len(lefts), shots{{}}
	q.cost.off, q.cost.t = 1e-6, q.cost.weight*call.Seconds()
	for _, left := range lefts {
		q.begin(1, now.Add(left-time.Duration(q.cost.seconds(1)*float64(time.Second))))
	}
	return q, now
}

func TestNobodyIsLeftByAProbeToACallThatEndsTooLateForHim(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		left time.Duration // to each of 40; a call about all takes 8 ms, and may begin in 1.5 ms
		want int           // of them still wait then
	}{
		"there is time": {50 * ms, 21},
		"those left would be late, since the next call begins in 4 ms": {9800 * time.Microsecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := due(t, 5*ms, 1500*time.Microsecond, 4*ms)
			q.share.rate, q.share.at = 6000, now
			with(q, now, slices.Repeat([]time.Duration{c.left}, 40)...)
			q.mu.Lock() // the probe may end before it is looked at
			defer q.mu.Unlock()
			if q.probing(now); q.calls != 3 || q.waiting != c.want {
				t.Errorf("%d calls under way, and %d wait, want %d", q.calls, q.waiting, c.want)
			}
		})
	}
}

func TestNoProbeIsMadeWhenItIsNotTheMomentForOne(t *testing.T) {
	ms := time.Millisecond
	for name, change := range map[string]func(*Queue){
		"it is not known whether events share calls": func(q *Queue) { q.compare.state = unknown },
		"balance takes no more, and does not know yet of the calls that have just begun": func(q *Queue) {
			q.inner = &busy{Fake: slow(), takes: 1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := due(t, 6400*time.Microsecond, 2*ms)
			change(q)
			with(q, now, 50*ms)
			if q.probing(now); q.calls != 1 {
				t.Errorf("%d calls under way", q.calls)
			}
		})
	}
}

func TestWhoIsInNoProbeAfterAllHasNotGoneBeforeAnother(t *testing.T) {
	q, now := due(t, 6400*time.Microsecond, 2*time.Millisecond)
	with(q, now.Add(-time.Millisecond), 50*time.Millisecond)
	q.lanes[0].priority = middle - 1
	with(q, now, 5*time.Millisecond) // who would be late by it
	q.passed = mostPassed - 1
	if q.probing(now); q.calls != 1 || q.passed != mostPassed-1 {
		t.Errorf("%d calls under way, others went before the oldest %d times", q.calls, q.passed)
	}
}

// trouble is a model server of which one call of a dozen fails, panics or is for one
// event's fault, and whose version changes.
type trouble struct {
	*executors
	on      atomic.Bool
	version atomic.Int32
}

func (s *trouble) Version() string { return fmt.Sprint(s.version.Load()) }

func (s *trouble) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	resp, err := s.executors.Invoke(ctx, r)
	switch {
	case ctx.Err() != nil:
		return nil, &model.Error{Class: model.ClassCanceled, Err: ctx.Err()}
	case !s.on.Load():
	case rand.IntN(25) == 0:
		return nil, &model.Error{Class: model.ClassUnavailable}
	case rand.IntN(50) == 0 && !r.Deadline().IsZero(): // else comparisons may find that events share no calls
		return nil, &model.Error{Class: model.ClassBadInput}
	case rand.IntN(50) == 0:
		panic("bad")
	}
	return resp, err
}

// visit asks about an event as one of many who may be impatient, or not be late.
func visit(q *Queue, n int) {
	defer func() { _ = recover() }() // as stream
	r := request(fmt.Sprint(n))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.Items[0].Deadline = time.Now().Add(250 * time.Millisecond)
	switch within := time.Duration(1+rand.IntN(60)) * time.Millisecond; rand.IntN(10) {
	case 0:
		defer time.AfterFunc(within, cancel).Stop()
	case 1:
		r.Items[0].Deadline = time.Now().Add(within)
		r.Items[0].Latest = r.Items[0].Deadline
	}
	_, _ = q.Invoke(ctx, r)
}

func TestNothingIsLeftOfProbesWhateverBecomesOfTheirCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trouble{executors: newExecutors(8, 20*time.Millisecond, 100*time.Microsecond)}
		q := queue(t, DefaultConfig(), s)
		load{rate: 2000}.offer(t, q, 4*time.Second) // all is learned
		s.on.Store(true)
		probes := 0
		var wg sync.WaitGroup
		for n := range 6000 {
			wg.Go(func() { visit(q, n) })
			time.Sleep(500 * time.Microsecond)
			q.mu.Lock()
			probes += q.probe.underWay
			q.probe.due = time.Now() // as often as may be
			q.width.settled = append(q.width.settled, shot{})
			q.mu.Unlock()
			if n%1500 == 0 {
				s.version.Add(1)
			}
		}
		wg.Wait()
		idle(q)
		q.mu.Lock()
		defer q.mu.Unlock()
		if probes < 100 {
			t.Errorf("hardly a probe: %d; %d calls at once, probe %+v, width %+v", probes, q.width.now(), q.probe, q.width)
		}
		if q.calls != 0 || q.waiting != 0 || q.probe.underWay != 0 || q.urgent.calls != 0 || len(q.share.flights) != 0 || len(q.lanes) != 0 {
			t.Errorf("%d calls, %d of a probe, %d urgent, %d flights under way; %d wait in %d lanes", q.calls, q.probe.underWay, q.urgent.calls, len(q.share.flights), q.waiting, len(q.lanes))
		}
	})
}
