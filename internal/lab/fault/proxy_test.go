package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
	"betimes/internal/lab/fault"
)

// limit is how long anything in these tests may take on a busy machine.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// real are the addresses of real brokers while the tests run on them.
var real []string

// onReal begins the names of tests on real brokers.
const onReal = "TestInteropTheProxy"

// brokers gives the addresses of three brokers, embedded or real, and a proxy before them.
func brokers(t *testing.T) (addrs []string, p *fault.Proxy) {
	t.Helper()
	if strings.HasPrefix(t.Name(), onReal) {
		return real, before(t, real[:1])
	}
	b, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Addrs(), before(t, b.Addrs()[:1])
}

// before puts a proxy before brokers.
func before(t *testing.T, seeds []string) *fault.Proxy {
	t.Helper()
	p, err := fault.NewProxy(seeds, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func open(t *testing.T, seeds []string) *kafka.Cluster {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = seeds
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// unused is a name that no other test has.
func unused(what string) string { return fmt.Sprintf("%s-%08x", what, rand.Uint32()) }

func topic(t *testing.T, c *kafka.Cluster, partitions int) string {
	t.Helper()
	name := unused("things")
	if err := c.EnsureTopics(limit(t), []kafka.TopicSpec{{Name: name, Partitions: partitions, ReplicationFactor: 3}}, true); err != nil {
		t.Fatal(err)
	}
	return name
}

// write writes records 0 to n-1 and waits until each is acknowledged.
func write(t *testing.T, c *kafka.Cluster, topic string, n int) {
	t.Helper()
	for i, err := range try(t, c, topic, n) {
		t.Errorf("record %d was refused: %v", i, err)
	}
}

// try writes records 0 to n-1, waits until each is answered, and returns those refused.
func try(t *testing.T, c *kafka.Cluster, topic string, n int) map[int]error {
	t.Helper()
	p, err := c.NewPatientProducer("test")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var mu sync.Mutex
	refused := map[int]error{}
	for i := range n {
		value := strconv.Itoa(i)
		p.Write(&kafka.Record{Topic: topic, Partition: kafka.ByKey, Key: []byte(value), Value: []byte(value)}, func(_ event.Source, err error) {
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				refused[i] = err
			}
		})
		if i%10 == 9 { // so that there are some requests
			if err := p.Flush(limit(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Flush(limit(t)); err != nil {
		t.Fatal(err)
	}
	return refused
}

// audit reads the topic: 0 to n-1, each once, rising within each partition.
func audit(t *testing.T, c *kafka.Cluster, topic string, n int) {
	t.Helper()
	seen := read(t, c, topic)
	for i := range n {
		if seen[i] != 1 {
			t.Errorf("record %d is in the topic %d times", i, seen[i])
		}
	}
}

// read tells how often each value is in the topic; they rise within each partition.
func read(t *testing.T, c *kafka.Cluster, topic string) map[int]int {
	t.Helper()
	ctx := limit(t)
	tail, err := c.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	seen, last := map[int]int{}, map[int32]int{}
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			i, err := strconv.Atoi(string(e.Value))
			if before, ok := last[e.Source.Partition]; err != nil || ok && i <= before {
				t.Errorf("at %s value %q follows %d", e.Source, e.Value, before)
			}
			last[e.Source.Partition] = i
			seen[i]++
		}
	}
	return seen
}

func TestAClientMeetsNoBrokerButThroughTheProxy(t *testing.T) {
	direct, p := brokers(t)
	c := open(t, p.Addrs())
	list, err := c.Brokers(limit(t))
	if err != nil || len(list) != 3 {
		t.Fatalf("brokers %v, %v", list, err)
	}
	for _, b := range list {
		if slices.Contains(direct, b.Addr) {
			t.Errorf("broker %d is told as %s, where it is itself", b.ID, b.Addr)
		}
	}
	name := topic(t, c, 6)
	seen := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Nodes: []int32{list[0].ID, list[1].ID, list[2].ID}, Count: -1, Do: fault.Delay})
	write(t, c, name, 100)
	audit(t, c, name, 100)
	if seen.Hits() == 0 {
		t.Error("no record went through the proxy")
	}
}

// on is a fault on records that are written, thrice, not at once.
func on(side fault.Side, do fault.Action) fault.Fault {
	return fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Skip: 2, Count: 3, On: side, Do: do, For: 20 * time.Millisecond}
}

func refuse(side fault.Side, code int16) fault.Fault {
	f := on(side, fault.Refuse)
	f.Code = code
	return f
}

func TestAProducerLosesAndRepeatsNothingWhen(t *testing.T) {
	for name, f := range map[string]fault.Fault{
		"requests are dropped":              on(fault.Request, fault.Drop),
		"answers are dropped":               on(fault.Response, fault.Drop),
		"requests are late":                 on(fault.Request, fault.Delay),
		"answers are late":                  on(fault.Response, fault.Delay),
		"requests come twice":               on(fault.Request, fault.Duplicate),
		"requests are cut off":              on(fault.Request, fault.Reset),
		"answers are cut off":               on(fault.Response, fault.Reset),
		"answers end too early":             on(fault.Response, fault.Truncate),
		"a leader is not one":               refuse(fault.Request, kerr.NotLeaderForPartition.Code),
		"replicas are too few, not written": refuse(fault.Request, kerr.NotEnoughReplicas.Code),
		"replicas are too few, but written": refuse(fault.Response, kerr.NotEnoughReplicasAfterAppend.Code),
		"time is out, but written":          refuse(fault.Response, kerr.RequestTimedOut.Code),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct, p := brokers(t)
			c := open(t, p.Addrs())
			name := topic(t, c, 3)
			h := p.Add(f)
			write(t, c, name, 100)
			if h.Hits() != f.Count {
				t.Errorf("%d requests were hit, want %d", h.Hits(), f.Count)
			}
			audit(t, open(t, direct), name, 100)
		})
	}
}

// Brokers check a sum over each batch; what they refuse for it is sent again, or told as refused.
func TestWhatIsSpoiltOnItsWayIsWrittenOnceOrRefused(t *testing.T) {
	for name, f := range map[string]fault.Fault{
		"bits of records are turned over": on(fault.Request, fault.Flip),
		"requests end too early":          on(fault.Request, fault.Truncate),
		"a broker says that it was":       refuse(fault.Request, kerr.CorruptMessage.Code),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct, p := brokers(t)
			c := open(t, p.Addrs())
			name := topic(t, c, 3)
			h := p.Add(f)
			refused := try(t, c, name, 100)
			if h.Hits() != f.Count {
				t.Errorf("%d requests were hit, want %d", h.Hits(), f.Count)
			}
			seen := read(t, open(t, direct), name)
			for i := range 100 {
				if want := refused[i] == nil; seen[i] > 1 || seen[i] == 1 != want {
					t.Errorf("record %d is in the topic %d times; refused: %v", i, seen[i], refused[i])
				}
			}
		})
	}
}

// One way is silent: nothing comes back while it is, all of it afterwards.
func TestWhatIsHeldIsDeliveredWhenTheFaultEnds(t *testing.T) {
	for name, side := range map[string]fault.Side{"requests": fault.Request, "answers": fault.Response} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct, p := brokers(t)
			c := open(t, p.Addrs())
			name := topic(t, c, 1)
			h := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: -1, On: side, Do: fault.Hold})
			done := make(chan struct{})
			go func() { defer close(done); write(t, c, name, 10) }()
			if err := h.Wait(limit(t)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-done:
				t.Error("it was acknowledged although nothing came through")
			default:
			}
			h.Remove()
			<-done
			audit(t, open(t, direct), name, 10)
		})
	}
}

func TestAFaultHitsWhatItNames(t *testing.T) {
	_, p := brokers(t)
	c := open(t, p.Addrs())
	name := topic(t, c, 3)
	other := p.Add(fault.Fault{Client: "nobody", Count: -1, Do: fault.Drop})
	unknown := p.Add(fault.Fault{Nodes: []int32{99}, Count: -1, Do: fault.Drop})
	third := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Every: 3, Count: -1, Do: fault.Delay})
	when := p.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Client: "test", Count: -1, Do: fault.Delay, When: func(r kmsg.Request) bool {
		return slices.ContainsFunc(r.(*kmsg.ProduceRequest).Topics, func(t kmsg.ProduceRequestTopic) bool { return len(t.Partitions) > 0 })
	}})
	write(t, c, name, 50)
	if third.Hits() == 0 || third.Hits() > (when.Hits()+third.Hits()+2)/3 {
		t.Errorf("one of three is %d of %d", third.Hits(), when.Hits()+third.Hits())
	}
	if other.Hits() != 0 || unknown.Hits() != 0 || when.Hits() == 0 {
		t.Errorf("hits %d, %d, %d; want none, none, some", other.Hits(), unknown.Hits(), when.Hits())
	}
	when.Remove()
	before := when.Hits()
	write(t, c, name, 10)
	if when.Hits() != before {
		t.Error("a fault that was removed hits")
	}
}

// A commit whose answer is lost is repeated; a member that is told to go away
// comes back. What was committed is never beyond what was read.
func TestAMemberGoesOnWhen(t *testing.T) {
	for name, f := range map[string]fault.Fault{
		"answers to commits are dropped":    {Keys: []kmsg.Key{kmsg.OffsetCommit}, Count: 2, On: fault.Response, Do: fault.Drop},
		"commits are dropped":               {Keys: []kmsg.Key{kmsg.OffsetCommit}, Count: 2, Do: fault.Drop},
		"commits come twice":                {Keys: []kmsg.Key{kmsg.OffsetCommit}, Count: 2, Do: fault.Duplicate},
		"the coordinator is another":        {Keys: []kmsg.Key{kmsg.OffsetCommit}, Count: 2, Do: fault.Refuse, Code: kerr.NotCoordinator.Code},
		"the coordinator is not found":      {Keys: []kmsg.Key{kmsg.FindCoordinator}, Count: 2, Do: fault.Refuse, Code: kerr.CoordinatorNotAvailable.Code},
		"fetches are dropped":               {Keys: []kmsg.Key{kmsg.Fetch}, Skip: 2, Count: 3, On: fault.Response, Do: fault.Drop},
		"fetches are cut off":               {Keys: []kmsg.Key{kmsg.Fetch}, Skip: 2, Count: 3, On: fault.Response, Do: fault.Reset},
		"heartbeats are dropped":            {Keys: []kmsg.Key{kmsg.Heartbeat}, Count: 2, Do: fault.Drop},
		"the group rebalances for no cause": {Keys: []kmsg.Key{kmsg.Heartbeat}, Count: 1, Do: fault.Refuse, Code: kerr.RebalanceInProgress.Code},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct, p := brokers(t)
			name := topic(t, open(t, direct), 3)
			write(t, open(t, direct), name, 100)
			h := p.Add(f)
			group := unused("group")
			consume(t, open(t, p.Addrs()), name, group, h)
			committed, err := open(t, direct).Committed(limit(t), group)
			var sum int64
			for _, o := range committed {
				sum += o
			}
			if err != nil || sum != 100 {
				t.Errorf("committed %v, %v; want 100 in all", committed, err)
			}
		})
	}
}

// consume reads 100 records in a group and commits after each fetch, until the fault has hit.
func consume(t *testing.T, c *kafka.Cluster, topic, group string, h *fault.Handle) {
	t.Helper()
	const n = 100
	ctx := limit(t)
	m, err := c.NewMember(kafka.MemberConfig{Group: group, Topics: []string{topic}, StaticID: "one", SessionTimeout: 6 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	seen, next := map[string]bool{}, map[kafka.Partition]int64{}
	for len(seen) < n || h.Hits() == 0 {
		polling, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		err := m.Poll(polling, func(events []*event.Event) {
			for _, e := range events {
				seen[string(e.Value)] = true
				next[kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}] = e.Source.Offset + 1
			}
		})
		quiet := polling.Err() != nil
		cancel()
		if ctx.Err() != nil || err != nil && !quiet {
			t.Fatal(fmt.Errorf("%d of %d were read: %w", len(seen), n, err))
		}
		if err := m.Commit(ctx, next); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Leave(ctx); err != nil {
		t.Error(err)
	}
}
