package load

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Topics are where a run's records go in and come out.
type Topics struct {
	Seeds   []string
	In, Out string
	More    []string // created beside them
}

// Sender sends the schedule from a moment on and tells how late each record was.
type Sender func(start time.Time) ([]time.Duration, error)

// Load is one run's collector.
type Load struct {
	plan    *Schedule
	topics  Topics
	checked bool
	client  *kgo.Client
}

// New creates the topics and begins to read the second one. checked says that
// outcomes hold the model's check value.
func New(ctx context.Context, topics Topics, plan *Schedule, checked bool) (*Load, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(topics.Seeds...),
		kgo.ConsumeTopics(topics.Out),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.DefaultProduceTopic(topics.In),
	)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	names := append([]string{topics.In, topics.Out}, topics.More...)
	created, err := kadm.NewClient(client).CreateTopics(ctx, plan.shape.Partitions, 1, nil, names...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("load: topics: %w", err)
	}
	return &Load{plan: plan, topics: topics, checked: checked, client: client}, nil
}

// Close frees the client.
func (l *Load) Close() { l.client.Close() }

// AwaitSystem sends probes until the system under test has answered one on
// every partition, then until nothing more comes: probes do not count.
func (l *Load) AwaitSystem(ctx context.Context) error {
	answered := map[int32]bool{}
	for len(answered) < int(l.plan.shape.Partitions) {
		if ctx.Err() != nil {
			return fmt.Errorf("load: %d of %d partitions answered a probe: %w", len(answered), l.plan.shape.Partitions, ctx.Err())
		}
		for p := range l.plan.shape.Partitions {
			if !answered[p] {
				probe := fmt.Appendf(nil, `{"ts":%d%s`, time.Now().UnixNano(), l.plan.floats[0])
				l.client.Produce(ctx, &kgo.Record{Key: []byte("probe"), Value: probe, Partition: p}, nil)
			}
		}
		l.poll(ctx, 200*time.Millisecond, func(r *kgo.Record) { answered[r.Partition] = true })
	}
	for more := true; more; {
		more = false
		l.poll(ctx, time.Second, func(*kgo.Record) { more = true })
	}
	return ctx.Err()
}

func (l *Load) poll(ctx context.Context, wait time.Duration, each func(*kgo.Record)) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	l.client.PollFetches(ctx).EachRecord(each)
}

// Run has the schedule sent and collects until everything is back, or until
// patience has passed since the last was sent. window is told when the measured
// part begins and when it ends.
func (l *Load) Run(outer context.Context, patience time.Duration, send Sender, window func(begins bool)) (Outcome, error) {
	start := time.Now().Add(200 * time.Millisecond)
	ledger := NewLedger(l.plan, start)
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	var lags []time.Duration
	sent := make(chan error, 1)
	go func() {
		var err error
		if lags, err = send(start); err != nil {
			cancel()
		}
		sent <- err
		time.AfterFunc(patience, cancel)
	}()
	begin, end := l.plan.window()
	time.AfterFunc(time.Until(start.Add(begin)), func() { window(true) })
	closed := make(chan struct{})
	time.AfterFunc(time.Until(start.Add(end)), func() { window(false); close(closed) })
	for ledger.Missing() > 0 && ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		at := time.Now()
		fetches.EachRecord(func(r *kgo.Record) { ledger.Take(r.Key, r.Value, r.Partition, at, l.checked) })
	}
	select {
	case err := <-sent:
		if err != nil {
			return Outcome{}, err
		}
	case <-outer.Done():
		return Outcome{}, outer.Err()
	}
	<-closed
	l.drain(ledger)
	return ledger.Outcome(lags), nil
}

// drain takes late duplicates.
func (l *Load) drain(ledger *Ledger) {
	l.poll(context.Background(), 500*time.Millisecond, func(r *kgo.Record) {
		ledger.Take(r.Key, r.Value, r.Partition, time.Now(), l.checked)
	})
}
