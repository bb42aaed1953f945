package stream

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestAnUndecodableEventParksItsKeyOnceTheTopicIsKnownToBeReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		_, stop := running(t, y.cluster, choosy, y.parks)
		y.send(0, "a", "?1")
		time.Sleep(3 * probationWait)
		if got := y.written(); len(got) > 0 {
			t.Errorf("written before it is known: %v", got)
		}
		for _, v := range []string{"a2", "a?", "b1"} {
			y.send(0, v[:1], v)
		}
		time.Sleep(time.Second)
		got := y.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"parked ?1", "parked a2", "parked a?", "predictions b1"}) || y.committed(0) != 4 {
			t.Errorf("written %v, committed %d", got, y.committed(0))
		}
		ended(t, stop)
	})
}

func TestAReplayedEventThatCannotBeDecodedDoesNotKeepItsKeyParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "?1")
		y.send(0, "a", "?1", event.Header{Name: event.HeaderOrigin, Value: []byte("events:0:0")})
		y.commits[kafka.Partition{Topic: "events"}] = 1
		_, stop := running(t, y.cluster, choosy, y.parks, func(c *Config, d *Deps) {
			c.Errors = map[string]ErrorConfig{string(event.ReasonUndecodable): {Then: thenDeadLetter}}
			d.Waiting = func(context.Context, []int32) ([]Waiting, error) { return []Waiting{{0, []byte("a"), 0, 0, 1}}, nil }
		})
		time.Sleep(3 * probationWait)
		y.send(0, "a", "a2")
		time.Sleep(time.Second)
		if got := y.written(); !slices.Equal(got, []string{"dead-letters ?1", "predictions a2"}) {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
	})
}
