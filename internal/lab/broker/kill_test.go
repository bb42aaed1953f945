package broker_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// ledger remembers what was acknowledged.
type ledger struct {
	mu    sync.Mutex
	acked map[string]bool
	wake  chan struct{} // one token when something was acknowledged
}

func (l *ledger) ack(id string) {
	l.mu.Lock()
	l.acked[id] = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// await waits until n records are acknowledged.
func (l *ledger) await(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	for l.count() < n {
		select {
		case <-l.wake:
		case <-ctx.Done():
			t.Fatalf("%d of %d records were acknowledged in time", l.count(), n)
		}
	}
}

// keepWriting writes records with ids 0, 1, 2, … until ctx ends, with at most
// 200 waiting for their acknowledgement.
func keepWriting(ctx context.Context, p *kafka.Producer, l *ledger) {
	slots := make(chan struct{}, 200)
	for n := 0; ctx.Err() == nil; n++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		id := fmt.Sprint(n)
		p.Write(&kafka.Record{Topic: "events", Partition: kafka.ByKey, Key: []byte(id), Value: make([]byte, 300)}, func(_ event.Source, err error) {
			if err == nil {
				l.ack(id)
			}
			<-slots
		})
	}
}

// reader is a member of a group that commits after every fetch.
type reader struct {
	*kafka.Member
	seen      *ledger
	next      map[kafka.Partition]int64
	committed map[kafka.Partition]int64 // what the brokers said yes to
}

func (r *reader) take(events []*event.Event) {
	for _, e := range events {
		r.next[kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}] = e.Source.Offset + 1
		r.seen.ack(string(e.Key))
	}
}

// read polls and commits until ctx ends; brokers that are away are waited for.
func (r *reader) read(ctx context.Context) {
	for ctx.Err() == nil {
		if r.Poll(ctx, r.take) == nil && r.Commit(ctx, r.next) == nil {
			maps.Copy(r.committed, r.next)
		}
	}
}

func newLedger() *ledger { return &ledger{acked: map[string]bool{}, wake: make(chan struct{}, 1)} }

func TestKilledBrokersKeepWhatTheyAcknowledged(t *testing.T) {
	const kills = 8
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	brokers := startChild(t, dir)
	c := openDoor(t, brokers.addrs)
	ensure(t, c, kafka.TopicSpec{Name: "events", Partitions: 6, ReplicationFactor: 3})
	p, err := c.NewProducer("kill")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m, err := c.NewMember(kafka.MemberConfig{Group: "g", Topics: []string{"events"}, StaticID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	written := newLedger()
	r := &reader{m, newLedger(), map[kafka.Partition]int64{}, map[kafka.Partition]int64{}}
	writing, stopWriting := context.WithCancel(ctx)
	reading, stopReading := context.WithCancel(ctx)
	defer stopWriting()
	defer stopReading()
	var writer, readers sync.WaitGroup
	writer.Go(func() { keepWriting(writing, p, written) })
	readers.Go(func() { r.read(reading) })
	for range kills {
		written.await(t, ctx, written.count()+300+random.IntN(3000))
		brokers.kill()
		brokers = startChild(t, dir)
	}
	written.await(t, ctx, written.count()+1000)
	stopWriting()
	writer.Wait()
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	r.seen.await(t, ctx, written.count())
	stopReading()
	readers.Wait()
	brokers.kill()
	startChild(t, dir)

	found := audit(t, ctx, c)
	for id := range written.acked {
		if !found[id] || !r.seen.acked[id] {
			t.Errorf("record %s was acknowledged; in the topic: %v, read by the group: %v", id, found[id], r.seen.acked[id])
		}
	}
	committed, err := c.Committed(ctx, "g")
	for part, next := range r.committed {
		if err != nil || committed[part] < next {
			t.Errorf("%s: %d was committed and %d is, %v", part, next, committed[part], err)
		}
	}
	t.Logf("%d kills, %d acknowledged, %d found", kills+1, len(written.acked), len(found))
}

// Both sessions outlast the test: whoever had to wait for their end would fail it.
func TestASuccessorOfAKilledMemberHasItsPartitionsAtOnce(t *testing.T) {
	for name, killBrokers := range map[string]bool{"the member is killed": false, "member and brokers are killed": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			brokers := startChild(t, dir)
			ensure(t, openDoor(t, brokers.addrs), kafka.TopicSpec{Name: "things", Partitions: 6, ReplicationFactor: 3})
			start(t, childMember+"="+brokers.addrs[0]).kill()
			if killBrokers {
				brokers.kill()
				startChild(t, dir)
			}
			began := time.Now()
			if line := start(t, childMember+"="+brokers.addrs[0]).addrs; line[0] != "6" {
				t.Errorf("the successor has %s partitions, want 6", line[0])
			}
			t.Logf("after %s", time.Since(began).Round(time.Millisecond))
		})
	}
}

// audit reads everything: each record once, each partition in the order of writing.
func audit(t *testing.T, ctx context.Context, c *kafka.Cluster) map[string]bool {
	t.Helper()
	tail, err := c.NewTail(ctx, kafka.TailConfig{Topics: []string{"events"}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	found, last := map[string]bool{}, map[int32]int{}
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			id, err := strconv.Atoi(string(e.Key))
			before, ok := last[e.Source.Partition]
			if err != nil || (ok && id <= before) {
				t.Errorf("at %s record %s follows %d", e.Source, e.Key, before)
			}
			last[e.Source.Partition] = id
			found[string(e.Key)] = true
		}
	}
	return found
}
