package admit

import (
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/pulse"
)

// worker has one partition, and a process of its own.
func worker(name string, rate float64, lag int64) *pulse.Pulse {
	return &pulse.Pulse{
		Role: "stream", Instance: name, Epoch: int64(name[0]), Lag: []pulse.Lag{{Partition: int32(name[0] - 'a'), Records: lag}},
		Admission: &pulse.Admission{Rate: rate, NeedUS: 10_000},
	}
}

// byName has the events of a key in the partition of the worker that is called so.
func byName(key []byte, _ int) int32 { return int32(key[0] - 'a') }

const allowed = 50 * time.Millisecond

// let counts how many of n events at once are let in.
func let(f *Forecast, n int) (in int) {
	for range n {
		if _, ok := f.Admit(nil, allowed, 5); ok {
			in++
		}
	}
	return in
}

func TestAGatewayLetsInWhatWorkersCanDoInTime(t *testing.T) {
	cases := map[string]struct {
		pulses []*pulse.Pulse
		want   int // of 1000 at once
	}{
		"no worker has spoken":                      {nil, 1000},
		"no bound is known":                         {[]*pulse.Pulse{worker("a", 0, 0)}, 1000},
		"one where nothing is in time":              {[]*pulse.Pulse{worker("a", 1, 0)}, 1},
		"as many as there is time for":              {[]*pulse.Pulse{worker("a", 500, 0)}, 21}, // 40 ms, and one
		"less where events wait already":            {[]*pulse.Pulse{worker("a", 500, 10)}, 11},
		"none where too many wait":                  {[]*pulse.Pulse{worker("a", 500, 100)}, 0},
		"two do twice as much":                      {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 500, 0)}, 41},
		"the newest pulse of a worker counts":       {[]*pulse.Pulse{worker("a", 500, 100), worker("a", 500, 0)}, 21},
		"one that is not bound takes the rest":      {[]*pulse.Pulse{worker("a", 500, 100), worker("b", 0, 0)}, 1000},
		"a second worker of a process has its lag":  {[]*pulse.Pulse{worker("a", 500, 0), {Role: "stream", Instance: "a-1", Lag: []pulse.Lag{{Records: 10}}}}, 11},
		"a gateway's pulse says nothing about them": {[]*pulse.Pulse{{Role: "gateway", Instance: "g"}}, 1000},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := NewForecast(nil)
				for _, p := range c.pulses {
					f.Take(p, time.Now())
				}
				if got := let(f, 1000); got != c.want {
					t.Errorf("%d of 1000 are let in, want %d", got, c.want)
				}
			})
		})
	}
}

func TestAnEventWaitsInTheLineOfTheProcessThatHasItsPartition(t *testing.T) {
	second := &pulse.Pulse{Role: "stream", Instance: "a-1", Epoch: 'a', Lag: []pulse.Lag{{Partition: 3, Records: 10}}}
	cases := map[string]struct {
		pulses []*pulse.Pulse
		key    string // none: without
		want   int    // of 1000 at once
	}{
		"one that can do more takes all of its own":           {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 0, 0)}, "b", 1000},
		"… and unbinds no other":                              {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 0, 0)}, "a", 21},
		"what waits for another does not matter":              {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 500, 100)}, "a", 21},
		"where nothing is in time one is let in":              {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 1, 0)}, "b", 1},
		"all workers of a process have one line":              {[]*pulse.Pulse{second, worker("a", 500, 0)}, "d", 11},
		"nobody is known to have the partition":               {[]*pulse.Pulse{worker("a", 500, 0)}, "c", 1000},
		"a partition that went to another has its line":       {[]*pulse.Pulse{worker("a", 500, 100), {Role: "stream", Instance: "b", Epoch: 'b', Lag: []pulse.Lag{{}}, Admission: &pulse.Admission{Rate: 500, NeedUS: 10_000}}}, "a", 21},
		"without a key all lines are filled":                  {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 500, 10)}, "", 32},
		"without a key one goes where no bound is known":      {[]*pulse.Pulse{worker("a", 500, 0), worker("b", 0, 0)}, "", 1000},
		"a process that began anew says nothing of its lines": {[]*pulse.Pulse{worker("a", 500, 100), {Role: "stream", Instance: "a", Epoch: 'x', Lag: []pulse.Lag{{}}}}, "a", 1000},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, in := NewForecast(byName), 0
				for _, p := range c.pulses {
					f.Take(p, time.Now())
				}
				var key []byte
				if c.key != "" {
					key = []byte(c.key)
				}
				for range 1000 {
					if _, ok := f.Admit(key, allowed, 5); ok {
						in++
					}
				}
				if in != c.want {
					t.Errorf("%d of 1000 are let in, want %d", in, c.want)
				}
			})
		})
	}
}

func TestAPulseOfOneProcessForgetsNothingThatWasLetInForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewForecast(byName)
		f.Take(worker("a", 500, 0), time.Now())
		for range 21 {
			f.Admit([]byte("a"), allowed, 5)
		}
		f.Take(worker("b", 500, 0), time.Now())
		if _, ok := f.Admit([]byte("a"), allowed, 5); ok {
			t.Error("one more is let in for a process because another has spoken")
		}
	})
}

func TestWhatIsLetInIsWorkedOffAndSilenceLetsAllIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewForecast(nil)
		f.Take(worker("a", 500, 0), time.Now())
		let(f, 1000)
		wait, ok := f.Admit(nil, allowed, 5)
		if ok || wait <= 0 || wait > 3*time.Millisecond {
			t.Errorf("let in %v, wait %v", ok, wait)
		}
		time.Sleep(100 * time.Millisecond) // 50 are worked off: all that were there
		if got := let(f, 1000); got != 21 {
			t.Errorf("%d are let in later", got)
		}
		time.Sleep(3 * time.Second)
		if got := let(f, 1000); got != 1000 {
			t.Errorf("no pulse for 3 s, and %d of 1000 are let in", got)
		}
	})
}

func TestAnEventOfLessPriorityIsRefusedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewForecast(nil)
		f.Take(worker("a", 500, 15), time.Now())
		if _, ok := f.Admit(nil, allowed, 9); !ok {
			t.Error("one of the highest priority is refused")
		}
		if _, ok := f.Admit(nil, allowed, 0); ok {
			t.Error("one of the lowest is let in")
		}
	})
}

func TestABoundIsToldWhileEventsAreShedAndForgottenAfterwards(t *testing.T) {
	p, now := NewPace(&budget.Live{}), time.Unix(1_800_000_000, 0)
	var predicted, shed int64
	second := func(good, bad int64) float64 {
		predicted, shed, now = predicted+good, shed+bad, now.Add(time.Second)
		return p.Tell(predicted, shed, now).Rate
	}
	second(100, 0)
	if got := second(400, 1); got != 0 {
		t.Errorf("one shed event binds to %v", got)
	}
	second(480, 200)
	if got := second(450, 200); got != 480 {
		t.Errorf("the bound is %v, want the best of the last seconds", got)
	}
	if got := second(480, 0); got < 520 || got > 530 {
		t.Errorf("after a second in which all were in time the bound is %v", got)
	}
	for range 30 {
		second(480, 0)
	}
	if got := second(480, 0); got != 0 {
		t.Errorf("half a minute later it is %v", got)
	}
}

// outage is a process that a gateway sends events to, a thousand a second, and that
// predicts them all in time, or none.
type outage struct {
	pace            *Pace
	forecast        *Forecast
	predicted, shed int64
}

// second gives how many of a thousand events are let in.
func (o *outage) second(works bool) (in int) {
	o.forecast.Take(&pulse.Pulse{Role: "stream", Instance: "a", Admission: o.pace.Tell(o.predicted, o.shed, time.Now())}, time.Now())
	for range 1000 {
		time.Sleep(time.Millisecond)
		if _, ok := o.forecast.Admit([]byte("a"), allowed, 5); ok {
			in++
		}
	}
	if works {
		o.predicted += int64(in)
	} else {
		o.shed += int64(in)
	}
	return in
}

func TestWhileNothingIsInTimeAFewEventsASecondAreLetInToFindOutWhenItIsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outage{pace: NewPace(&budget.Live{}), forecast: NewForecast(byName)}
		for range 10 {
			o.second(true)
		}
		o.second(false)
		for n := range 20 {
			if in := o.second(false); in == 0 || in > 10 {
				t.Errorf("%d events are let in %d s after the last that was in time", in, n+1)
			}
		}
		o.second(true)
		if in := o.second(true); in != 1000 {
			t.Errorf("%d of 1000 are let in when those that were tried are in time again", in)
		}
	})
}

func TestABoundOfNothingIsForgottenWhenNobodySendsAnything(t *testing.T) {
	p, now := NewPace(&budget.Live{}), time.Unix(1_800_000_000, 0)
	p.Tell(0, 0, now)
	if got := p.Tell(0, 100, now.Add(time.Second)).Rate; got <= 0 {
		t.Fatalf("nothing was in time, and the bound is %v", got)
	}
	for n := range 20 {
		p.Tell(0, 100, now.Add(time.Duration(2+n)*time.Second))
	}
	if got := p.Tell(0, 100, now.Add(30*time.Second)).Rate; got != 0 {
		t.Errorf("the bound is still %v", got)
	}
}

func TestWhatAnEventNeedsIsWithoutTheWaitForOthers(t *testing.T) {
	live, now := &budget.Live{}, time.Unix(1_800_000_000, 0)
	for i := range 10 {
		var line event.Timeline
		line.Start(now)
		line.Mark(event.StageQueue, now.Add(time.Duration(i%2)*50*time.Millisecond))
		line.Mark(event.StageModel, line.Last().Add(8*time.Millisecond))
		live.Observe(&line, now)
		now = now.Add(100 * time.Millisecond)
	}
	if got := NewPace(live).Tell(0, 0, now).NeedUS; got < 8000 || got > 10000 {
		t.Errorf("%d µs", got)
	}
}
