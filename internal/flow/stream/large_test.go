package stream

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// distant is a cluster that takes a second to refuse, and to take with slow.
type distant struct {
	*cluster
	slow bool
}

func (d *distant) Write(r *kafka.Record, done func(event.Source, error)) {
	d.mu.Lock()
	err := d.refuse(r)
	d.mu.Unlock()
	switch {
	case err != nil:
		time.AfterFunc(time.Second, func() { done(event.Source{}, err) })
	case d.slow:
		d.cluster.Write(r, func(at event.Source, err error) { time.AfterFunc(time.Second, func() { done(at, err) }) })
	default:
		d.cluster.Write(r, done)
	}
}

// lettersOf lists where the events of a key came from whose dead letters are written, in order.
func (c *cluster) lettersOf(key string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, r := range c.records {
		if r.Topic == "dead-letters" && string(r.Key) == key {
			out = append(out, headerOf(r, event.HeaderSource))
		}
	}
	return out
}

// fails makes dead letters of events that end with bad.
func fails(ctx context.Context, e *event.Event) event.Ending {
	if strings.HasSuffix(string(e.Value), "bad") {
		return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
	}
	return predict(ctx, e)
}

func TestOfAKeyNothingPassesAnEndingThatIsRefusedLateForItsSize(t *testing.T) {
	large := strings.Repeat("large", 1000)
	for name, refuses := range map[string]func(r *kafka.Record) bool{
		"a prediction":                   func(r *kafka.Record) bool { return r.Topic == "predictions" && weight(r) > 4000 },
		"a dead letter":                  func(r *kafka.Record) bool { return r.Topic == "dead-letters" && weight(r) > 4000 },
		"a prediction and a dead letter": func(r *kafka.Record) bool { return weight(r) > 4000 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &distant{cluster: newCluster()}
				d.tooLarge(refuses)
				p, stop := running(t, d.cluster, fails, func(_ *Config, deps *Deps) { deps.Sink = d })
				d.send(0, "warm", "good")
				d.send(0, "warm", "bad")
				for _, v := range []string{large + " good", large + " bad", "bad"} {
					d.send(0, "k", v)
				}
				d.send(0, "other", "bad")
				time.Sleep(500 * time.Millisecond)
				if got := d.written(); len(got) < 3 {
					t.Errorf("other keys wait too: %v", got)
				}
				time.Sleep(10 * time.Second)
				if got := d.lettersOf("k"); !slices.IsSorted(got) || len(got) < 2 || len(d.written()) != 6 || d.committed(0) != 6 {
					t.Errorf("dead letters of %v, %d written, committed %d", got, len(d.written()), d.committed(0))
				}
				ended(t, stop)
				if held := heldBy(p); held != "" {
					t.Error(held)
				}
			})
		})
	}
}

func TestOfAKeyNothingWaitsForBrokersToTakeWhatIsNoLargerThanWhatTheyTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &distant{cluster: newCluster(), slow: true}
		d.refuse = func(*kafka.Record) error { return nil }
		_, stop := running(t, d.cluster, predict, func(_ *Config, deps *Deps) { deps.Sink = d })
		d.send(0, "k", "first")
		time.Sleep(2 * time.Second)
		for range 5 {
			d.send(0, "k", "later")
		}
		time.Sleep(10 * time.Millisecond)
		if got := d.written(); len(got) != 6 {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
	})
}

func TestWhatIsWrittenInThePlaceOfAnEndingTooLargeKeepsTheOrderOfItsKey(t *testing.T) {
	for name, tt := range map[string]struct {
		refuses func(r *kafka.Record) bool
		aborts  int
	}{
		"a prediction":                  {func(r *kafka.Record) bool { return r.Topic == "predictions" && r.Value[0] == 'x' }, 1},
		"a dead letter":                 {func(r *kafka.Record) bool { return r.Topic == "dead-letters" && len(r.Value) > 0 && r.Value[0] == 'x' }, 1},
		"a prediction and dead letters": {func(r *kafka.Record) bool { return len(r.Value) > 0 && r.Value[0] == 'x' }, 2},
		"none":                          {func(*kafka.Record) bool { return false }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &book{cluster: newCluster()}
				b.tooLarge(tt.refuses)
				p, stop := running(t, b.cluster, fails, exactly(b))
				for _, v := range []string{"x good", "x bad", "bad", "x good", "bad"} {
					b.send(0, "k", v)
				}
				time.Sleep(3 * time.Second)
				if got := b.lettersOf("k"); !slices.IsSorted(got) || len(b.written()) != 5 || b.committed(0) != 5 || b.aborts != tt.aborts {
					t.Errorf("dead letters of %v, %d written, committed %d, %d aborts", got, len(b.written()), b.committed(0), b.aborts)
				}
				ended(t, stop)
				if held := heldBy(p); held != "" {
					t.Error(held)
				}
			})
		})
	}
}

func TestAnEndingTooLargeIsWrittenOtherwiseInTheSameTransactionWhenNoneOfItsKeyIsBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.tooLarge(func(r *kafka.Record) bool { return r.Topic == "predictions" && string(r.Value) == "large" })
		_, stop := running(t, b.cluster, fails, exactly(b))
		b.send(0, "k", "bad")
		b.send(0, "k", "large")
		b.send(0, "k", "small")
		b.send(0, "other", "bad")
		time.Sleep(time.Second)
		if len(b.written()) != 4 || b.aborts != 0 || len(b.closed()) != 1 {
			t.Errorf("written %v in transactions of %v, %d aborts", b.written(), b.closed(), b.aborts)
		}
		ended(t, stop)
	})
}
