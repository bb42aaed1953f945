package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/failpoint"
)

// Commit ends the transaction: its records, all of them acknowledged, become
// visible, and with them the next offsets to read and their notes, as a member
// in that seat. At least one record must have been written.
func (t *Transactions) Commit(ctx context.Context, seat Seat, next map[Partition]int64, notes map[Partition]string) error {
	if err := seat.taken(); err != nil {
		return err
	}
	p := t.current()
	if p == nil {
		return fmt.Errorf("commit a transaction: %w", kgo.ErrClientClosed)
	}
	failpoint.Reach("kafka.transaction.before") // its records are written, offsets not sent
	if err := t.addOffsets(ctx, p, seat, offsetsOf(next, notes)); err != nil {
		return fmt.Errorf("offsets of a transaction: %w", t.judge(ctx, err))
	}
	failpoint.Reach("kafka.transaction.offsets") // it holds the offsets, its end is not asked for
	err := p.client.EndTransaction(ctx, kgo.TryCommit)
	failpoint.Reach("kafka.transaction.ended") // committed or not, the room is not told
	switch {
	case err == nil:
		t.taken() // its own transaction, and nobody else's
		return nil
	case errors.Is(err, kerr.OperationNotAttempted), errors.Is(err, kerr.TransactionAbortable):
		return fmt.Errorf("commit a transaction: %w", err)
	}
	err = t.judge(ctx, err)
	t.mu.Lock()
	t.unsure = true
	t.mu.Unlock()
	return fmt.Errorf("commit a transaction: %w: %w", ErrUnsure, err)
}

// Abort ends the transaction: nothing of it will be visible, unless Commit was
// unsure and had done it. It returns once that is certain.
func (t *Transactions) Abort(ctx context.Context) error {
	if t.abort(ctx) {
		return nil
	}
	if t.replaced(ctx) {
		return fmt.Errorf("abort a transaction: transactional id %s: %w", t.cfg.ID, ErrFenced)
	}
	t.giveUp()
	return t.Fence(ctx) // a new epoch ends it
}

// abort tries to end the transaction with the producer that began it.
func (t *Transactions) abort(ctx context.Context) bool {
	p := t.current()
	t.mu.Lock()
	outdated := t.outdated
	t.mu.Unlock()
	if p == nil || outdated {
		return false
	}
	failpoint.Reach("kafka.transaction.abort") // to be aborted, brokers are not told
	p.rows.drop(kgo.ErrAborting)
	err := p.client.AbortBufferedRecords(ctx)
	if err == nil {
		err = p.client.EndTransaction(ctx, kgo.TryAbort)
	}
	if err == nil {
		err = idle(ctx, p.client)
	}
	if err != nil {
		t.suspect(err)
		t.cluster.deps.Log.Warn("transactional producer is made anew", "transactional_id", t.cfg.ID, "error", err)
	}
	return err == nil
}

// offsetsOf is the part of a request that says what is finished.
func offsetsOf(next map[Partition]int64, notes map[Partition]string) []kmsg.TxnOffsetCommitRequestTopic {
	byTopic := make(map[string]*kmsg.TxnOffsetCommitRequestTopic)
	for p, offset := range next {
		topic := byTopic[p.Topic]
		if topic == nil {
			one := kmsg.NewTxnOffsetCommitRequestTopic()
			one.Topic = p.Topic
			topic, byTopic[p.Topic] = &one, &one
		}
		part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		note := notes[p]
		part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = p.Number, offset, -1, &note
		topic.Partitions = append(topic.Partitions, part)
	}
	topics := make([]kmsg.TxnOffsetCommitRequestTopic, 0, len(byTopic))
	for _, topic := range byTopic {
		topics = append(topics, *topic)
	}
	return topics
}

// addOffsets puts offsets into the open transaction. What passes by itself is
// tried again as long as ctx allows.
func (t *Transactions) addOffsets(ctx context.Context, p *Producer, seat Seat, topics []kmsg.TxnOffsetCommitRequestTopic) error {
	id, epoch, err := p.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	if !p.written.all(id, epoch) {
		return fmt.Errorf("records of the transaction have another epoch than %d of producer %d", epoch, id)
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = t.cfg.ID, id, epoch
	req.Group, req.MemberID, req.Generation = seat.group, seat.member, seat.generation
	if seat.instance != "" {
		req.InstanceID = &seat.instance
	}
	req.Topics = topics
	for attempt := 1; ; attempt++ {
		err := t.addGroup(ctx, p.client, seat.group, id, epoch)
		if err == nil {
			err = sendOffsets(ctx, p.client, req)
		}
		if err == nil || !settles(err) || !pause(ctx, retryBackoff(attempt)) {
			return err
		}
	}
}

// addGroup tells brokers without transaction.version 2 that offsets will come.
func (t *Transactions) addGroup(ctx context.Context, client *kgo.Client, group string, id int64, epoch int16) error {
	if t.version >= transactionVersion2 {
		return nil
	}
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = t.cfg.ID, id, epoch, group
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

func sendOffsets(ctx context.Context, client *kgo.Client, req *kmsg.TxnOffsetCommitRequest) error {
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			err := kerr.ErrorForCode(p.ErrorCode)
			if moved(err) {
				return fmt.Errorf("group %s: %w: %w", req.Group, ErrSeat, err)
			}
			if err != nil {
				return fmt.Errorf("topic %s partition %d: %w", topic.Topic, p.Partition, err)
			}
		}
	}
	return nil
}

// moved says whether the group has gone beyond a seat, or is about to.
func moved(err error) bool {
	return errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.StaleMemberEpoch) || errors.Is(err, kerr.UnknownMemberID) ||
		errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.GroupIDNotFound)
}

// settles says whether offsets of a transaction may be sent again: the
// coordinator moves or starts, or is busy with the transaction before.
func settles(err error) bool {
	return !errors.Is(err, ErrSeat) && (passes(err) || errors.Is(err, kerr.ConcurrentTransactions))
}
