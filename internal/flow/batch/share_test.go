package batch

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallLeavesOthersTheirPartOfThoseWhoWait(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		waiting, room int
		under         []time.Duration // how long calls about 17 events, of 5.7 ms each, are under way
		rate          float64         // events a second
		want          int
	}{
		"alone it takes all": {40, 1, nil, 6000, 40},
		"two may begin: nearly half, so that they do not end together":         {40, 2, nil, 6000, 18},
		"the other ends at once: the same":                                     {40, 2, []time.Duration{5700 * time.Microsecond}, 6000, 18},
		"the other is longer under way than such calls take: the same":         {40, 2, []time.Duration{50 * ms}, 6000, 18},
		"the other ends when as many more have come: all":                      {17, 2, []time.Duration{2850 * time.Microsecond}, 6000, 17},
		"the other has just begun: all":                                        {17, 2, []time.Duration{0}, 6000, 17},
		"nobody comes any more, and the other ends soon: nearly half":          {40, 2, []time.Duration{4 * ms}, 0, 18},
		"nobody comes any more, and the other has just begun: all":             {40, 2, []time.Duration{0}, 0, 40},
		"a few who would gain little by it go together":                        {3, 2, nil, 100, 3},
		"one may begin, one ends soon, one later: what each then finds counts": {40, 3, []time.Duration{5700 * time.Microsecond, 0}, 6000, 18},
		"more wait than calls may be about: so many that each of them is full": {400, 2, nil, 6000, 175},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := known(t), time.Now()
			for _, since := range c.under {
				q.share.begins(&flight{n: 17, began: now.Add(-since)})
			}
			q.share.rate, q.share.at = c.rate, now
			if got, _ := q.share.of(c.waiting, c.room, 0, &q.cost, now); got != c.want {
				t.Errorf("takes %d of %d, want %d", got, c.waiting, c.want)
			}
		})
	}
	t.Run("all, while it is not known how long a call takes", func(t *testing.T) {
		q := queue(t, DefaultConfig(), newExecutors(2, 0, 0))
		if got, _ := q.share.of(40, 2, 0, &q.cost, time.Now()); got != 40 {
			t.Errorf("takes %d", got)
		}
	})
}

func TestNobodyWhoCanBeInTimeIsLeftToACallThatEndsTooLateForHim(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		left  time.Duration // to each of 30; a call about all takes 7 ms
		under time.Duration // how long a call of 8 ms is under way
		want  int
	}{
		"there is time":                         {200 * ms, 5500 * time.Microsecond, 14},
		"those left would be late":              {7500 * time.Microsecond, 5500 * time.Microsecond, 30},
		"the other ends in time for those left": {7500 * time.Microsecond, 7 * ms, 14},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := known(t), time.Now()
			q.width.level = 2
			q.share.begins(&flight{n: 40, began: now.Add(-c.under)})
			with(q, now, slices.Repeat([]time.Duration{c.left}, 30)...)
			if got, _ := q.take(now); len(got) != c.want {
				t.Errorf("%d go, want %d", len(got), c.want)
			}
		})
	}
}

func TestABurstIsOverWhenTheCallsAreThatMayBeginAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExecutors(2, 4*time.Millisecond, 100*time.Microsecond)
		q := queue(t, DefaultConfig(), e)
		load{rate: 1000}.offer(t, q, 5*time.Second)
		for range 20 {
			before := len(e.sizes)
			ask(t, q, numbers(40)...)
			if calls := e.sizes[before:]; len(calls) > 4 { // two with the first ones, two with the others
				t.Errorf("calls about %v events", calls)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestTheRateFollowsWhoComes(t *testing.T) {
	var s share
	now := time.Now()
	come := func(events int, each, over time.Duration) {
		for end := now.Add(over); now.Before(end); {
			now = now.Add(each)
			s.came += events
			s.observe(now)
		}
	}
	for _, c := range []struct {
		what        string
		events      int
		each, over  time.Duration
		least, most float64
	}{
		{"6,000 a second", 6, time.Millisecond, time.Second, 5900, 6100},
		{"a hundred a second, 200 ms later", 1, 10 * time.Millisecond, 200 * time.Millisecond, 90, 300},
		{"after a night", 1, 8 * time.Hour, time.Hour, 0, 0},
	} {
		if come(c.events, c.each, c.over); s.rate < c.least || s.rate > c.most {
			t.Errorf("%s: %.0f", c.what, s.rate)
		}
	}
}
