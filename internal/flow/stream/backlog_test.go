package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func TestBacklogIsWhatWasInTheLogBeforeThePartitionCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		got := map[string]bool{}
		c.send(0, "k", "before")
		time.Sleep(time.Second)
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			c.mu.Lock()
			defer c.mu.Unlock()
			got[string(e.Value)] = e.Backlog
			return predict(ctx, e)
		})
		time.Sleep(time.Second)
		c.send(0, "k", "after")
		c.send(1, "k", "first of its partition")
		time.Sleep(time.Second)
		c.send(1, "k", "second")
		time.Sleep(time.Second)
		ended(t, stop)
		for value, want := range map[string]bool{"before": true, "after": false, "first of its partition": false, "second": false} {
			if is, came := got[value]; !came || is != want {
				t.Errorf("%s: worked on %t, backlog %t, want %t", value, came, is, want)
			}
		}
	})
}
