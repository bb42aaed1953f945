package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/fault"
)

// sharer is a member of a share group of which a test polls.
type sharer struct {
	*kafka.ShareMember
	t *testing.T
}

func share(t *testing.T, c *kafka.Cluster, things string) sharer {
	t.Helper()
	m, err := c.NewShareMember(kafka.MemberConfig{Group: things, Topics: []string{things}, Protocol: kafka.ProtocolShare, From: "earliest"})
	if err != nil {
		t.Fatal(err)
	}
	return sharer{m, t}
}

// leave must not fail.
func (s sharer) leave() {
	s.t.Helper()
	if err := s.Leave(limit(s.t)); err != nil {
		s.t.Error(err)
	}
}

// poll gives the events of polls until there are n.
func (s sharer) poll(n int) (all []*event.Event) {
	s.t.Helper()
	for len(all) < n {
		if err := s.Poll(limit(s.t), func(events []*event.Event) { all = append(all, events...) }); err != nil {
			s.t.Fatalf("after %d of %d events: %v", len(all), n, err)
		}
	}
	return all
}

// none polls for a while and wants nothing.
func (s sharer) none(while time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), while)
	defer cancel()
	for ctx.Err() == nil {
		_ = s.Poll(ctx, func(events []*event.Event) {
			for _, e := range events {
				s.t.Errorf("%s was given although another has it or it is done", e.Source)
				s.Release(e)
			}
		})
	}
}

// TestWhatAShareMemberHasNotAcceptedComesAgain notices should the library
// accept at a poll what the poll before returned.
func TestWhatAShareMemberHasNotAcceptedComesAgain(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 2)
	p := producer(t, c)
	one := share(t, c, things)
	write(t, p, numbered(things, 10)...)
	first := one.poll(10)
	done := map[event.Source]bool{}
	for i, e := range first {
		if e.Attempts != 0 {
			t.Errorf("%s was delivered %d times before", e.Source, e.Attempts)
		}
		if i%2 == 0 {
			one.Accept(e)
			done[e.Source] = true
		}
	}
	for range 3 { // more polls: what is in work must stay so
		write(t, p, numbered(things, 1)...)
		for _, e := range one.poll(1) {
			one.Accept(e)
		}
	}
	if err := one.Flush(limit(t)); err != nil {
		t.Error(err)
	}
	one.leave()

	two := share(t, c, things)
	for _, e := range two.poll(5) {
		if done[e.Source] || e.Attempts != 1 {
			t.Errorf("%s was accepted (%t), and delivered %d times before; want only what was not, once before", e.Source, done[e.Source], e.Attempts)
		}
		two.Accept(e)
	}
	two.none(time.Second)
	two.leave()
}

func TestALockIsRenewedWhileAnEventIsInWork(t *testing.T) {
	const lock = 5 * time.Second // a machine that lets nothing run for two thirds of it is too busy for this
	c := open(t, config(brokers(t, 1)))
	if !strings.HasPrefix(t.Name(), onReal) { // real ones were started so
		for name, value := range map[string]string{"group.share.record.lock.duration.ms": "5000", "share.record.lock.sweep.interval.ms": "100"} {
			if err := c.SetBrokers(limit(t), name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	things := topic(t, c, 1)
	write(t, producer(t, c), numbered(things, 3)...)
	one, two := share(t, c, things), share(t, c, things)
	held := one.poll(3)
	two.none(lock + time.Second)
	for _, e := range held {
		one.Accept(e)
	}
	if err := one.Flush(limit(t)); err != nil {
		t.Error(err)
	}
	one.leave()
	two.none(time.Second)
	two.leave()
}

func TestDeliveriesThatCannotBeSetAreThoseOfTheBrokers(t *testing.T) {
	proxy, c := faulty(t)
	if err := c.SetBrokers(limit(t), "group.share.delivery.count.limit", "3"); err != nil {
		t.Fatal(err)
	}
	proxy.Add(fault.Fault{When: setsDeliveries, Do: fault.Refuse, Code: kerr.InvalidConfig.Code, Count: -1})
	things := topic(t, c, 1)
	write(t, producer(t, c), numbered(things, 1)...)
	m := share(t, c, things)
	e := m.poll(1)[0]
	if left := m.Left(e); left != 2 {
		t.Errorf("after the first of three deliveries %d are left", left)
	}
	m.Accept(e)
	m.leave()
}

// setsDeliveries says whether a request sets how often an event is delivered.
func setsDeliveries(r kmsg.Request) bool {
	alter, is := r.(*kmsg.IncrementalAlterConfigsRequest)
	return is && alter.Resources[0].Configs[0].Name == "share.delivery.count.limit"
}

func TestAShareGroupBeginsAtTheLogsEnds(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	_, err := c.NewShareMember(kafka.MemberConfig{Group: "g", Topics: []string{"t"}, From: "2026-01-31T12:00:00Z"})
	if err == nil || !strings.Contains(err.Error(), "neither earliest nor latest") {
		t.Errorf("from a time: %v", err)
	}
}
