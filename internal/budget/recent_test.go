package budget

import (
	"testing"
	"time"

	"betimes/internal/event"

	"pgregory.net/rapid"
)

func TestABucketHoldsItsUpperEndAndNothingMore(t *testing.T) {
	for b := range recentBuckets - 1 {
		end := upper(b)
		if bucket(end) != b || bucket(end+time.Microsecond) != b+1 {
			t.Fatalf("bucket %d ends at %v, which is in %d; the next is in %d", b, end, bucket(end), bucket(end+time.Microsecond))
		}
	}
}

func TestAQuantileIsNoLessThanTheShareOfWhatWasAddedAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Recent
		now := time.Unix(1_800_000_000, 0)
		all := rapid.SliceOfN(rapid.Int64Range(0, 1<<33), 1, 200).Draw(t, "µs")
		for _, us := range all {
			r.Add(time.Duration(us)*time.Microsecond, now)
		}
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		got := r.Quantile(q)
		below := 0
		for _, us := range all {
			if bucket(time.Duration(us)*time.Microsecond) <= bucket(got) {
				below++
			}
		}
		if float64(below) < q*float64(len(all))-1e-6 {
			t.Fatalf("%v has %d of %d below it, want the share %v", got, below, len(all), q)
		}
	})
}

func TestWhatChangedIsKnownAfterASecond(t *testing.T) {
	var r Recent
	now := time.Unix(1_800_000_000, 0)
	each := func(d time.Duration, n int) {
		for range n {
			now = now.Add(time.Millisecond)
			r.Add(d, now)
		}
	}
	each(10*time.Millisecond, 20_000)
	each(30*time.Millisecond, 1_100)
	if got := r.Quantile(Even); got < 30*time.Millisecond || got > 33*time.Millisecond {
		t.Errorf("a second after it took three times as long: %v", got)
	}
	now = now.Add(time.Hour)
	if w := r.Weight(now); w > 1e-9 {
		t.Errorf("an hour later %v are known", w)
	}
	each(time.Millisecond, 1)
	if got := r.Quantile(Sure); got > 1100*time.Microsecond {
		t.Errorf("what was an hour ago counts still: %v", got)
	}
}

func TestWhatIsLeftIsSharedByNeed(t *testing.T) {
	var n Needs
	n[event.StageFeature] = time.Hour // is over
	n[event.StageBatch], n[event.StageModel], n[event.StagePublish] = 10*time.Millisecond, 30*time.Millisecond, 10*time.Millisecond
	if rest := n.After(event.StageAdmit); rest != 50*time.Millisecond {
		t.Errorf("the rest takes %v", rest)
	}
	for left, want := range map[time.Duration]time.Duration{100 * time.Millisecond: 60 * time.Millisecond, 25 * time.Millisecond: 15 * time.Millisecond, 0: 0, -time.Second: 0} {
		shares := n.Split(left, event.StageAdmit)
		if shares[event.StageModel] != want || shares[event.StageFeature] != 0 {
			t.Errorf("of %v the model gets %v, want %v", left, shares[event.StageModel], want)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	if got := Slack(now.Add(40*time.Millisecond), now, n.After(event.StageAdmit)); got != -10*time.Millisecond {
		t.Errorf("slack %v", got)
	}
}

func TestAnAnswerIsDueEarlierByWhatItTakesToPublish(t *testing.T) {
	var l *Live
	deadline := time.Unix(1_800_000_000, 0)
	if got := l.AnswerBy(deadline); !got.Equal(deadline) {
		t.Errorf("nothing is known, and it is due %v", got)
	}
	l = &Live{}
	var line event.Timeline
	line.Start(deadline)
	line.Mark(event.StagePublish, deadline.Add(2*time.Millisecond))
	l.Observe(&line, deadline)
	if got := deadline.Sub(l.AnswerBy(deadline)); got < 2*time.Millisecond || got > 2200*time.Microsecond {
		t.Errorf("due %v before the deadline", got)
	}
	if got := l.AnswerBy(time.Time{}); !got.IsZero() {
		t.Errorf("no deadline, and it is due %v", got)
	}
	if n := l.Needs(); n[event.StagePublish] != l.Need(event.StagePublish, Sure) {
		t.Errorf("%v", n)
	}
}

func TestAStageThatFewEventsWaitInTakesNothingWithAnEvenChance(t *testing.T) {
	var l Live
	now := time.Unix(1_800_000_000, 0)
	for i := range 100 {
		var line event.Timeline
		line.Start(now)
		if i%10 == 0 { // they waited for mates
			line.Mark(event.StageBatch, now.Add(40*time.Millisecond))
		}
		if i%3 == 0 {
			line.Mark(event.StageRetry, line.Last().Add(9*time.Millisecond))
		}
		line.Mark(event.StageModel, line.Last().Add(5*time.Millisecond))
		now = now.Add(time.Millisecond)
		l.Observe(&line, now)
	}
	now = now.Add(time.Second)
	l.Observe(&event.Timeline{}, now)
	n := l.Needs()
	if n[event.StageBatch] != 0 || n[event.StageModel] < 5*time.Millisecond || n[event.StageRetry] < 9*time.Millisecond {
		t.Errorf("batch %v, model %v, retry %v", n[event.StageBatch], n[event.StageModel], n[event.StageRetry])
	}
	if got := l.Need(event.StageBatch, Sure); got < 40*time.Millisecond {
		t.Errorf("nearly sure to do for the wait is %v", got)
	}
}
