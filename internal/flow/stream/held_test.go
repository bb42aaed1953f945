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
	"betimes/internal/setting"
)

func TestATopicOfFewKeysThatCannotBeReadPausesTheStreamToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, undecodable)
		for i := range 300 {
			c.send(0, "k"+num(i%3), "xml")
		}
		time.Sleep(time.Minute)
		if n := len(c.written()); n != 0 || p.Ready() == nil {
			t.Errorf("%d dead letters, ready says %v", n, p.Ready())
		}
		if err := stop(); err != nil || c.committed(0) != 0 {
			t.Error(err, c.committed(0))
		}
	})
}

func TestASlowTopicThatCannotBeReadPausesTheStreamAtTheHundredthRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, byValue)
		for i := range 150 {
			c.send(0, "k"+num(i%7), "xml"+num(i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		written := c.written()
		if n := len(written); n < 80 || n >= 100 {
			t.Errorf("%d dead letters, want those of full seconds before the hundredth record", n)
		}
		for i, w := range written {
			if w != "dead-letters xml"+num(i) {
				t.Errorf("dead letter %d is %s", i, w)
			}
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), num(len(written))+" of them are dead letters") {
			t.Errorf("ready says %v", err)
		}
		if err := stop(); err != nil || c.committed(0) != int64(len(written)) {
			t.Error(err, c.committed(0))
		}
	})
}

func TestHeldEndingsKeepTheOrderOfTheirKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, byValue)
		for i := range 20 {
			c.send(0, "k", "xml"+num(i))
		}
		c.send(0, "k", "json")
		time.Sleep(10 * time.Millisecond)
		written := c.written()
		if len(written) != 21 || written[20] != "predictions json" || written[0] != "dead-letters xml0" || written[19] != "dead-letters xml19" {
			t.Error(written)
		}
		if err := stop(); err != nil || c.committed(0) != 21 {
			t.Error(err, c.committed(0))
		}
	})
}

func TestARecordThatIsDecodedAfterAHundredThatWereNotLetsThePausedStreamGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "json" {
				time.Sleep(500 * time.Millisecond) // in work while the others are refused
			}
			return byValue(ctx, e)
		})
		c.send(0, "slow", "json")
		for i := range 150 {
			c.send(0, "k"+num(i), "xml")
		}
		c.send(0, "k", "json")
		time.Sleep(10 * time.Second)
		if n := len(c.written()); n != 152 || p.Ready() != nil {
			t.Errorf("%d written, ready says %v", n, p.Ready())
		}
		if err := stop(); err != nil || c.committed(0) != 152 {
			t.Error(err, c.committed(0))
		}
	})
}

// byValue cannot read what begins with xml.
func byValue(ctx context.Context, e *event.Event) event.Ending {
	if strings.HasPrefix(string(e.Value), "xml") {
		return undecodable(ctx, e)
	}
	return predict(ctx, e)
}

func TestADeadLetterTooLargeForItsTopicSaysWhereThePayloadIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.tooLarge(func(r *kafka.Record) bool { return len(r.Value) > 0 })
		_, stop := running(t, c, func(context.Context, *event.Event) event.Ending {
			return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
		})
		c.send(0, "k", "large", event.Header{Name: "ce_type", Value: []byte("large too")})
		time.Sleep(time.Second)
		if err := stop(); err != nil || c.committed(0) != 1 || len(c.records) != 1 {
			t.Fatal(err, c.committed(0), len(c.records))
		}
		r := c.records[0]
		if headerOf(r, event.HeaderReason) != string(event.ReasonModelInput) || headerOf(r, event.HeaderSource) != "events:0:0" ||
			!strings.Contains(headerOf(r, event.HeaderError), "its 5 bytes are at events:0:0 only") || headerOf(r, "ce_type") != "" {
			t.Errorf("%+v", r.Headers)
		}
	})
}

func TestPredictionsThatTheBrokersDoNotTakeHoldUpFurtherAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.hold = true
		var attempts atomic.Int64
		_, stop := running(t, c, func(context.Context, *event.Event) event.Ending {
			attempts.Add(1)
			return event.Ending{Place: event.Predicted, Value: make([]byte, 256<<10)}
		}, func(config *Config, _ *Deps) { config.MaxQueuedBytes, config.Concurrency = setting.MiB, 1 })
		for i := range 100 {
			c.send(0, "k"+num(i), "small")
		}
		time.Sleep(time.Second)
		if n := attempts.Load(); n != 4 {
			t.Errorf("%d predictions of 256 KiB wait for the brokers, 4 fit into max_queued_bytes", n)
		}
		c.mu.Lock()
		c.hold = false
		held := slices.Clone(c.held)
		c.mu.Unlock()
		for _, acknowledge := range held {
			acknowledge()
		}
		time.Sleep(time.Second)
		if err := stop(); err != nil || c.committed(0) != 100 {
			t.Error(err, c.committed(0))
		}
	})
}

func TestWhatFinishesAboveAnEventThatCannotIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "stuck" {
				return event.Ending{Place: event.Unfinished, Err: errModel}
			}
			return predict(ctx, e)
		})
		c.send(0, "stuck", "stuck")
		time.Sleep(time.Second)
		p.mu.Lock()
		p.tracked += maxTracked // as if so many had finished
		p.mu.Unlock()
		c.send(0, "a", "one more fetch is under way")
		time.Sleep(time.Second)
		c.send(0, "a", "b")
		time.Sleep(time.Second)
		if n := len(c.written()); n != 1 {
			t.Errorf("%d written, want 1: fetching goes on", n)
		}
		p.mu.Lock()
		p.tracked -= maxTracked
		p.room.Broadcast()
		p.mu.Unlock()
		time.Sleep(time.Second)
		if n := len(c.written()); n != 2 || tracked(p) != 3 {
			t.Errorf("%d written, %d tracked", n, tracked(p))
		}
		c.revoke(t.Context(), 0)
		time.Sleep(time.Minute)
		if n := tracked(p); n != 0 {
			t.Errorf("%d tracked after the hand-over", n)
		}
		ended(t, stop)
	})
}

func tracked(p *Processor) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tracked
}

// slowCommits is a group whose first commit is answered late.
type slowCommits struct {
	Member
	first atomic.Bool
}

func (s *slowCommits) CommitNoted(ctx context.Context, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error {
	if s.first.CompareAndSwap(false, true) {
		time.Sleep(time.Second)
	}
	return s.Member.CommitNoted(ctx, next, notes)
}

func TestACommitThatIsLateDoesNotComeAfterThatOfTheHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, predict, func(_ *Config, deps *Deps) {
			deps.Join = func(h Hooks) (Member, error) { m, err := c.join(h); return &slowCommits{Member: m}, err }
		})
		c.send(0, "k", "1")
		time.Sleep(150 * time.Millisecond) // the first commit is under way
		c.send(0, "k", "2")
		time.Sleep(100 * time.Millisecond)
		c.revoke(t.Context(), 0)
		time.Sleep(5 * time.Second)
		if n := c.committed(0); n != 2 {
			t.Errorf("committed %d, want 2", n)
		}
		ended(t, stop)
	})
}
