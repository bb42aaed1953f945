package stream

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestWhatWaitsIsBoundedAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		_, stop := y.running(t, func(c *Config, _ *Deps) { c.ParkMax = 2 })
		for _, one := range []string{"a/x1", "a/2", "a/3"} {
			key, value, _ := strings.Cut(one, "/")
			y.send(0, key, value)
		}
		time.Sleep(10 * time.Second)
		y.send(0, "b", "x9")
		y.send(0, "b", "8")
		y.send(1, "c", "x7") // the bound is that of a partition
		time.Sleep(10 * time.Second)
		want := []string{"parked x1", "parked 2", "dead-letters 3", "dead-letters x9", "predictions 8", "parked x7"}
		if got := y.written(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("written %v", got)
		}
		for _, r := range y.records {
			switch string(r.Value) {
			case "3":
				if headerOf(r, event.HeaderReason) != "park_full" {
					t.Errorf("headers %v", r.Headers)
				}
			case "x9":
				if headerOf(r, event.HeaderReason) != "model_error" || headerOf(r, event.HeaderDecisions) != "stream:park:full" {
					t.Errorf("headers %v", r.Headers)
				}
			}
		}
		ended(t, stop)
	})
}

func TestNothingIsWorkedOnBeforeItIsKnownWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "1")
		var failures atomic.Int64
		p, stop := y.running(t, func(_ *Config, d *Deps) {
			d.Waiting = func(context.Context, []int32) ([]Waiting, error) {
				if failures.Add(1) <= 5 {
					return nil, errModel
				}
				return []Waiting{{0, []byte("a"), 0, -1, -1}}, nil
			}
		})
		time.Sleep(parkRetry / 2)
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "until the topic parked is read") || y.asked.Load() != 0 {
			t.Errorf("ready says %v, asked %d", err, y.asked.Load())
		}
		time.Sleep(5 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"parked 1"}) || p.Ready() != nil {
			t.Errorf("written %v, ready says %v", got, p.Ready())
		}
		ended(t, stop)
	})
}

func TestAPartitionOfParkedThatCannotBeReadKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "1")
		y.send(1, "b", "2")
		var mended atomic.Bool
		p, stop := running(t, y.cluster, predict, y.parks, func(_ *Config, d *Deps) {
			d.Waiting = func(_ context.Context, partitions []int32) ([]Waiting, error) {
				if slices.Contains(partitions, 0) && !mended.Load() {
					return nil, kafka.ErrUnavailable
				}
				return nil, nil
			}
		})
		time.Sleep(10 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"predictions 2"}) {
			t.Errorf("written %v; what waits of the key b is known", got)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "events:0 waits until") {
			t.Errorf("ready says %v, want which partition waits", err)
		}
		mended.Store(true)
		time.Sleep(2 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"predictions 2", "predictions 1"}) || p.Ready() != nil {
			t.Errorf("written %v, ready says %v", got, p.Ready())
		}
		ended(t, stop)
	})
}
