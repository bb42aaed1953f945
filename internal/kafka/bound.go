package kafka

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	configMaxMessage = "max.message.bytes"
	// boundAge is how long it is believed what a topic takes. Shorter asks more often
	// what hardly ever changes; a topic that takes less meanwhile is noticed at once.
	boundAge      = time.Minute
	boundRetry    = time.Second     // after asking in vain
	boundPatience = 2 * time.Second // records of the topic wait for the answer
)

// What records may have in a batch beside their own bytes, and batches beside records.
const (
	batchOverhead  = 61
	recordOverhead = 36
	headerOverhead = 10
)

// sizeOf is the bytes of a record in a batch, at most.
func sizeOf(r *kgo.Record) int64 {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(n)
}

// bound is how much the records of one batch of a topic may have: what its
// max.message.bytes says, or less where brokers refused that.
type bound struct {
	topic  string
	rows   []*row
	room   int64 // bytes of the records of a batch; 0: not known, nothing is handed over
	said   int64 // by the topic's config
	tried  int64 // what brokers may take though they refuse what they say; 0: they take it
	asked  time.Time
	asking bool
	told   bool // that it does not say

	doubted int64 // more than this was refused since it was asked; 0: nothing was
	before  int64 // room when that was so
}

// room is what the library's own batches have.
func (q *rows) room() int64 { return q.rules.batchBytes - batchOverhead }

// boundOf gives the bound of a topic. q.mu is held.
func (q *rows) boundOf(topic string) *bound {
	b := q.bounds[topic]
	if b == nil {
		b = &bound{topic: topic, said: q.room()}
		q.bounds[topic] = b
	}
	return b
}

// refresh asks what a topic takes, unless that is known or asked. q.mu is held.
func (q *rows) refresh(b *bound) {
	if b.asking || q.over || time.Since(b.asked) < boundAge {
		return
	}
	b.asking = true
	go func() {
		ctx, cancel := context.WithTimeout(q.alive, boundPatience)
		defer cancel()
		bytes, err := q.ask(ctx, b.topic)
		q.learn(b, bytes, err)
	}()
}

// doubt is for a topic that has refused so many bytes together. q.mu is held.
func (q *rows) doubt(b *bound, refused int64) {
	if b.room > 0 {
		b.before, b.room = b.room, 0
	}
	half := max(min(refused, b.before)/2, 1)
	if b.doubted == 0 || half < b.doubted {
		b.doubted = half
	}
	b.asked = time.Time{}
	q.refresh(b)
}

// learn takes what a topic says it takes. Where it has refused no more than that,
// or does not say, it is tried with half of what it has refused.
func (q *rows) learn(b *bound, bytes int64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b.asking, b.asked = false, time.Now()
	said := b.said
	if err != nil {
		b.asked = b.asked.Add(boundRetry - boundAge)
		q.unknown(b, err)
	} else {
		said = max(min(bytes-batchOverhead, q.room()), 1)
	}
	switch {
	case b.doubted > 0 && said >= b.before:
		b.tried = b.doubted
	case b.doubted > 0 || said != b.said:
		b.tried = 0
	}
	b.room = said
	if b.tried > 0 {
		b.room = min(said, b.tried)
	}
	if b.doubted > 0 {
		q.log.Warn("a topic refused a batch as too large: its records are sent again, in smaller ones", "topic", b.topic, "batch_bytes", b.room+batchOverhead)
	}
	b.said, b.doubted = said, 0
	for _, r := range b.rows {
		q.push(r)
	}
}

// unknown tells once that a topic does not say what it takes. q.mu is held.
func (q *rows) unknown(b *bound, err error) {
	if !b.told && !q.over {
		b.told = true
		q.log.Info("how large batches a topic takes is not known: what it refuses is sent again, in smaller ones; allow DescribeConfigs of it", "topic", b.topic, "error", err)
	}
}

// batchBytes asks how large batches a topic takes.
func (c *Cluster) batchBytes(ctx context.Context, topic string) (int64, error) {
	described, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("kafka %v: describe topic %s: %w", c.cfg.Seeds, topic, err)
	}
	rc, err := described.On(topic, nil)
	if err == nil {
		err = rc.Err
	}
	if err != nil {
		return 0, fmt.Errorf("config of topic %s: %w", topic, err)
	}
	for _, one := range rc.Configs {
		if one.Key == configMaxMessage {
			return strconv.ParseInt(one.MaybeValue(), 10, 64)
		}
	}
	return 0, fmt.Errorf("config of topic %s: it has no %s", topic, configMaxMessage)
}
