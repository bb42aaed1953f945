package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func transactions(t *testing.T, c *kafka.Cluster, id string) *kafka.Transactions {
	t.Helper()
	x := c.NewTransactions("test", kafka.TransactionsConfig{ID: id, Timeout: time.Minute})
	t.Cleanup(x.Close)
	return x
}

// seated is a member of a new group that has the partitions of a topic.
func seated(t *testing.T, c *kafka.Cluster, topic string) *kafka.Member {
	t.Helper()
	assigned := make(chan struct{})
	var once sync.Once
	m, err := c.NewMember(kafka.MemberConfig{
		Group: unused("group"), Topics: []string{topic}, Protocol: kafka.ProtocolClassic, StaticID: "seat", Exact: true,
		Assigned: func(map[kafka.Partition]int64) { once.Do(func() { close(assigned) }) },
	})
	if err != nil {
		t.Fatal(err)
	}
	polling, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for m.Poll(polling, func([]*event.Event) {}) == nil {
		}
	})
	t.Cleanup(func() { stop(); done.Wait(); m.Stop() })
	select {
	case <-assigned:
	case <-limit(t).Done():
		t.Fatal("no partitions")
	}
	return m
}

// in writes values in a transaction that is open then.
func in(t *testing.T, x *kafka.Transactions, topic string, values ...string) error {
	t.Helper()
	if err := x.Begin(limit(t)); err != nil {
		return err
	}
	var mu sync.Mutex
	var failed error
	for _, v := range values {
		x.Write(&kafka.Record{Topic: topic, Partition: 0, Value: []byte(v)}, func(_ event.Source, err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	if err := x.Flush(limit(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return failed
}

// committed reads what readers of committed records see.
func committed(t *testing.T, c *kafka.Cluster, topic string) []string {
	t.Helper()
	tail, err := c.NewTail(limit(t), kafka.TailConfig{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	var seen []string
	for !tail.CaughtUp() {
		events, err := tail.Poll(limit(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seen = append(seen, string(e.Value))
		}
	}
	return seen
}

func TestATransactionIsSeenWithItsOffsetsOrNotAtAll(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	from, to := topic(t, c, 1), topic(t, c, 1)
	m, x := seated(t, c, from), transactions(t, c, unused("id"))
	p := kafka.Partition{Topic: from}
	for i, step := range []struct {
		commit bool
		want   []string
		next   int64
	}{{true, []string{"0"}, 1}, {false, []string{"0"}, 1}, {true, []string{"0", "2"}, 3}} {
		if err := in(t, x, to, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		end := x.Abort
		if step.commit {
			end = func(ctx context.Context) error {
				return x.Commit(ctx, m.Seat(), map[kafka.Partition]int64{p: int64(i + 1)}, map[kafka.Partition]string{p: fmt.Sprint("note ", i)})
			}
		}
		if err := end(limit(t)); err != nil {
			t.Fatal(err)
		}
		commits, err := m.Commits(limit(t), []kafka.Partition{p}) // waits for the markers
		if err != nil {
			t.Fatal(err)
		}
		if got := committed(t, c, to); !slices.Equal(got, step.want) || commits[p].Next != step.next || commits[p].Note != fmt.Sprint("note ", step.next-1) {
			t.Errorf("after transaction %d: %v is seen, %+v committed", i, got, commits[p])
		}
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestBrokersWithoutTransactionVersion2DoTransactionsAndAreWarnedOf(t *testing.T) {
	seeds := brokers(t, 1)
	admin, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	const safeDowngrade = 2
	lower := kadm.FeatureUpdate{Feature: "transaction.version", MaxVersionLevel: 1, UpgradeType: safeDowngrade}
	done, err := kadm.NewClient(admin).UpdateFeatures(limit(t), false, lower)
	if err != nil || done["transaction.version"].Err != nil {
		t.Fatal(err, done)
	}
	var log lines
	c, err := kafka.Open(config(seeds), kafka.Deps{Pipeline: "test", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	from, to := topic(t, c, 1), topic(t, c, 1)
	m, x := seated(t, c, from), transactions(t, c, unused("id"))
	p := kafka.Partition{Topic: from}
	for i := range int64(3) {
		err := in(t, x, to, fmt.Sprint(i))
		if i == 1 {
			err = errors.Join(err, x.Abort(limit(t)))
		} else {
			err = errors.Join(err, x.Commit(limit(t), m.Seat(), map[kafka.Partition]int64{p: i + 1}, nil))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	commits, err := m.Commits(limit(t), []kafka.Partition{p})
	if err != nil {
		t.Fatal(err)
	}
	if got := committed(t, c, to); !slices.Equal(got, []string{"0", "2"}) || commits[p].Next != 3 {
		t.Errorf("%v is seen, %+v committed", got, commits[p])
	}
	x.Close()
	if !strings.Contains(log.String(), "transaction.version 2") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestWhoTakesATransactionalIDKeepsTheOneBeforeFromWriting(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	from, to, id := topic(t, c, 1), topic(t, c, 1), unused("id")
	m, before, after := seated(t, c, from), transactions(t, c, id), transactions(t, c, id)
	if err := errors.Join(before.Fence(limit(t)), in(t, before, to, "left open")); err != nil {
		t.Fatal(err)
	}
	if err := after.Fence(limit(t)); err != nil {
		t.Fatal(err)
	}
	next := map[kafka.Partition]int64{{Topic: from}: 1}
	err := before.Commit(limit(t), m.Seat(), next, nil)
	if err == nil {
		t.Error("the one before commits")
	}
	if err := before.Abort(limit(t)); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("the one before goes on: %v", err)
	}
	if err := errors.Join(in(t, after, to, "the other's"), after.Commit(limit(t), m.Seat(), next, nil)); err != nil {
		t.Error(err)
	}
	if _, err := m.Commits(limit(t), []kafka.Partition{{Topic: from}}); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, c, to); !slices.Equal(got, []string{"the other's"}) {
		t.Errorf("%v is seen", got)
	}
}

func TestOffsetsOfASeatThatTheGroupHasGoneBeyondAreRefused(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	from, to := topic(t, c, 1), topic(t, c, 1)
	m, x := seated(t, c, from), transactions(t, c, unused("id"))
	old := m.Seat()
	if err := m.Leave(limit(t)); err != nil {
		t.Fatal(err)
	}
	next := map[kafka.Partition]int64{{Topic: from}: 1}
	for name, seat := range map[string]kafka.Seat{"of a member that is not in the group": {}, "of a member that has left": old} {
		if err := in(t, x, to, name); err != nil {
			t.Fatal(err)
		}
		if err := x.Commit(limit(t), seat, next, nil); !errors.Is(err, kafka.ErrSeat) {
			t.Errorf("%s: %v", name, err)
		}
		if err := x.Abort(limit(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := committed(t, c, to); len(got) > 0 {
		t.Errorf("%v is seen", got)
	}
}

func TestReadersOfMuchSeeNothingThatWasAborted(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	from, to := topic(t, c, 1), topic(t, c, 6)
	m, x := seated(t, c, from), transactions(t, c, unused("id"))
	large := make([]byte, 100_000)
	for i := range 20 {
		if err := x.Begin(limit(t)); err != nil {
			t.Fatal(err)
		}
		for part := range int32(6) {
			for range 5 {
				x.Write(&kafka.Record{Topic: to, Partition: part, Value: large, Key: fmt.Append(nil, i)}, func(event.Source, error) {})
			}
		}
		err := x.Flush(limit(t))
		if i%2 == 0 {
			err = errors.Join(err, x.Commit(limit(t), m.Seat(), map[kafka.Partition]int64{{Topic: from}: int64(i)}, nil))
		} else {
			err = errors.Join(err, x.Abort(limit(t)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tail, err := c.NewTail(limit(t), kafka.TailConfig{Topics: []string{to}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	seen := map[string]int{}
	for !tail.CaughtUp() {
		events, err := tail.Poll(limit(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seen[string(e.Key)]++
		}
	}
	for i := range 20 {
		if want := 30 * ((i + 1) % 2); seen[fmt.Sprint(i)] != want {
			t.Errorf("of transaction %d %d records are seen, want %d", i, seen[fmt.Sprint(i)], want)
		}
	}
}
