package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/fault"
)

// worker is a member that commits what it took when its partitions go.
type worker struct {
	*kafka.Member
	t *testing.T

	mu       sync.Mutex
	replaced bool // another member has its name
	began    map[kafka.Partition]int64
	next     map[kafka.Partition]int64
	seen     map[string]int
	comings  int // partitions that were assigned until now
	problems []error
	changed  chan struct{} // one token when something above changed
	stop     context.CancelFunc
	stopped  chan error
}

// work joins the group of a topic, which has the topic's name.
func work(t *testing.T, c *kafka.Cluster, things string, cfg kafka.MemberConfig) *worker {
	t.Helper()
	w := &worker{
		t: t, began: map[kafka.Partition]int64{}, next: map[kafka.Partition]int64{}, seen: map[string]int{},
		changed: make(chan struct{}, 1), stopped: make(chan error, 1),
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = time.Minute // longer than any test: whoever waits for its end fails
		if cfg.Protocol == kafka.ProtocolEager {
			cfg.SessionTimeout /= 2 // a rebalance waits for the next heartbeat of each
		}
	}
	cfg.Group, cfg.Topics = things, []string{things}
	cfg.Assigned, cfg.Revoked, cfg.Problem = w.assigned, w.revoked, w.problem
	m, err := c.NewMember(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Member = m
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	go func() {
		var err error
		for err == nil {
			err = m.Poll(ctx, w.take)
		}
		w.stopped <- err
	}()
	t.Cleanup(func() { cancel(); m.Stop() })
	return w
}

func (w *worker) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *worker) assigned(parts map[kafka.Partition]int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, o := range parts {
		if _, twice := w.began[p]; twice {
			w.t.Errorf("%s was assigned twice without being revoked", p)
		}
		w.began[p], w.next[p] = o, o
		w.comings++
	}
	w.tell()
}

func (w *worker) revoked(ctx context.Context, parts []kafka.Partition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := map[kafka.Partition]int64{}
	for _, p := range parts {
		done[p] = w.next[p]
		delete(w.began, p)
		delete(w.next, p)
	}
	if ctx.Err() != nil {
		return // lost
	}
	if err := w.Commit(ctx, done); err != nil && !w.replaced {
		w.t.Errorf("commit while partitions go: %v", err)
	}
	w.tell()
}

func (w *worker) take(events []*event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		p := kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}
		if want, ok := w.next[p]; !ok || e.Source.Offset != want {
			w.t.Errorf("an event of %s came, want offset %d (assigned: %v)", e.Source, want, ok)
		}
		w.next[p] = e.Source.Offset + 1
		w.seen[string(e.Value)]++
	}
	w.tell()
}

func (w *worker) problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, err)
	w.tell()
}

// await waits until something is so.
func (w *worker) await(what string, so func(w *worker) bool) {
	w.t.Helper()
	ctx := limit(w.t)
	for {
		w.mu.Lock()
		ok := so(w)
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			w.t.Fatalf("in vain waited for %s", what)
		}
	}
}

// halt ends polling and waits for its end.
func (w *worker) halt() {
	w.t.Helper()
	w.stop()
	if err := <-w.stopped; !errors.Is(err, context.Canceled) {
		w.t.Errorf("polling ended with %v", err)
	}
}

// leave ends polling and leaves the group.
func (w *worker) leave() {
	w.t.Helper()
	w.halt()
	if err := w.Leave(limit(w.t)); err != nil {
		w.t.Error(err)
	}
}

func owns(n int) func(*worker) bool { return func(w *worker) bool { return len(w.began) == n } }
func saw(n int) func(*worker) bool  { return func(w *worker) bool { return len(w.seen) == n } }

func TestMembersShareATopicAndHandItOver(t *testing.T) {
	for name, cfg := range map[string][2]kafka.MemberConfig{
		"dynamic, by default":  {{}, {}},
		"dynamic, classic":     {{Protocol: kafka.ProtocolClassic}, {Protocol: kafka.ProtocolClassic}},
		"dynamic, eager":       {{Protocol: kafka.ProtocolEager}, {Protocol: kafka.ProtocolEager}},
		"static, by default":   {{StaticID: "one"}, {StaticID: "two"}},
		"static, eager":        {{StaticID: "one", Protocol: kafka.ProtocolEager}, {StaticID: "two", Protocol: kafka.ProtocolEager}},
		"static, KIP-848":      {{StaticID: "one", Protocol: kafka.ProtocolConsumer}, {StaticID: "two", Protocol: kafka.ProtocolConsumer}},
		"from a time long ago": {{From: "earliest"}, {From: "2020-01-01T00:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, config(brokers(t, 3)))
			things := topic(t, c, 6)
			p := producer(t, c)
			write(t, p, numbered(things, 300)...)

			one := work(t, c, things, cfg[0])
			one.await("all partitions", owns(6))
			one.await("all events", saw(300))

			two := work(t, c, things, cfg[1])
			two.await("half of the partitions", owns(3))
			one.await("the other half", owns(3))
			more := numbered(things, 600)[300:]
			write(t, p, more...)
			one.leave()
			two.await("all partitions", owns(6))
			one.mu.Lock()
			rest := 600 - len(one.seen)
			one.mu.Unlock()
			two.await("what the other did not take", saw(rest))
			for id, n := range two.seen {
				if n != 1 || one.seen[id] != 0 {
					t.Errorf("event %s was taken %d times by one and %d times by two", id, one.seen[id], n)
				}
			}
			two.leave()
			committed, err := c.Committed(limit(t), things)
			var sum int64
			for _, o := range committed {
				sum += o
			}
			if err != nil || sum != 600 {
				t.Errorf("committed %v, %v; want 600 in all", committed, err)
			}
		})
	}
}

func TestAMemberThatSharesNoProtocolWithItsGroupSaysWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct {
		there, comes kafka.MemberConfig
		want         []string
	}{
		"it comes to an eager group": {
			kafka.MemberConfig{Protocol: kafka.ProtocolEager}, kafka.MemberConfig{Protocol: kafka.ProtocolClassic},
			[]string{"INCONSISTENT_GROUP_PROTOCOL", "offers (cooperative-sticky)", "set flow.stream.protocol: eager in all workers"},
		},
		"it comes to an eager group, with a name": {
			kafka.MemberConfig{Protocol: kafka.ProtocolEager, StaticID: "one"}, kafka.MemberConfig{StaticID: "two"},
			[]string{"INCONSISTENT_GROUP_PROTOCOL", "set flow.stream.protocol: eager in all workers"},
		},
		"it is eager and comes to a cooperative group": {
			kafka.MemberConfig{Protocol: kafka.ProtocolClassic}, kafka.MemberConfig{Protocol: kafka.ProtocolEager},
			[]string{"INCONSISTENT_GROUP_PROTOCOL", "offers (range and roundrobin)", "set flow.stream.protocol: classic in all workers"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, config(brokers(t, 1)))
			things := topic(t, c, 2)
			there := work(t, c, things, tt.there)
			there.await("its partitions", owns(2))
			comes := work(t, c, things, tt.comes)
			select {
			case err := <-comes.stopped:
				for _, want := range append(tt.want, "group "+things) {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("it ended with %v, want %q in it", err, want)
					}
				}
			case <-limit(t).Done():
				t.Fatal("it goes on")
			}
			there.await("its partitions still", owns(2))
		})
	}
}

func TestAStaticMemberComesBackToItsPartitions(t *testing.T) {
	for _, protocol := range []string{kafka.ProtocolAuto, kafka.ProtocolEager} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			comesBack(t, protocol)
		})
	}
}

func comesBack(t *testing.T, protocol string) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 4)
	cfg := kafka.MemberConfig{StaticID: "one", Protocol: protocol}
	two := work(t, c, things, kafka.MemberConfig{StaticID: "two", Protocol: protocol})
	one := work(t, c, things, cfg)
	one.await("half of the partitions", owns(2))
	two.await("the other half", owns(2))
	one.mu.Lock()
	had := fmt.Sprint(one.began)
	one.mu.Unlock()
	one.halt()
	one.Stop()
	again := work(t, c, things, cfg)
	again.await("its partitions", owns(2))
	again.mu.Lock()
	defer again.mu.Unlock()
	if has := fmt.Sprint(again.began); has != had {
		t.Errorf("it had %s and came back to %s", had, has)
	}
}

func TestLatestSkipsNothingThatComesAfterTheJoin(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 2)
	p := producer(t, c)
	write(t, p, numbered(things, 10)...)
	one := work(t, c, things, kafka.MemberConfig{From: "latest", StaticID: "one"})
	one.await("its partitions", owns(2))
	one.halt()
	one.Stop() // as if killed before it committed anything itself
	write(t, p, &kafka.Record{Topic: things, Value: []byte("while away")})
	two := work(t, c, things, kafka.MemberConfig{From: "latest", StaticID: "one"})
	two.await("the event of the meantime", saw(1))
	if two.seen["while away"] != 1 {
		t.Errorf("it saw %v", two.seen)
	}
}

func TestATimeSkipsNothingThatComesWhileItsOffsetsAreAskedFor(t *testing.T) {
	for name, from := range map[string]string{"long ago": "2020-01-01T00:00:00Z", "in a while": "2100-01-01T00:00:00Z"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := brokers(t, 1)
			proxy, err := fault.NewProxy(seeds, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Close)
			direct := open(t, config(seeds))
			things := topic(t, direct, 1)
			p := producer(t, direct)
			asked := 0
			proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, When: func(kmsg.Request) bool {
				if asked++; asked > 1 { // each answer but the first one finds a record more
					p.Write(&kafka.Record{Topic: things, Value: []byte(fmt.Sprint(asked))}, func(event.Source, error) {})
					_ = p.Flush(t.Context()) // shown by what is seen
				}
				return false
			}})
			one := work(t, open(t, config(proxy.Addrs())), things, kafka.MemberConfig{From: from})
			one.await("the first record", func(w *worker) bool { return w.seen["2"] == 1 })
		})
	}
}

func TestGoneRecordsHaltTheirPartitionAndAreTold(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 2)
	write(t, producer(t, c), &kafka.Record{Topic: things, Partition: 0, Value: []byte("a")}, &kafka.Record{Topic: things, Partition: 1, Value: []byte("b")})
	gone := kafka.Partition{Topic: things, Number: 0}
	one := work(t, c, things, kafka.MemberConfig{StaticID: "one"})
	one.await("both events", saw(2))
	one.halt()
	if err := one.Commit(limit(t), map[kafka.Partition]int64{gone: 100, {Topic: things, Number: 1}: 0}); err != nil {
		t.Fatal(err)
	}
	one.mu.Lock()
	clear(one.began) // nothing to commit when it stops
	one.next = map[kafka.Partition]int64{gone: 100, {Topic: things, Number: 1}: 0}
	one.mu.Unlock()
	one.Stop()

	two := work(t, c, things, kafka.MemberConfig{StaticID: "one"})
	two.await("the problem", func(w *worker) bool { return len(w.problems) > 0 })
	two.await("the event of the sound partition", saw(1))
	var halt *kafka.HaltError
	if !errors.As(two.problems[0], &halt) || halt.Partition != gone || halt.Start != 0 || halt.End != 1 {
		t.Fatalf("the problem is %v", two.problems[0])
	}
	for _, want := range []string{things + ":0 halted", "OFFSET_OUT_OF_RANGE", "it holds offsets 0 to 0", "--group " + things + " --topic " + things + ":0 --reset-offsets"} {
		if !strings.Contains(halt.Error(), want) {
			t.Errorf("the problem is %q, want %q in it", halt, want)
		}
	}
	two.Resume(gone)
	write(t, producer(t, c), &kafka.Record{Topic: things, Partition: 0, Value: []byte("c")}, &kafka.Record{Topic: things, Partition: 1, Value: []byte("d")})
	two.await("the next event of the sound partition", saw(2))
	if two.seen["c"] != 0 {
		t.Error("the halted partition goes on")
	}
	if len(two.problems) != 1 {
		t.Errorf("it was told %d times", len(two.problems))
	}
}

func TestPausedPartitionsWait(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 2)
	p := producer(t, c)
	one := work(t, c, things, kafka.MemberConfig{})
	one.await("its partitions", owns(2))
	zero := kafka.Partition{Topic: things, Number: 0}
	one.Pause(zero)
	write(t, p, &kafka.Record{Topic: things, Partition: 0, Value: []byte("a")}, &kafka.Record{Topic: things, Partition: 1, Value: []byte("b")})
	one.await("the other partition's event", saw(1))
	if one.seen["b"] != 1 {
		t.Errorf("it saw %v, want b", one.seen)
	}
	if high, ok := one.HighWatermark(kafka.Partition{Topic: things, Number: 1}); !ok || high != 1 {
		t.Errorf("the high watermark is %d, %v", high, ok)
	}
	one.Resume(zero)
	one.await("the paused event", saw(2))
}

func TestTheNewerOfTwoWithOneNameStays(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 2)
	older := work(t, c, things, kafka.MemberConfig{StaticID: "one", SessionTimeout: 6 * time.Second})
	older.await("its partitions", owns(2))
	older.mu.Lock()
	older.replaced = true // what it commits from now on may be refused
	older.mu.Unlock()
	newer := work(t, c, things, kafka.MemberConfig{StaticID: "one", SessionTimeout: 6 * time.Second})
	newer.await("the partitions", owns(2))
	select {
	case err := <-older.stopped:
		if err == nil || !strings.Contains(err.Error(), "FENCED_INSTANCE_ID") {
			t.Errorf("the older ended with %v", err)
		}
	case <-limit(t).Done():
		t.Fatal("the older goes on")
	}
	if err := older.Leave(limit(t)); err != nil {
		t.Error(err)
	}
	write(t, producer(t, c), &kafka.Record{Topic: things, Value: []byte("x")})
	newer.await("an event although the older left", saw(1))
	newer.mu.Lock()
	defer newer.mu.Unlock()
	if len(newer.began) != 2 {
		t.Errorf("the newer has %d partitions, want 2", len(newer.began))
	}
}

func TestTheNextOwnerReadsTheNoteOfTheNewestCommit(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 1)
	p := kafka.Partition{Topic: things}
	one := work(t, c, things, kafka.MemberConfig{StaticID: "one", SessionTimeout: 6 * time.Second})
	one.await("its partition", owns(1))
	if got := one.Note(p); got != "" {
		t.Errorf("nobody has committed, the note is %q", got)
	}
	write(t, producer(t, c), &kafka.Record{Topic: things, Value: []byte("x")}, &kafka.Record{Topic: things, Value: []byte("y")})
	one.await("both events", saw(2))
	if err := one.CommitNoted(limit(t), map[kafka.Partition]int64{p: 1}, map[kafka.Partition]string{p: "1.BQEC"}); err != nil {
		t.Fatal(err)
	}
	one.mu.Lock()
	one.replaced = true // what it commits as it goes may be refused
	one.mu.Unlock()
	two := work(t, c, things, kafka.MemberConfig{StaticID: "one", SessionTimeout: 6 * time.Second})
	two.await("the partition", owns(1))
	if got := two.Note(p); got != "1.BQEC" {
		t.Errorf("the successor reads %q", got)
	}
}

// A member that crashed, or is slow to give up, holds a rebalance up for as long
// as the group waits for it. The others must not feel it.
func TestCommitsAndLeavesDoNotWaitForAMemberThatHoldsTheRebalanceUp(t *testing.T) {
	for name, static := range map[string][]string{"dynamic": {"", "", ""}, "static": {"one", "two", "three"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, config(brokers(t, 1)))
			things := topic(t, c, 4)
			cfg := func(n int) kafka.MemberConfig {
				return kafka.MemberConfig{Protocol: kafka.ProtocolClassic, StaticID: static[n]} // the group waits a minute
			}
			one, slow := work(t, c, things, cfg(0)), work(t, c, things, cfg(1))
			one.await("half of the partitions", owns(2))
			slow.await("half of the partitions", owns(2))
			slow.mu.Lock() // take and revoked block
			var once sync.Once
			unblock := func() { once.Do(slow.mu.Unlock) }
			t.Cleanup(unblock)
			write(t, producer(t, c), numbered(things, 100)...)
			three := work(t, c, things, cfg(2))
			commits(t, one, 3*time.Second)
			one.halt()
			if err := one.Leave(limit(t)); err != nil {
				t.Errorf("a member that is in a rebalance leaves: %v", err)
			}
			unblock()
			slow.await("half of the partitions", owns(2))
			three.await("half of the partitions", owns(2))
		})
	}
}

// commits commits again and again for a while; each must be quick.
func commits(t *testing.T, w *worker, long time.Duration) {
	t.Helper()
	for until := time.Now().Add(long); time.Now().Before(until); {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		w.mu.Lock() // none of these partitions goes meanwhile
		err := w.Commit(ctx, maps.Clone(w.next))
		w.mu.Unlock()
		cancel()
		if err != nil {
			t.Fatalf("a commit while others are waited for: %v", err)
		}
	}
}
