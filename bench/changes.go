package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"betimes/bench/floor/load"
)

// The model's cost in a window: as it is, so many times as high, as it was, for a third
// each. A window is over before the embedded broker cleans for the first time, half a
// minute after its start: who writes waits meanwhile.
const (
	changeTimes = 3
	changeEvery = 7500 * time.Millisecond
	thirds      = 3
)

// A cost is learned at the first moment from which on p99 over a span, and over all that
// is sent until the next change, is within a share of the reference's steady p99 in the
// same turn and at the same cost. p99 of a second rests on 20 of 2,000 records; spans are
// not asked one by one whether they stay within it, since of those of a half second, and
// of a second, some of who has learned, and even of the reference, are beyond by chance.
const (
	learnedWithin = 1.15
	learnedSpan   = time.Second
	learnedStep   = 100 * time.Millisecond
	mayLearn      = 5 * time.Second        // what is sent later is steady
	nearChange    = 250 * time.Millisecond // what is sent so shortly before a change may be worked on after it
)

// tellings are the moments, since the start, at which the model was told another cost.
type tellings struct {
	mu     sync.Mutex
	at     []time.Duration
	failed error
}

// plan has the model told in a window that begins now, at so long since the start.
func (t *tellings) plan(began, window time.Duration, tell func(times int) error) {
	zero := time.Now()
	for n, times := range []int{changeTimes, 1} {
		time.AfterFunc(window*time.Duration(n+1)/thirds, func() {
			err := tell(times)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.at, t.failed = append(t.at, began+time.Since(zero)), errors.Join(t.failed, err)
		})
	}
}

// course is that of a window that has ended.
func (t *tellings) course(trips []load.Trip, ends time.Duration) (course, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil && len(t.at) != thirds-1 {
		return course{}, fmt.Errorf("the model was told %d of %d costs", len(t.at), thirds-1)
	}
	return course{trips: trips, slower: t.at[0], faster: t.at[1], ends: ends}, t.failed
}

// course is a window in which the model's cost changed twice.
type course struct {
	trips                []load.Trip   // by when they were sent
	slower, faster, ends time.Duration // since the start

	steady, steadySlow         time.Duration // p99 at the model's own cost, and at the higher one
	learnedSlower, learnedBack time.Duration // since the change; until the next one where it never was
	firstSlower, firstBack     time.Duration // p99 of the span after the change
}

// between are the times of what was sent in a part.
func (c course) between(from, to time.Duration) []time.Duration {
	at := func(t time.Duration) int {
		i, _ := slices.BinarySearchFunc(c.trips, t, func(one load.Trip, t time.Duration) int { return int(one.At - t) })
		return i
	}
	var all []time.Duration
	for _, one := range c.trips[at(from):at(to)] {
		all = append(all, one.Took)
	}
	return all
}

// settle reads what is steady.
func (c *course) settle() {
	own := append(c.between(0, c.slower-nearChange), c.between(c.faster+mayLearn, c.ends)...)
	c.steady = load.QuantilesOf(own).P99
	c.firstSlower = load.QuantilesOf(c.between(c.slower, c.slower+learnedSpan)).P99
	c.firstBack = load.QuantilesOf(c.between(c.faster, c.faster+learnedSpan)).P99
	c.steadySlow = load.QuantilesOf(c.between(c.slower+mayLearn, c.faster-nearChange)).P99
}

// judge reads how soon each change was learned, by what is steady for who knows.
func (c *course) judge(by course) {
	c.learnedSlower = c.learned(c.slower, c.faster-nearChange, by.steadySlow)
	c.learnedBack = c.learned(c.faster, c.ends, by.steady)
}

// learned is from a change until p99 is and stays within its share of what it may be;
// until the next change when it never is.
func (c course) learned(from, to, p99 time.Duration) time.Duration {
	within := func(from, to time.Duration) bool {
		return load.QuantilesOf(c.between(from, to)).P99.Seconds() <= learnedWithin*p99.Seconds()
	}
	for at := from; at+learnedSpan <= to; at += learnedStep {
		if within(at, at+learnedSpan) && within(at, to) {
			return at - from
		}
	}
	return to - from
}

// judge reads the courses of a turn. Where the reference does not count there is nothing
// to judge by.
func (t turn) judge() {
	known := t[reference]
	for name, r := range t {
		if r.void == "" && known.void != "" {
			r.void = "the reference does not count"
		}
		r.course.judge(known.course)
		t[name] = r
	}
}

// pathSlow is where the model is told how many times as long its calls take.
const pathSlow = "/slow"

// slow tells the model.
func (s *servers) slow(times int) error {
	res, err := http.Post(s.Costs+pathSlow+"?times="+strconv.Itoa(times), "", nil)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("stub: told to take %d times as long: %s", times, res.Status)
	}
	return nil
}
