package emulator

import (
	"cmp"
	"math/rand/v2"
	"sync"
	"time"

	"betimes/internal/lab/emulator/control"
)

// describeHold is how long Describe waits in the quick profiles: longer than a
// deployment takes there, shorter than any client's timeout.
const describeHold = 5 * time.Second

// fastDeployments is how many times faster the waits of a deployment are in the fast profile.
const fastDeployments = 60

// seedOf is the seed that was given, or one that can be given another time.
func seedOf(c Config) uint64 { return cmp.Or(uint64(c.Seed), 1+rand.Uint64N(1<<31)) }

// pace is what a profile means, so many times faster.
func pace(c Config, seed uint64) control.Pace {
	p, scale := profiled(c.Profile, seed), time.Duration(c.TimeScale)
	if scale <= 1 {
		return p
	}
	return control.Pace{
		Provision: func() time.Duration { return p.Provision() / scale }, Training: func(status string) time.Duration { return p.Training(status) / scale },
		Wait: func(d time.Duration) time.Duration { return p.Wait(d) / scale }, Rollback: p.Rollback / scale, Hold: p.Hold,
	}
}

func profiled(profile string, seed uint64) control.Pace {
	switch profile {
	case "instant":
		return control.Pace{Provision: always(0), Training: func(string) time.Duration { return 0 }, Wait: divided(0), Hold: describeHold}
	case "realistic":
		return control.Pace{Provision: asOnAWS(seed), Training: trainingOnAWS, Wait: divided(1), Rollback: time.Minute}
	}
	return control.Pace{
		Provision: always(500 * time.Millisecond), Training: func(string) time.Duration { return 50 * time.Millisecond },
		Wait: divided(fastDeployments), Rollback: 200 * time.Millisecond, Hold: describeHold,
	}
}

// divided makes waits shorter; by 0 there are none.
func divided(by time.Duration) func(time.Duration) time.Duration {
	return func(d time.Duration) time.Duration {
		if by == 0 {
			return 0
		}
		return d / by
	}
}

// alarmDelay is how late data points count for alarms.
func alarmDelay(profile string) time.Duration {
	if profile == "realistic" {
		return time.Minute
	}
	return 0
}

func always(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// asOnAWS is 3 to 7 minutes for an instance.
func asOnAWS(seed uint64) func() time.Duration {
	var mu sync.Mutex
	chance := rand.New(rand.NewPCG(seed, 1))
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return 180*time.Second + time.Duration(chance.Int64N(int64(240*time.Second)))
	}
}

// trainingOnAWS is what comes before and after the training itself.
func trainingOnAWS(secondaryStatus string) time.Duration {
	switch secondaryStatus {
	case "Starting":
		return 90 * time.Second
	case "Downloading":
		return 30 * time.Second
	case "Uploading":
		return 15 * time.Second
	}
	return 0
}
