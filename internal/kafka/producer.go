package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// Bounds of one Producer.
const (
	// deliveryTimeout is how long a record waits for its sending to begin.
	deliveryTimeout = 30 * time.Second
	// replicaTimeout is how long a broker waits for the other replicas until it says
	// so and is asked again. With answerTimeout it is how long the records on their way
	// to a broker that says nothing wait, though their partitions may be led by another
	// after two seconds. Shorter asks brokers again that are only slow.
	replicaTimeout     = 3 * time.Second
	maxBufferedRecords = 100_000
	maxBufferedBytes   = 64 << 20
	maxBatchBytes      = 1_000_012 // Kafka's own default; brokers refuse more unless told
	// endingRoom is what an event must be smaller by, so that it can become a
	// dead letter with all its bytes and the headers that say why.
	endingRoom = 16 << 10
)

// Errors of writing, beside ErrTooLarge and Kafka's own.
var (
	ErrFull        = errors.New("too many records wait for the brokers")
	ErrUnavailable = fmt.Errorf("no broker took the record within %s", deliveryTimeout)
)

// Producer writes records: idempotent, acknowledged by every in-sync replica,
// sent at once. Many goroutines may use it.
//
// The outcome told by done is final: with nil the record is in every in-sync
// replica; with an error it is not and will not be, except that Close leaves
// open what was sent and not answered. A record that never reached a connection
// is given up after 30 s. Once it may have reached a broker it is tried until
// its answer is known, for as long as it takes: giving it up would break the
// order and could write it twice. So whoever stops waiting earlier, as the
// gateway does, must take the record as possibly written, now or when the
// brokers are back.
type Producer struct {
	client   *kgo.Client
	metrics  *metrics
	patience patience
	written  *epochs // nil: no transactions
	rows     *rows
}

// NewProducer makes a Producer named what.
func (c *Cluster) NewProducer(what string) (*Producer, error) {
	return c.newProducer(what, false, rules{batchBytes: MaxEventBytes, crowded: true, bounded: true},
		kgo.MaxBufferedRecords(maxBufferedRecords), kgo.MaxBufferedBytes(maxBufferedBytes))
}

// NewPatientProducer makes a Producer that gives no record up while brokers are
// away: for whoever must not lose the order of what it wrote. What waits is
// bounded by the caller, and by nothing here: it must not be refused either. Its
// records name their partitions. One that brokers refuse as corrupt on its way is
// sent again, for 30 s.
func (c *Cluster) NewPatientProducer(what string) (*Producer, error) {
	return c.newProducer(what, true, rules{batchBytes: maxBatchBytes, corrupt: true, crowded: true}, kgo.MaxBufferedRecords(math.MaxInt32))
}

func (c *Cluster) newProducer(what string, endless bool, rules rules, bounds ...kgo.Opt) (*Producer, error) {
	client, err := c.newClient(what, append(bounds,
		kgo.ProducerBatchMaxBytes(int32(rules.batchBytes)),
		kgo.RecordPartitioner(newPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProduceRequestTimeout(replicaTimeout),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.UnknownTopicRetries(-1), // a broker that starts does not know its topics yet; the delivery timeout ends it
	)...)
	if err != nil {
		return nil, err
	}
	p := &Producer{client: client, metrics: c.metrics, patience: patience{endless: endless}}
	p.rows = newRows(p.try, p.tell, c.batchBytes, rules, c.deps.Log)
	return p, nil
}

// Write hands a record over and returns at once; done, which must be quick, is
// called once. Records of one partition are written in the order of Write, and
// when one fails, those of its partition waiting behind it fail with it.
func (p *Producer) Write(r *Record, done func(event.Source, error)) {
	out := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Time}
	if len(r.Headers) > 0 {
		out.Headers = make([]kgo.RecordHeader, len(r.Headers))
		for i := range r.Headers {
			out.Headers[i] = kgo.RecordHeader{Key: r.Headers[i].Name, Value: r.Headers[i].Value}
		}
	}
	p.send(out, done)
}

func (p *Producer) send(out *kgo.Record, done func(event.Source, error)) {
	if err := failpoint.Fail("kafka.produce.before"); err != nil { // a record, not handed to the client
		done(event.Source{}, err)
		return
	}
	p.rows.send(sending{record: out, done: done})
}

// try hands a record to the library.
func (p *Producer) try(s sending) {
	p.client.TryProduce(p.patience.context(), s.record, func(_ *kgo.Record, err error) {
		failpoint.Reach("kafka.produce.answered") // written or refused, its owner not told
		p.rows.answered(s, err)
	})
}

// tell tells the owner of a record what became of it.
func (p *Producer) tell(s sending, err error) {
	r := s.record
	if err != nil {
		p.metrics.writes.WithLabelValues("failed").Inc()
		s.done(event.Source{}, fmt.Errorf("write to topic %s: %w", r.Topic, readable(err)))
		return
	}
	p.metrics.written.Inc()
	if p.written != nil {
		p.written.note(r.ProducerID, r.ProducerEpoch)
	}
	s.done(event.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}, nil)
}

// readable names the errors that a room tells apart.
func readable(err error) error {
	switch {
	case errors.Is(err, kgo.ErrMaxBuffered):
		return ErrFull
	case errors.Is(err, context.DeadlineExceeded):
		return ErrUnavailable
	}
	return err
}

// Flush waits until every record handed over before is done.
func (p *Producer) Flush(ctx context.Context) error {
	for {
		if err := p.client.Flush(ctx); err != nil {
			return fmt.Errorf("%d records wait for the brokers: %w", p.client.BufferedProduceRecords(), err)
		}
		none := p.rows.waiting()
		if none == nil {
			return nil
		}
		select {
		case <-none:
		case <-ctx.Done():
			return fmt.Errorf("records wait behind others, or to be sent again: %w", ctx.Err())
		}
	}
}

// Close gives up what is not written yet; its done is called with an error. Flush first.
func (p *Producer) Close() {
	p.client.Close()
	p.rows.close()
	if l := p.patience.current.Load(); l != nil {
		l.cancel()
	}
}
