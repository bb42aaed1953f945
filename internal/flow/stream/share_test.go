package stream

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func TestASharedEventIsAcceptedOnceItsEndingIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		c.hold = true
		p, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "poison" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		})
		q.send("good", "poison")
		time.Sleep(time.Second)
		if q.done(0) || q.done(1) {
			t.Error("accepted before the brokers have the ending")
		}
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		for _, acknowledge := range c.held {
			go acknowledge()
		}
		time.Sleep(time.Second)
		if !q.done(0) || !q.done(1) || q.flushes() == 0 {
			t.Errorf("accepted: good %t, poison %t; flushed %d times", q.done(0), q.done(1), q.flushes())
		}
		if got := strings.Join(c.written(), ", "); !strings.Contains(got, "predictions good") || !strings.Contains(got, "dead-letters poison") {
			t.Errorf("written: %s", got)
		}
		if lags := p.lag(time.Now()); len(lags) != 1 || lags[0].Records != 7 {
			t.Errorf("lag: %v, want that of the group", lags)
		}
		ended(t, stop)
	})
}

func TestASharedEventThatWasNotBegunGoesToTheNextWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		_, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			return event.Ending{Place: event.Unfinished, Err: errModel} // the endpoint is away
		})
		q.send("a", "b")
		time.Sleep(10 * time.Second)
		ended(t, stop)
		if len(c.written()) != 0 {
			t.Errorf("written: %v", c.written())
		}
		var backlog, attempts int
		_, stop = sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			c.mu.Lock()
			defer c.mu.Unlock()
			if e.Backlog {
				backlog++
			}
			attempts += e.Attempts
			return predict(ctx, e)
		})
		time.Sleep(time.Second)
		if !q.done(0) || !q.done(1) || backlog != 2 || attempts != 4 {
			t.Errorf("done %t and %t, backlog %d, attempts %d; want both done, both backlog, two attempts each", q.done(0), q.done(1), backlog, attempts)
		}
		ended(t, stop)
	})
}

func TestASharedEventThatKillsItsWorkersBecomesADeadLetterBeforeTheBrokersDropIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		q.send("deadly")
		q.delivered[event.Source{Topic: "events"}] = q.most - 2
		_, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			t.Error("the model was asked")
			return predict(ctx, e)
		})
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 || got[0] != "dead-letters deadly" || !q.done(0) {
			t.Fatalf("written %v, accepted %t", got, q.done(0))
		}
		if got := headerOf(c.records[0], event.HeaderAttempts); got != "4" {
			t.Errorf("attempts: %s, want the 4 deliveries", got)
		}
		ended(t, stop)
	})
}

func TestAWorkerOfAShareGroupHoldsLittleThatOthersCouldDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		p, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Second)
			return predict(ctx, e)
		})
		for range 50 {
			q.send(strings.Split(strings.Repeat("v ", 20), " ")[:20]...)
			time.Sleep(time.Millisecond)
		}
		p.mu.Lock()
		if most := 2*startLimit + shareAhead + 20; p.queued > most {
			t.Errorf("%d held, want at most %d", p.queued, most)
		}
		p.mu.Unlock()
		time.Sleep(30 * time.Second)
		if n := len(c.written()); n != 1000 {
			t.Errorf("%d predictions of 1000", n)
		}
		ended(t, stop)
	})
}

func TestWhatAShareGroupCannotDoIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"order":      {func(c *Config) { c.Order = orderKey }, "order: none"},
		"guarantee":  {func(c *Config) { c.Guarantee = exactlyOnce }, "at_least_once"},
		"membership": {func(c *Config) { c.Membership = "static" }, "membership: auto"},
		"a time":     {func(c *Config) { c.From = "2026-01-31T12:00:00Z" }, "earliest or latest"},
		"nothing":    {func(*Config) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := DefaultConfig()
			c.Protocol, c.Order = protocolShare, orderNone
			tt.change(&c)
			ps := c.Validate()
			switch {
			case tt.want == "" && len(ps) > 0:
				t.Errorf("refused: %v", ps)
			case tt.want != "" && (len(ps) != 1 || !strings.Contains(ps[0].Text, tt.want)):
				t.Errorf("it says %v, want one with %q", ps, tt.want)
			}
		})
	}
}

func TestAWorkerOfAShareGroupEndsWithWhatIsInWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		_, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(100 * time.Millisecond)
			return predict(ctx, e)
		})
		for range 150 {
			q.send("v")
		}
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		ended(t, stop)
		if took := time.Since(began); took > 50*time.Millisecond || len(c.written()) != startLimit {
			t.Errorf("ended after %s with %d written, want what was in work", took, len(c.written()))
		}
	})
}
