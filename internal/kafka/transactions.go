package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// How a transaction may fail. Any other error says that nothing of it is
// visible: abort it and write again.
var (
	// ErrSeat says that the group has moved on, or that the member is not in it
	// now. The transaction is open: commit with a newer seat, or abort.
	ErrSeat = errors.New("the group does not take the offsets")
	// ErrUnsure says that the transaction may be committed or not. After Abort it
	// is settled, and the group's committed offsets tell which.
	ErrUnsure = errors.New("the outcome of the transaction is not known")
	// ErrFenced says that another process has taken this one's place.
	ErrFenced = errors.New("another process has this one's transactional id or member name; this one must not write any more")
	// ErrRefused says that the brokers will not do it, however often they are asked.
	ErrRefused = errors.New("the brokers refuse")
)

// TransactionsConfig is one transactional producer.
type TransactionsConfig struct {
	// ID is stable: a process that starts with it ends what one before it has
	// left open, and keeps that one from writing again.
	ID string
	// Timeout is how long a transaction may stay open. Those who read committed
	// records, and the next owners of its partitions, wait that long for one
	// that a killed process left behind.
	Timeout time.Duration
}

// Transactions writes records in transactions: who reads committed records sees
// all of one or none, and the group's offsets move with them. One at a time:
// Begin, Write …, Flush, then Commit or Abort. Only Write may be called by many
// goroutines.
type Transactions struct {
	cluster *Cluster
	what    string
	cfg     TransactionsConfig

	mu       sync.Mutex
	producer *Producer // nil: not open, or given up
	version  int16     // of the feature transaction.version
	outdated bool      // its epoch is not the newest, or its transaction is not open
	fenced   bool      // the former
	unsure   bool      // the end of its transaction was sent and not answered
	known    time.Time // when brokers last took an epoch for the newest
	closed   bool
}

// NewTransactions makes a transactional producer named what. Nothing is
// connected yet.
func (c *Cluster) NewTransactions(what string, cfg TransactionsConfig) *Transactions {
	return &Transactions{cluster: c, what: what, cfg: cfg}
}

// Fence takes the transactional id over: a transaction left open under it is
// aborted, and whoever used it cannot write any more.
func (t *Transactions) Fence(ctx context.Context) error {
	p, err := t.open(ctx)
	if err != nil {
		return err
	}
	failpoint.Reach("kafka.transaction.fence") // what a process before has left open is not ended
	if err := idle(ctx, p.client); err != nil {
		return t.judge(ctx, err)
	}
	t.taken()
	return nil
}

// taken notes that brokers take the epoch for the newest.
func (t *Transactions) taken() {
	t.mu.Lock()
	t.known = time.Now()
	t.mu.Unlock()
}

// idle waits until the producer has its id; the library does that by itself
// with the first record only.
func idle(ctx context.Context, client *kgo.Client) error {
	_, _, err := client.ProducerID(ctx)
	return err
}

// open gives the producer, made anew when there is none.
func (t *Transactions) open(ctx context.Context) (*Producer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, fmt.Errorf("transactions of %s: %w", t.cfg.ID, kgo.ErrClientClosed)
	}
	if t.producer != nil {
		return t.producer, nil
	}
	version, err := t.cluster.TransactionVersion(ctx)
	if err != nil {
		return nil, err
	}
	t.version = version
	t.cluster.metrics.transactionVersion.WithLabelValues().Set(float64(version))
	if version < transactionVersion2 {
		t.cluster.deps.Log.Warn("the brokers lack transaction.version 2 (KIP-890, Kafka 4.0): a delayed request can tear a transaction; upgrade them, or consumers should drop duplicates by betimes-id",
			"transaction_version", version)
	}
	p, err := t.cluster.newProducer(t.what, true, rules{batchBytes: maxBatchBytes}, kgo.MaxBufferedRecords(math.MaxInt32),
		kgo.TransactionalID(t.cfg.ID), kgo.TransactionTimeout(t.cfg.Timeout), kgo.MaxVersions(t.versions()))
	if err != nil {
		return nil, err
	}
	p.written = &epochs{}
	t.producer, t.outdated, t.fenced, t.unsure = p, false, false, false
	return p, nil
}

// The key of TxnOffsetCommit, and its versions: the fifth adds the group to the
// transaction by itself, which needs transaction.version 2; the sixth names
// topics by an id that we do not keep.
const (
	keyTxnOffsetCommit       = 28
	addsGroupItself          = 5
	needsGroupAdded    int16 = 4
)

// versions bounds the requests to what goes together.
func (t *Transactions) versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(keyTxnOffsetCommit, addsGroupItself)
	if t.version < transactionVersion2 {
		v.SetMaxKeyVersion(keyTxnOffsetCommit, needsGroupAdded)
	}
	return v
}

// Begin opens a transaction; brokers learn of it with its first record.
func (t *Transactions) Begin(ctx context.Context) error {
	p, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := p.client.BeginTransaction(); err != nil {
		t.giveUp()
		return fmt.Errorf("begin a transaction: %w", t.judge(ctx, err))
	}
	p.written.begin()
	return nil
}

// Write hands a record of the open transaction over, as Producer.Write does.
func (t *Transactions) Write(r *Record, done func(event.Source, error)) {
	p := t.current()
	if p == nil {
		done(event.Source{}, fmt.Errorf("write to topic %s: %w", r.Topic, kgo.ErrClientClosed))
		return
	}
	p.Write(r, func(src event.Source, err error) { done(src, t.judgeWrite(err)) })
}

// Flush waits until every record handed over before is done.
func (t *Transactions) Flush(ctx context.Context) error {
	if p := t.current(); p != nil {
		return p.Flush(ctx)
	}
	return nil
}

// current is the producer that is open, or nil.
func (t *Transactions) current() *Producer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.producer
}

// giveUp closes a producer that the brokers do not listen to any more: the next
// one begins with a new epoch, which ends what this one left open.
func (t *Transactions) giveUp() {
	t.mu.Lock()
	p := t.producer
	t.producer = nil
	t.mu.Unlock()
	if p != nil {
		p.Close()
	}
}

// Close gives up what is open; brokers abort it, at the latest after its timeout.
func (t *Transactions) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.giveUp()
}
