package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/failpoint"
)

// Commit says that everything below next is finished, and waits for the answer.
// With a deadline it is tried until then: whoever gives partitions up has no
// later commit.
func (m *Member) Commit(ctx context.Context, next map[Partition]int64) error {
	return m.CommitNoted(ctx, next, nil)
}

// CommitNoted commits with a note for each partition, of less than 4 KiB, which
// the partition's next owner reads with Note. Other clients ignore it.
func (m *Member) CommitNoted(ctx context.Context, next map[Partition]int64, notes map[Partition]string) error {
	if len(next) == 0 {
		return nil
	}
	return m.commitAs(ctx, m.claim(next), next, notes)
}

// commitAs commits as long as partitions are held as claimed.
func (m *Member) commitAs(ctx context.Context, c claim, next map[Partition]int64, notes map[Partition]string) error {
	_, patient := ctx.Deadline()
	for attempt := 1; ; attempt++ {
		// What the member is comes first: brokers refuse it once partitions can have gone.
		seat := m.Seat()
		err := m.holds(c)
		if err == nil {
			err = m.commit(ctx, seat, next, notes)
		}
		if err == nil {
			return nil
		}
		if !patient && attempt == commitAttempts || !passes(err) || !pause(ctx, commitPause(err, attempt)) {
			return fmt.Errorf("commit of group %s: %w", m.cfg.Group, err)
		}
	}
}

// commitRequest is one that carries what the member is to the group. The
// library's own commit waits while the member rejoins, and that takes as long as
// the group waits for a member that crashed; brokers take one meanwhile.
func commitRequest(s Seat, next map[Partition]int64, notes map[Partition]string) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = s.group, s.member, s.generation
	if s.instance != "" {
		req.InstanceID = &s.instance
	}
	topics := make(map[string][]kmsg.OffsetCommitRequestTopicPartition)
	for p, o := range next {
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = p.Number, o, -1, kmsg.StringPtr(notes[p])
		topics[p.Topic] = append(topics[p.Topic], part)
	}
	for name, parts := range topics {
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.Partitions = name, parts
		req.Topics = append(req.Topics, topic)
	}
	return req
}

// Note is what the newest commit of a partition was noted with when the
// partition was assigned; "" when there is none, or it cannot be read.
func (m *Member) Note(p Partition) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[p]
}

// Commit is what a group committed of a partition.
type Commit struct {
	Next int64  // offset to read
	Note string // beside it
}

// Commits asks what the group has committed of partitions, once no transaction
// is about to change it.
func (m *Member) Commits(ctx context.Context, parts []Partition) (map[Partition]Commit, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = m.cfg.Group, true
	for topic, numbers := range byTopic(parts) {
		one := kmsg.NewOffsetFetchRequestTopic()
		one.Topic, one.Partitions = topic, numbers
		req.Topics = append(req.Topics, one)
	}
	commits, err := ask(ctx, func() (map[Partition]Commit, error) {
		// The member's own client has just asked the group's coordinator; that of
		// questions may look for one that was killed for seconds.
		resp, err := req.RequestWith(ctx, m.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return nil, err
		}
		return commitsOf(resp)
	})
	if err != nil {
		return nil, fmt.Errorf("commits of group %s: %w", m.cfg.Group, err)
	}
	return commits, nil
}

func commitsOf(resp *kmsg.OffsetFetchResponse) (map[Partition]Commit, error) {
	all := make(map[Partition]Commit)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			id := Partition{t.Topic, p.Partition}
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("partition %s: %w", id, err)
			}
			c := Commit{Next: p.Offset}
			if p.Metadata != nil {
				c.Note = *p.Metadata
			}
			all[id] = c
		}
	}
	return all, nil
}

// readNotes asks for the notes of partitions that are about to be assigned at
// these offsets. An exact member does not begin without.
func (m *Member) readNotes(ctx context.Context, offsets map[string]map[int32]kgo.Offset) error {
	asked := ctx
	if !m.cfg.Exact {
		var cancel context.CancelFunc
		asked, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	var parts []Partition
	for topic, numbers := range offsets {
		for n := range numbers {
			parts = append(parts, Partition{topic, n})
		}
	}
	commits, err := m.Commits(asked, parts)
	for err != nil && m.cfg.Exact && pause(ctx, retryBackoffMax) {
		commits, err = m.Commits(ctx, parts)
	}
	if err != nil {
		m.cluster.deps.Log.Warn("notes of the group are not read, some events may be done again", "group", m.cfg.Group, "error", err)
		if m.cfg.Exact {
			return err
		}
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, c := range commits {
		m.notes[p] = c.Note
		if at := offsets[p.Topic][p.Number].EpochOffset().Offset; m.cfg.Exact && c.Next >= 0 && c.Next != at {
			return fmt.Errorf("group %s: partition %s was committed at %d and then at %d", m.cfg.Group, p, at, c.Next)
		}
	}
	return nil
}

const (
	commitAttempts = 5
	// commitAgain is the pause after a group has refused a commit because it
	// rebalances: it takes one as soon as that is over, and what has finished
	// meanwhile is done again if this process dies before.
	commitAgain = 25 * time.Millisecond
)

// commitPause is how long to wait after a commit was refused.
func commitPause(err error, attempt int) time.Duration {
	if rebalances(err) {
		return commitAgain
	}
	return retryBackoff(attempt)
}

// rebalances says whether a commit was refused because it crosses a rebalance, or
// with KIP-848 a change of the member's epoch. With the classic protocol the group
// takes none from when all have joined until their leader has told it who has what.
func rebalances(err error) bool {
	return errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.StaleMemberEpoch)
}

// passes says whether a commit may be repeated: a rebalance ends; a coordinator
// that starts has its offsets a little later. One that was killed is asked until
// the others have another.
func passes(err error) bool {
	if _, away := errors.AsType[*net.OpError](err); away || kgo.IsRetryableBrokerErr(err) {
		return true
	}
	return rebalances(err) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.NotCoordinator) || errors.Is(err, kerr.UnstableOffsetCommit)
}

// pause waits, and says no when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (m *Member) commit(ctx context.Context, seat Seat, next map[Partition]int64, notes map[Partition]string) error {
	if err := errors.Join(ctx.Err(), seat.taken()); err != nil {
		return err
	}
	if err := failpoint.Fail("kafka.commit.before"); err != nil { // offsets to commit, not sent
		return err
	}
	resp, err := commitRequest(seat, next, notes).RequestWith(ctx, m.client)
	failpoint.Reach("kafka.commit.answered") // the coordinator has answered, the room not told
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("topic %s partition %d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
