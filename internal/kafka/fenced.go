package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// epochErrors say that the producer's epoch is not the newest, or that its
// transaction is not open: the coordinator aborted it, or another took its id.
var epochErrors = []error{
	kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping, kerr.UnknownProducerID,
	kerr.OutOfOrderSequenceNumber, kerr.TransactionCoordinatorFenced,
}

// refusals are what repeating does not mend.
var refusals = []error{
	kerr.TransactionalIDAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed,
	kerr.InvalidTransactionTimeout, kerr.OffsetMetadataTooLarge, kerr.UnsupportedVersion, kerr.SaslAuthenticationFailed,
}

func oneOf(err error, all []error) bool {
	return slices.ContainsFunc(all, func(one error) bool { return errors.Is(err, one) })
}

// judge names the errors that repeating does not mend.
func (t *Transactions) judge(ctx context.Context, err error) error {
	t.suspect(err)
	switch {
	case errors.Is(err, kerr.FencedInstanceID),
		errors.Is(err, kerr.ProducerFenced) && t.replaced(ctx):
		return fmt.Errorf("transactional id %s: %w (%w)", t.cfg.ID, ErrFenced, err)
	case oneOf(err, refusals):
		return fmt.Errorf("transactional id %s: %w: %w", t.cfg.ID, ErrRefused, err)
	}
	return err
}

// judgeWrite tells what is wrong with a record from what is wrong with the
// transaction, which others of it suffer from too.
func (t *Transactions) judgeWrite(err error) error {
	ke, is := errors.AsType[*kerr.Error](err)
	if !is || ke.Retriable || errors.Is(err, ErrTooLarge) {
		return err
	}
	if t.suspect(err) || errors.Is(err, kerr.TransactionAbortable) || errors.Is(err, kerr.UnknownServerError) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// suspect notes an error of the epoch: the producer sends nothing more then, not
// even the end of its transaction, which might be another's by now.
func (t *Transactions) suspect(err error) bool {
	if !oneOf(err, epochErrors) {
		return false
	}
	t.mu.Lock()
	t.outdated = true
	t.fenced = t.fenced || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced)
	t.mu.Unlock()
	return true
}

// replaced says whether another process has taken the transactional id, when the
// epoch is not the newest: either so shortly after it was the newest that no
// transaction can have run out of time, or the coordinator knows more than that
// one was aborted.
func (t *Transactions) replaced(ctx context.Context) bool {
	t.mu.Lock()
	fenced, recent := t.fenced && !t.unsure, time.Since(t.known) < t.cfg.Timeout
	t.mu.Unlock()
	if !fenced || recent {
		return fenced
	}
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{t.cfg.ID}
	resp, err := req.RequestWith(ctx, t.cluster.client)
	if err != nil || len(resp.TransactionStates) != 1 || resp.TransactionStates[0].ErrorCode != 0 {
		return false // a second time within the timeout will tell
	}
	switch resp.TransactionStates[0].State {
	case "Ongoing", "PrepareCommit", "CompleteCommit":
		return true
	}
	return false
}
