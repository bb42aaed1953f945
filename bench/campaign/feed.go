package main

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen"
)

// partitions is how many each topic of a station has.
const partitions = 12

// feedKeys is how many keys each partition is fed with.
const feedKeys = 50

// feed writes events to the brokers until ctx ends, at a steady rate and evenly
// over all partitions, and waits for the last acknowledgements. The ledger has
// what became of each.
func (l *ledger) feed(ctx context.Context, cluster *kafka.Cluster, rate float64) error {
	producer, err := cluster.NewPatientProducer("feed")
	if err != nil {
		return err
	}
	defer producer.Close()
	start := time.Now()
	for n := 0; ; n++ {
		due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if pause(ctx, time.Until(due)) != nil {
			break
		}
		l.write(producer, n, due)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return producer.Flush(ctx)
}

// write writes event n, with its id as a gateway would have written it.
func (l *ledger) write(producer *kafka.Producer, n int, due time.Time) {
	id := fmt.Sprintf("%s%d", l.run, n)
	key := fmt.Sprintf("card-%d-%d", n%partitions, n/partitions%feedKeys)
	l.pending.Add(1)
	producer.Write(&kafka.Record{
		Topic: topicEvents, Partition: int32(n % partitions), Key: []byte(key),
		Value:   fmt.Appendf(nil, `{"id":%q,"card_token":%q,"amount":%d}`, id, key, n%1000),
		Headers: []event.Header{{Name: event.HeaderID, Value: []byte(id)}},
	}, func(src event.Source, err error) {
		result := loadgen.Result{Outcome: loadgen.Accepted, Source: src}
		if err != nil {
			result = loadgen.Result{Outcome: loadgen.Unknown, Problem: err.Error()}
		}
		l.answer(id, due, result)
	})
}

// partitionsByID is where each acknowledged event was written to.
func (l *ledger) partitionsByID() map[string]int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]int32, len(l.sends))
	for id, s := range l.sends {
		if s.source != "" {
			p, _ := position(s.source)
			all[id] = int32(p)
		}
	}
	return all
}
