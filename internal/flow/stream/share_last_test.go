package stream

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestASharedEventOfTheLastDeliveryIsKeptUntilItsDeadLetterIsTaken(t *testing.T) {
	for name, partition := range map[string]string{"alone": "", "when its partition is halted": "before"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, q := newCluster(), newQueue()
				c.refuse = func(*kafka.Record) error { return errModel }
				p, stop := sharingOf(t, c, q, predict)
				if partition != "" {
					q.send(partition)
					time.Sleep(time.Second)
				}
				q.sendLast(1, "last")
				time.Sleep(time.Minute)
				if p.Ready() == nil || q.done(1) {
					t.Errorf("accepted %t while its dead letter is refused, ready says %v", q.done(1), p.Ready())
				}
				c.mu.Lock()
				c.refuse = nil
				c.mu.Unlock()
				time.Sleep(2 * lastRetry)
				if got := strings.Join(c.written(), ", "); !strings.Contains(got, "dead-letters last") || !q.done(1) {
					t.Errorf("written %q, accepted %t", got, q.done(1))
				}
				ended(t, stop)
			})
		})
	}
}

func TestAWorkerEndsThoughADeadLetterOfTheLastDeliveryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		c.refuse = func(*kafka.Record) error { return errModel }
		_, stop := sharingOf(t, c, q, predict)
		q.sendLast(0, "last")
		time.Sleep(10 * time.Second)
		began := time.Now()
		ended(t, stop)
		if took := time.Since(began); took > 2*lastRetry || q.done(0) {
			t.Errorf("ended after %s, accepted %t", took, q.done(0))
		}
	})
}

func TestASharedEventIsWorkedOnAtItsFirstDeliveryThoughThereBeTwoOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		q.most = 2
		_, stop := sharingOf(t, c, q, predict)
		q.send("only")
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 || got[0] != "predictions only" {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
	})
}

func TestASharedEventOfTheLastDeliveryIsEndedThoughTheEndpointIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		p, stop := sharingOf(t, c, q, func(ctx context.Context, e *event.Event) event.Ending {
			return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: errModel}
		})
		q.send("first")
		time.Sleep(time.Minute) // the gate is closed
		q.sendLast(1, "last")
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 || got[0] != "dead-letters last" || !q.done(1) {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.queued != 0 {
			t.Errorf("%d events held still", p.queued)
		}
	})
}
