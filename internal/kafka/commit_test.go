package kafka_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/kafka"
	"betimes/internal/lab/fault"
)

// faulty stands between a test and brokers of its own.
func faulty(t *testing.T) (*fault.Proxy, *kafka.Cluster) {
	t.Helper()
	p, err := fault.NewProxy(brokers(t, 1), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, open(t, config(p.Addrs()))
}

// commitsTo says whether a request commits an offset.
func commitsTo(offset int64) func(kmsg.Request) bool {
	return func(r kmsg.Request) bool {
		c, is := r.(*kmsg.OffsetCommitRequest)
		return is && c.Topics[0].Partitions[0].Offset == offset
	}
}

func TestACommitIsMadeAsSoonAsTheGroupTakesOneAgain(t *testing.T) {
	for name, code := range map[string]int16{
		"the members join":          kerr.IllegalGeneration.Code,
		"the leader has not told":   kerr.RebalanceInProgress.Code,
		"KIP-848, the epoch is new": kerr.StaleMemberEpoch.Code,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, c := faulty(t)
			things := topic(t, c, 1)
			one := work(t, c, things, kafka.MemberConfig{})
			one.await("its partition", owns(1))
			next := map[kafka.Partition]int64{{Topic: things}: 7}

			h := proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Do: fault.Refuse, Code: code, Count: -1})
			if err := one.Commit(t.Context(), next); err == nil {
				t.Error("committed, although the group refuses")
			}
			if n := h.Hits(); n != 5 {
				t.Errorf("without a deadline it was tried %d times, want 5: then the room says what has finished by now", n)
			}
			h.Remove()

			const refusals = 100 // at the pace of other failures these would take more than a minute
			h = proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Do: fault.Refuse, Code: code, Count: refusals})
			if err := one.Commit(limit(t), next); err != nil {
				t.Error(err)
			}
			committed, err := c.Committed(limit(t), things)
			if n := h.Hits(); n != refusals || err != nil || committed[kafka.Partition{Topic: things}] != 7 {
				t.Errorf("refused %d times, committed %v, %v", n, committed, err)
			}
		})
	}
}

func TestACommitWithADeadlineWaitsForACoordinatorThatComesBack(t *testing.T) {
	proxy, c := faulty(t)
	things := topic(t, c, 1)
	one := work(t, c, things, kafka.MemberConfig{StaticID: "one"})
	one.await("its partition", owns(1))
	h := proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Do: fault.Drop, Count: -1})
	committed := make(chan error, 1)
	go func() { committed <- one.Commit(limit(t), map[kafka.Partition]int64{{Topic: things}: 7}) }()
	if err := h.Wait(limit(t)); err != nil {
		t.Fatal(err)
	}
	h.Remove()
	if err := <-committed; err != nil {
		t.Error(err)
	}
}

// With KIP-848 a member that is put out comes back under its old id.
func TestACommitIsNotTriedAgainOnceItsMemberWasPutOut(t *testing.T) {
	proxy, c := faulty(t)
	things := topic(t, c, 1)
	one := work(t, c, things, kafka.MemberConfig{Protocol: kafka.ProtocolConsumer, SessionTimeout: 6 * time.Second})
	one.await("its partition", owns(1))
	p := kafka.Partition{Topic: things}

	refused := proxy.Add(fault.Fault{When: commitsTo(5), Do: fault.Refuse, Code: kerr.StaleMemberEpoch.Code, Count: -1})
	late := make(chan error, 1)
	go func() { late <- one.Commit(limit(t), map[kafka.Partition]int64{p: 5}) }()
	if err := refused.Wait(limit(t)); err != nil {
		t.Fatal(err)
	}
	proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.ConsumerGroupHeartbeat}, Do: fault.Refuse, Code: kerr.FencedMemberEpoch.Code})
	one.await("its partition once more", func(w *worker) bool { return w.comings == 2 })
	if err := one.Commit(limit(t), map[kafka.Partition]int64{p: 10}); err != nil {
		t.Fatal(err)
	}
	refused.Remove()

	if err := <-late; err == nil || !strings.Contains(err.Error(), "not this member's any more") {
		t.Errorf("the commit of before ended with %v", err)
	}
	committed, err := c.Committed(limit(t), things)
	if err != nil || committed[p] != 10 {
		t.Errorf("the group is at %v (%v), want 10: what was done since must not be done again", committed, err)
	}
	if err := one.Commit(limit(t), map[kafka.Partition]int64{{Topic: things, Number: 3}: 5}); err == nil {
		t.Error("it commits a partition that it never had")
	}
}
