package stream

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func undecodable(_ context.Context, _ *event.Event) event.Ending {
	return event.Fail(event.ReasonUndecodable, event.StageFeature, errModel)
}

func TestATopicThatCannotBeReadPausesTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, undecodable)
		for i := range 300 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(time.Minute)
		if n := len(c.written()); n != 0 {
			t.Errorf("%d dead letters", n)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "kafka.topics.events.value") {
			t.Errorf("ready says %v", err)
		}
		ended(t, stop)
		if c.committed(0) != 0 {
			t.Errorf("committed %d", c.committed(0))
		}
	})
}

func TestAFewUndecodableEventsBecomeDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "xml" {
				return undecodable(ctx, e)
			}
			return predict(ctx, e)
		})
		for i := range 3 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(2 * time.Second)
		if n := len(c.written()); n != 3 {
			t.Errorf("%d dead letters, want 3", n)
		}
		c.send(0, "k", "json")
		time.Sleep(time.Millisecond)
		for i := range 200 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(2 * time.Second)
		if n := len(c.written()); n != 204 {
			t.Errorf("%d written, want 204", n)
		}
		ended(t, stop)
	})
}
