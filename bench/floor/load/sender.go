package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Order is what a sending process is told.
type Order struct {
	Topics Topics
	Shape  Shape
}

// Send is the whole of a sending process. It reads an Order, says that it is
// ready, reads the moment of the start in Unix nanoseconds, sends every record
// at its moment, or at once when that has passed, and says how late each was.
// It is a process of its own, so that nothing else of the load delays it.
func Send(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	var order Order
	if err := lines.Decode(&order); err != nil {
		return fmt.Errorf("load: order: %w", err)
	}
	client, err := sendingClient(order.Topics)
	if err != nil {
		return err
	}
	defer client.Close()
	s := &sending{plan: Plan(order.Shape), client: client}
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	fmt.Fprintln(out, `"ready"`)
	var start int64
	if err := lines.Decode(&start); err != nil {
		return fmt.Errorf("load: start: %w", err)
	}
	lags, err := s.send(ctx, time.Unix(0, start))
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(lags)
}

func sendingClient(topics Topics) (*kgo.Client, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(topics.Seeds...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(1<<20),
		kgo.DefaultProduceTopic(topics.In),
	)
	if err != nil {
		return nil, fmt.Errorf("load: sender of %s: %w", strings.Join(topics.Seeds, ","), err)
	}
	return client, nil
}

// sending is one schedule on its way.
type sending struct {
	plan   *Schedule
	client *kgo.Client
	failed atomic.Pointer[error] // the first record that was not taken
}

// send returns when every record is acknowledged.
func (s *sending) send(ctx context.Context, start time.Time) ([]time.Duration, error) {
	alarm, err := NewAlarm()
	if err != nil {
		return nil, err
	}
	defer alarm.Close()
	lags := make([]time.Duration, len(s.plan.At))
	for i := range s.plan.At {
		r := &kgo.Record{Key: s.plan.KeyOf(i), Value: s.plan.Value(i, start), Partition: s.plan.PartitionOf(i)}
		intended := start.Add(s.plan.At[i])
		if err := alarm.Until(intended); err != nil {
			return nil, err
		}
		lags[i] = time.Since(intended)
		s.client.Produce(ctx, r, s.acknowledged)
	}
	if err := s.client.Flush(ctx); err != nil {
		return nil, fmt.Errorf("load: flush: %w", err)
	}
	if err := s.failed.Load(); err != nil {
		return nil, fmt.Errorf("load: a record was not taken: %w", *err)
	}
	return lags, nil
}

func (s *sending) acknowledged(_ *kgo.Record, err error) {
	if err != nil {
		s.failed.CompareAndSwap(nil, &err)
	}
}
