package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
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
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for p, o := range next {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.Topic][p.Number] = kgo.EpochOffset{Epoch: -1, Offset: o}
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error { return addNotes(req, notes) })
	_, patient := ctx.Deadline()
	for attempt := 1; ; attempt++ {
		err := m.commit(ctx, offsets)
		if err == nil {
			return nil
		}
		if !patient && attempt == commitAttempts || !passes(err) || !pause(ctx, retryBackoff(attempt)) {
			return fmt.Errorf("commit of group %s: %w", m.cfg.Group, err)
		}
	}
}

// addNotes puts the notes into a request that the library made.
func addNotes(req *kmsg.OffsetCommitRequest, notes map[Partition]string) error {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			note := notes[Partition{t.Topic, t.Partitions[j].Partition}]
			t.Partitions[j].Metadata = &note
		}
	}
	return nil
}

// Note is what the newest commit of a partition was noted with when the
// partition was assigned; "" when there is none, or it cannot be read.
func (m *Member) Note(p Partition) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[p]
}

// readNotes asks for the notes of partitions that are about to be assigned.
func (m *Member) readNotes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// The member's own client has just asked the group's coordinator; that of
	// questions may look for one that was killed for seconds.
	committed, err := kadm.NewClient(m.client).FetchOffsets(ctx, m.cfg.Group)
	if err != nil {
		m.cluster.deps.Log.Warn("notes of the group are not read, some events may be done again", "group", m.cfg.Group, "error", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	committed.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil {
			m.notes[Partition{o.Topic, o.Partition}] = o.Metadata
		}
	})
}

const commitAttempts = 5

// passes says whether a commit may be repeated: KIP-848 before Kafka 4.3
// refuses one that crosses a change of the member's epoch, a coordinator that
// starts has its offsets a little later. One that was killed is asked until the
// others have another.
func passes(err error) bool {
	if _, away := errors.AsType[*net.OpError](err); away || kgo.IsRetryableBrokerErr(err) {
		return true
	}
	return errors.Is(err, kerr.StaleMemberEpoch) || errors.Is(err, kerr.CoordinatorLoadInProgress) ||
		errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.NotCoordinator) || errors.Is(err, kerr.UnstableOffsetCommit)
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

func (m *Member) commit(ctx context.Context, offsets map[string]map[int32]kgo.EpochOffset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := failpoint.Fail("kafka.commit.before"); err != nil { // offsets to commit, not sent
		return err
	}
	var failed error
	m.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err != nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					failed = fmt.Errorf("topic %s partition %d: %w", t.Topic, p.Partition, err)
				}
			}
		}
	})
	failpoint.Reach("kafka.commit.answered") // the coordinator has answered, the room not told
	return failed
}
