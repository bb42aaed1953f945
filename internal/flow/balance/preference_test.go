package balance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

func TestWhatTheOwnerPrefers(t *testing.T) {
	same := func() []*server {
		return []*server{newServer("a", 4, between(8*time.Millisecond, 10*time.Millisecond)), newServer("b", 4, between(8*time.Millisecond, 10*time.Millisecond))}
	}
	slower := func(by int) func(*fleet) {
		return func(f *fleet) {
			f.servers[0].took = between(time.Duration(by)*8*time.Millisecond, time.Duration(by)*10*time.Millisecond)
		}
	}
	down := func(f *fleet) { f.servers[0].fails.Store(int32(model.ClassConnection)) }
	for _, tt := range []struct {
		name        string
		zone        string
		prefer      Preference // for a; b is like any other
		change      func(*fleet)
		left        time.Duration
		least, most float64 // share of a
	}{
		{name: "nothing", least: 0.45, most: 0.55},
		{name: "three times the weight", prefer: Preference{Weight: 3}, least: 0.67, most: 0.8},
		{name: "a later priority", prefer: Preference{Priority: 1}, most: 0.01},
		{name: "an earlier priority, even if slower", prefer: Preference{Priority: -1}, change: slower(3), least: 0.99, most: 1},
		{name: "an earlier priority that is down", prefer: Preference{Priority: -1}, change: down, most: 0.01},
		{name: "its own zone", zone: "here", prefer: Preference{Zone: "here"}, least: 0.97, most: 1},
		{name: "its own zone, far slower", zone: "here", prefer: Preference{Zone: "here"}, change: slower(5), most: 0.05},
		{name: "cheaper and in time, though slower", prefer: Preference{Cost: -1}, change: slower(5), least: 0.99, most: 1},
		{name: "cheaper and not in time", prefer: Preference{Cost: -1}, change: slower(5), left: 60 * time.Millisecond, most: 0.05},
	} {
		t.Run(tt.name, func(t *testing.T) {
			simulate(t, func(t *testing.T, ctx context.Context) {
				c := DefaultConfig()
				c.Zone = tt.zone
				f := newFleet(c, same(), func(i int, target *Target) {
					if i == 0 {
						target.Preference = tt.prefer
					} else if tt.zone != "" {
						target.Zone = "there"
					}
				})
				if tt.change != nil {
					tt.change(f)
				}
				left := max(tt.left, time.Second)
				if tt.left > 0 {
					left = tt.left
				}
				f.offer(ctx, 50, 5*time.Second, left)
				f.reset()
				f.offer(ctx, 50, 40*time.Second, left)
				all, each := f.calls()
				if share := float64(each[0]) / float64(all); share < tt.least || share > tt.most {
					t.Errorf("a got %.1f%% of the calls", 100*share)
				}
			})
		})
	}
}

func TestAKeySticksToItsEndpointAndOnlyTheKeysOfOneThatGoesMove(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		c := DefaultConfig()
		c.Sticky = StickyKey
		f := newFleet(c, ten())
		at := func() map[string]string {
			where := map[string]string{}
			for i := range 300 {
				key := fmt.Sprint("key-", i)
				resp, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{Event: &event.Event{Key: []byte(key)}}}})
				if err != nil {
					t.Fatal(err)
				}
				where[key] = resp.Endpoint
			}
			return where
		}
		at()
		before := at()
		f.servers[7].fails.Store(int32(model.ClassConnection))
		moved, gone := 0, 0
		for key, endpoint := range at() {
			if before[key] != endpoint {
				moved++
			}
			if before[key] == "s7" {
				gone++
			}
		}
		if moved != gone || gone < 10 || gone > 60 {
			t.Errorf("%d keys moved, %d were of the endpoint that went", moved, gone)
		}
	})
}

func TestAnEventSaysWhichEndpointWasChosenAndHowLongOthersWouldHaveTaken(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()[:3]
		servers[1].took = between(80*time.Millisecond, 81*time.Millisecond)
		f := newFleet(DefaultConfig(), servers)
		f.offer(ctx, 100, time.Second, time.Second)
		e := &event.Event{}
		if _, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{Event: e}}}); err != nil {
			t.Fatal(err)
		}
		said := string(e.Decisions.AppendHeader(nil))
		if !strings.HasPrefix(said, "balance:s") || !strings.Contains(said, "turn,s") || !strings.HasSuffix(said, "ms") {
			t.Error(said)
		}
	})
}
