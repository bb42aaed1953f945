package stream

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// queue is a share group in memory: what is released, or held by a member that
// is gone, is given again until it was delivered most times.
type queue struct {
	mu        sync.Mutex
	waiting   []*event.Event
	delivered map[event.Source]int
	accepted  map[event.Source]bool
	held      map[*event.Event]bool
	flushed   int
	halted    []kafka.Partition
	most      int
	more      chan struct{}
}

func newQueue() *queue {
	return &queue{
		delivered: map[event.Source]int{}, accepted: map[event.Source]bool{}, held: map[*event.Event]bool{},
		most: 5, more: make(chan struct{}, 1),
	}
}

// send appends events of one partition.
func (q *queue) send(values ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, v := range values {
		now := time.Now()
		e := &event.Event{Key: []byte("k"), Value: []byte(v), Recorded: now, Fetched: now}
		e.Source = event.Source{Topic: "events", Offset: int64(len(q.delivered) + len(q.waiting))}
		q.waiting = append(q.waiting, e)
	}
	q.tell()
}

func (q *queue) tell() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) join(h Hooks) (Member, error) {
	h.Assigned(nil)
	return Share(q), nil
}

func (q *queue) Poll(ctx context.Context, take func([]*event.Event)) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-q.more:
	}
	q.mu.Lock()
	var batch []*event.Event
	for _, e := range q.waiting {
		again := *e
		again.Attempts = q.delivered[e.Source]
		q.delivered[e.Source]++
		q.held[&again] = true
		batch = append(batch, &again)
	}
	q.waiting = nil
	q.mu.Unlock()
	take(batch)
	return nil
}

func (q *queue) Accept(e *event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.held, e)
	q.accepted[e.Source] = true
}

func (q *queue) Release(e *event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.back(e)
}

// back gives an event to whoever polls next, unless it was delivered too often.
func (q *queue) back(e *event.Event) {
	if q.held[e] && q.delivered[e.Source] < q.most {
		again := &event.Event{Key: e.Key, Value: e.Value, Source: e.Source, Recorded: e.Recorded, Fetched: e.Fetched}
		q.waiting = append(q.waiting, again)
		q.tell()
	}
	delete(q.held, e)
}

func (q *queue) Flush(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushed++
	return nil
}

func (q *queue) flushes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flushed
}

func (q *queue) Left(e *event.Event) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.most - q.delivered[e.Source]
}

func (q *queue) Behind() map[kafka.Partition]int64 {
	return map[kafka.Partition]int64{{Topic: "events"}: 7}
}

func (q *queue) Halt(p kafka.Partition) { q.halted = append(q.halted, p) }

func (q *queue) Leave(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for e := range q.held {
		q.back(e)
	}
	return nil
}

func (q *queue) done(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.accepted[event.Source{Topic: "events", Offset: n}]
}

// sharingOf runs a Processor on q that writes to c.
func sharingOf(t *testing.T, c *cluster, q *queue, work Work) (*Processor, func() error) {
	t.Helper()
	return running(t, c, work, func(config *Config, deps *Deps) {
		config.Protocol, config.Order, deps.Join = protocolShare, orderNone, q.join
	})
}

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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 50*time.Millisecond || len(c.written()) != startLimit {
			t.Errorf("ended after %s with %d written, want what was in work", took, len(c.written()))
		}
	})
}

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
				q.mu.Lock()
				at := event.Source{Topic: "events", Offset: 1}
				q.delivered[at] = q.most - 1
				q.waiting = append(q.waiting, &event.Event{Value: []byte("last"), Source: at})
				q.tell()
				q.mu.Unlock()
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
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAWorkerEndsThoughADeadLetterOfTheLastDeliveryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newCluster(), newQueue()
		c.refuse = func(*kafka.Record) error { return errModel }
		_, stop := sharingOf(t, c, q, predict)
		q.delivered[event.Source{Topic: "events"}] = q.most - 1
		q.send("last")
		q.mu.Lock()
		q.waiting[0].Source.Offset = 0
		q.mu.Unlock()
		time.Sleep(10 * time.Second)
		began := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		if err := stop(); err != nil {
			t.Error(err)
		}
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
		q.mu.Lock()
		q.delivered[event.Source{Topic: "events", Offset: 1}] = q.most - 1
		last := &event.Event{Value: []byte("last"), Source: event.Source{Topic: "events", Offset: 1}}
		q.waiting = append(q.waiting, last)
		q.tell()
		q.mu.Unlock()
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 || got[0] != "dead-letters last" || !q.done(1) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.queued != 0 {
			t.Errorf("%d events held still", p.queued)
		}
	})
}
