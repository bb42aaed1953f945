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

func TestEachReasonHasItsOwnPolicy(t *testing.T) {
	errs := map[string]ErrorConfig{
		"bad_model_output": {Attempts: 1},
		"model_error":      {Attempts: 3, Backoff: BackoffConfig{Min: time.Second, Max: time.Second}, Then: thenPark},
		"feature":          {Then: thenHalt},
	}
	endings := map[string]event.Ending{
		"output":  {Place: event.Unfinished, Counted: true, Reason: event.ReasonBadModelOutput, Stage: event.StageModel, Err: errModel},
		"error":   {Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: errModel},
		"refused": event.Fail(event.ReasonModelInput, event.StageModel, errModel),
		"feature": event.Fail(event.ReasonFeature, event.StageFeature, errModel),
	}
	for value, want := range map[string]struct {
		asked   int
		seconds time.Duration
		written []string
	}{
		"output":  {1, 0, []string{"dead-letters output", "predictions behind"}},
		"error":   {3, 1500 * time.Millisecond, []string{"parked error", "parked behind"}},
		"refused": {1, 0, []string{"dead-letters refused", "predictions behind"}},
		"feature": {1, 0, nil},
	} {
		t.Run(value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				y := newYard()
				var asked int
				var last time.Time
				p, stop := running(t, y.cluster, func(ctx context.Context, e *event.Event) event.Ending {
					if ending, bad := endings[string(e.Value)]; bad {
						asked, last = asked+1, time.Now()
						return ending
					}
					return predict(ctx, e)
				}, y.parks, func(c *Config, _ *Deps) { c.Poison, c.Errors = poisonSkip, errs })
				began := time.Now()
				y.send(0, "a", value)
				y.send(0, "a", "behind")
				time.Sleep(10 * time.Second)
				if got := y.written(); !slices.Equal(got, want.written) {
					t.Errorf("written %v", got)
				}
				if asked != want.asked || last.Sub(began) < want.seconds {
					t.Errorf("asked %d times in %s", asked, last.Sub(began))
				}
				if err := p.Ready(); (err != nil) != (value == "feature") || err != nil && !strings.Contains(err.Error(), "events:0:0: feature in feature after 1 attempts") {
					t.Errorf("ready says %v", err)
				}
				if committed := y.committed(0); committed != int64(len(want.written)) {
					t.Errorf("committed %d", committed)
				}
				ended(t, stop)
			})
		})
	}
}

func TestAPredictionTooLargeHaltsItsPartitionWhenTheFileSaysSo(t *testing.T) {
	for _, guarantee := range []string{atLeastOnce, exactlyOnce} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster()
			c.tooLarge(func(r *kafka.Record) bool { return string(r.Value) == "large" })
			changes := []func(*Config, *Deps){func(c *Config, _ *Deps) { c.Errors = map[string]ErrorConfig{"too_large": {Then: thenHalt}} }}
			if guarantee == exactlyOnce {
				changes = append(changes, exactly(&book{cluster: c}))
			}
			p, stop := running(t, c, predict, changes...)
			c.send(0, "k", "large")
			c.send(1, "k", "small")
			time.Sleep(10 * time.Second)
			if got := c.written(); !slices.Equal(got, []string{"predictions small"}) || c.committed(0) != 0 || p.Ready() == nil {
				t.Errorf("%s: written %v, committed %d, ready says %v", guarantee, got, c.committed(0), p.Ready())
			}
			ended(t, stop)
		})
	}
}

func TestPoliciesThatCannotBeObeyedAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		`errors.typo: "typo" is no reason for which an event fails; use bad_model_output, feature, internal, model_error, model_input, no_route, too_large, undecodable`: func(c *Config) {
			c.Errors = map[string]ErrorConfig{"typo": {}}
		},
		`errors.model_error.then: "drop" is not known; use dead_letter, park, halt`: func(c *Config) { c.Errors = map[string]ErrorConfig{"model_error": {Then: "drop"}} },
		`errors.feature.attempts: an event that fails for this reason is not tried again: it would fail again; remove attempts and backoff`: func(c *Config) {
			c.Errors = map[string]ErrorConfig{"feature": {Attempts: 3}}
		},
		`errors.model_error.attempts: -1 is less than 1; an event is tried at least once`: func(c *Config) { c.Errors = map[string]ErrorConfig{"model_error": {Attempts: -1}} },
		`errors.model_error.backoff.max: 0s is less than backoff.min of 1s; raise it`: func(c *Config) {
			c.Errors = map[string]ErrorConfig{"model_error": {Backoff: BackoffConfig{Min: time.Second}}}
		},
		`errors.model_error.then: park keeps the order of keys, which order: none does not; set order: key, or then: dead_letter`: func(c *Config) {
			c.Order, c.Errors = orderNone, map[string]ErrorConfig{"model_error": {Then: thenPark}}
		},
		`poison: park keeps the order of keys, which order: partition does not; set order: key, or poison: skip`: func(c *Config) { c.Order, c.Poison = orderPartition, poisonPark },
		`park_max: 0 is less than 1`: func(c *Config) { c.ParkMax = 0 },
		`errors.model_error.then: halt stops a partition, which members of a share group do not own; use dead_letter`: func(c *Config) {
			c.Order, c.Protocol, c.Errors = orderNone, protocolShare, map[string]ErrorConfig{"model_error": {Then: thenHalt}}
		},
	} {
		c := DefaultConfig()
		change(&c)
		if ps := c.Validate(); len(ps) != 1 || ps[0].Error() != name {
			t.Errorf("%v, want %s", ps, name)
		}
	}
}

func TestFailuresOfTheEndpointDoNotCountWhateverFailedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var tries atomic.Int64
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			switch tries.Add(1) {
			case 1:
				return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: errModel}
			case 2:
				return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: errModel}
			}
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) {
			c.Attempts, c.Errors = 1, map[string]ErrorConfig{string(event.ReasonModelError): {Attempts: 5}}
		})
		c.send(0, "k", "v")
		time.Sleep(10 * time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions v"}) {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
	})
}
