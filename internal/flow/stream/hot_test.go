package stream

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
)

// shown is what a pulse says of keys after events whose keys draw gives,
// 100 a second.
func shown(t *testing.T, events int, draw func(n int) string) (told pulse.Pulse) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, predict, func(_ *Config, d *Deps) { d.Show = func(key []byte) string { return "<" + string(key) + ">" } })
		for n := range events {
			c.send(int32(n%2), draw(n), num(n))
			time.Sleep(10 * time.Millisecond)
			if n%100 == 99 {
				told = pulse.Pulse{}
				p.Snapshot(&told)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return told
}

func TestTheKeysWithMostEventsAreTold(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	many := func(int) string { return "k" + num(r.IntN(10_000)) }
	for name, test := range map[string]struct {
		draw func(n int) string
		want []string
	}{
		"a key that has a fifth of the events, among thousands": {func(n int) string {
			if n%10 < 2 { // of both partitions: two keys
				return "hot"
			}
			return many(n)
		}, []string{"<hot>", "<hot>"}},
		"one that became hot when all places were taken": {func(n int) string {
			if n > 2000 && n%10 == 0 {
				return "new"
			}
			return many(n)
		}, []string{"<new>"}},
		"none of thousands that have as many as others": {many, nil},
		"none of one that was hot a minute ago": {func(n int) string {
			if n < 2000 {
				return "old"
			}
			return many(n)
		}, nil},
		"none of events without keys": {func(int) string { return "" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			told := shown(t, 8000, test.draw)
			var got []string
			for _, k := range told.Keys {
				got = append(got, k.Key)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("told %+v, want %v", told.Keys, test.want)
			}
			if told.TakenPerS < 90 || told.TakenPerS > 110 {
				t.Errorf("%.1f a second taken, want about 100", told.TakenPerS)
			}
			for _, k := range told.Keys {
				if k.PerS > 11 || k.PerS < 7 {
					t.Errorf("%s has %.1f a second, want 10, or few less", k.Key, k.PerS)
				}
			}
		})
	}
}

func TestNoKeyIsToldUntilItIsSaidWhatMayBeShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, predict)
		for n := range 500 {
			c.send(0, "hot", num(n))
		}
		time.Sleep(time.Second)
		var told pulse.Pulse
		if p.Snapshot(&told); len(told.Keys) > 0 || told.TakenPerS == 0 {
			t.Errorf("told %+v, %v a second", told.Keys, told.TakenPerS)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHowManyWaitForAKeyIsToldAndNothingOfPartitionsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		release := make(chan struct{})
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			<-release
			return predict(ctx, e)
		}, func(_ *Config, d *Deps) { d.Show = func(key []byte) string { return string(key) } })
		for n := range 50 {
			c.send(1, "hot", num(n))
		}
		time.Sleep(time.Second)
		var held, gone pulse.Pulse
		p.Snapshot(&held)
		if len(held.Keys) != 1 || held.Keys[0].Waiting != 49 || held.Keys[0].Partition != 1 {
			t.Errorf("told %+v, want 49 of partition 1 that wait for the first", held.Keys)
		}
		close(release)
		c.revoke(t.Context(), 1)
		p.Snapshot(&gone)
		if len(gone.Keys) != 0 {
			t.Errorf("told %+v of a partition that was given up", gone.Keys)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOfALongKeyTheBeginningIsToldAndItsHashIsThatOfAllOfIt(t *testing.T) {
	long := "a" + strings.Repeat("ключ", 200)
	for name, test := range map[string]struct {
		show func(key []byte) string
		want string
	}{
		"shown":  {func(key []byte) string { return string(key) }, long[:hotBytes-1] + "…"},
		"hidden": {func(key []byte) string { return "#" + strconv.Itoa(len(key)) }, "#" + strconv.Itoa(len(long))},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(DefaultConfig(), Deps{Sink: instant{}, Work: predict, Show: test.show})
			e := &event.Event{Key: []byte(long), Fetched: time.Now()}
			p.parts[kafka.Partition{}] = &partition{}
			for range 2 * hotAtLeast {
				p.hot.add(1, e)
			}
			var told pulse.Pulse
			if p.tellKeys(&told, e.Fetched); len(told.Keys) != 1 || told.Keys[0].Key != test.want {
				t.Errorf("told %+v, want %s", told.Keys, test.want)
			}
		})
	}
}

func TestALaneKnowsHowManyWaitForItsFirst(t *testing.T) {
	p, l := New(DefaultConfig(), Deps{Sink: instant{}, Work: predict}), &lane{}
	gone, held := &partition{gone: true}, &partition{}
	for i, part := range []*partition{held, gone, held, gone, held} {
		if l.push(&item{event: &event.Event{}, part: part}); l.waiting() != i {
			t.Errorf("%d wait, want %d", l.waiting(), i)
		}
	}
	p.dropWaiting(l)
	for want := 2; want >= 0; want-- {
		if l.waiting() != want {
			t.Errorf("%d wait, want %d", l.waiting(), want)
		}
		l.pop()
	}
	if l.waiting() != 0 {
		t.Errorf("%d wait in an empty lane", l.waiting())
	}
}
