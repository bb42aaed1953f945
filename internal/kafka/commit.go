package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Commit says that everything below next is finished, and waits for the answer.
func (m *Member) Commit(ctx context.Context, next map[Partition]int64) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for p, o := range next {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.Topic][p.Number] = kgo.EpochOffset{Epoch: -1, Offset: o}
	}
	for attempt := 1; ; attempt++ {
		err := m.commit(ctx, offsets)
		if err == nil {
			return nil
		}
		if attempt == commitAttempts || !passes(err) || !pause(ctx, retryBackoff(attempt)) {
			return fmt.Errorf("commit of group %s: %w", m.cfg.Group, err)
		}
	}
}

const commitAttempts = 5

// passes says whether a commit may be repeated: KIP-848 before Kafka 4.3
// refuses one that crosses a change of the member's epoch, a coordinator that
// starts has its offsets a little later.
func passes(err error) bool {
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
	return failed
}
