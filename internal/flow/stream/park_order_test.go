package stream

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrderSurvivesWhateverHappens parks, replays, crashes and restarts at random:
// each event of a key is predicted, the first time in order.
func TestOrderSurvivesWhateverHappens(t *testing.T) {
	for _, guarantee := range []string{atLeastOnce, exactlyOnce} {
		for seed := range uint64(20) {
			t.Run(guarantee+" "+strconv.FormatUint(seed, 10), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { anything(t, guarantee, rand.New(rand.NewPCG(seed, 7))) })
			})
		}
	}
}

func anything(t *testing.T, guarantee string, dice *rand.Rand) {
	y := newYard()
	y.sick.Store(false)
	var stops []func() error
	last := &book{cluster: y.cluster}
	start := func() {
		changes := []func(*Config, *Deps){func(c *Config, _ *Deps) { c.Backoff.Max = 100 * time.Millisecond }}
		if last.fence(); guarantee == exactlyOnce {
			last = &book{cluster: y.cluster}
			changes = append(changes, exactly(last))
		}
		p, stop := y.running(t, changes...)
		stops = append(stops, stop)
		<-p.Joined()
	}
	start()
	sent := map[string][]string{}
	for i := range 200 {
		switch n := dice.IntN(100); {
		case n < 70:
			key, value := string('a'+rune(dice.IntN(3))), strconv.Itoa(i)
			if dice.IntN(8) == 0 {
				value = "x" + value
			}
			sent[key] = append(sent[key], value)
			y.send(0, key, value)
		case n < 80:
			y.sick.Store(dice.IntN(2) == 0)
		case n < 88:
			y.replay(0, func() bool { return guarantee == exactlyOnce || dice.IntN(10) > 0 }) // one that is not noted is sent twice
		case n < 92: // a crash: the one before is out at once
			start()
		default:
			time.Sleep(time.Duration(dice.IntN(300)) * time.Millisecond)
		}
	}
	y.sick.Store(false)
	for range 20 {
		time.Sleep(5 * time.Second)
		y.replay(0, always)
	}
	time.Sleep(5 * time.Second)
	for _, stop := range stops {
		_ = stop() // those that are out cannot commit
	}
	for key, want := range sent {
		got, copies := y.predicted(key)
		if !slices.Equal(got, want) || guarantee == exactlyOnce && copies > 0 {
			t.Errorf("key %s: predicted %v and %d copies\nwant %v", key, got, copies, want)
		}
	}
	if end := int64(len(y.log[0])); y.committed(0) != end {
		t.Errorf("committed %d of %d", y.committed(0), end)
	}
}
