package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// TailFrom is where a Tail begins.
type TailFrom struct {
	kind    tailKind
	at      time.Time
	offsets map[Partition]int64
}

type tailKind uint8

const (
	fromStart tailKind = iota
	fromEnd
	fromTime
	fromOffsets
)

// TailStart begins at the first record there is. The zero TailFrom does so too.
func TailStart() TailFrom { return TailFrom{} }

// TailEnd begins with the next record after NewTail returned.
func TailEnd() TailFrom { return TailFrom{kind: fromEnd} }

// TailAt begins with the first record of that time or later.
func TailAt(at time.Time) TailFrom { return TailFrom{kind: fromTime, at: at} }

// TailOffsets begins at given offsets; partitions without one begin at their first record.
func TailOffsets(next map[Partition]int64) TailFrom {
	return TailFrom{kind: fromOffsets, offsets: maps.Clone(next)}
}

// TailConfig says what a Tail reads.
type TailConfig struct {
	Topics      []string
	Partitions  []int32 // of each topic; nil: all. What becomes of the others does not matter
	From        TailFrom
	Uncommitted bool // also what open and aborted transactions hold
	// Whole lets CaughtUp wait for transactions that are open, so that nothing is
	// missed that committed offsets say is finished.
	Whole bool
}

// Tail reads partitions of topics, without a group. One goroutine polls it.
type Tail struct {
	cluster *Cluster
	client  *kgo.Client
	end     map[Partition]int64 // as of NewTail

	mu   sync.Mutex
	next map[Partition]int64
}

// NewTail opens a Tail. Its positions are fixed when it returns.
func (c *Cluster) NewTail(ctx context.Context, cfg TailConfig) (*Tail, error) {
	starts, err := c.list(ctx, cfg.Topics, cfg.Partitions, c.admin.ListStartOffsets)
	if err != nil {
		return nil, err
	}
	ends, err := c.list(ctx, cfg.Topics, cfg.Partitions, cfg.ends(c))
	if err != nil {
		return nil, err
	}
	next, err := c.tailStart(ctx, cfg, starts, ends)
	if err != nil {
		return nil, err
	}
	at := make(map[string]map[int32]kgo.Offset)
	for p, o := range next {
		if at[p.Topic] == nil {
			at[p.Topic] = make(map[int32]kgo.Offset)
		}
		at[p.Topic][p.Number] = kgo.NewOffset().At(o)
	}
	// Control records are kept, else a position could not pass one.
	opts := append(readOptions(), kgo.ConsumePartitions(at), kgo.KeepControlRecords())
	if cfg.Uncommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	}
	client, err := c.newClient("tail", opts...)
	if err != nil {
		return nil, err
	}
	return &Tail{cluster: c, client: client, end: ends, next: next}, nil
}

func (cfg TailConfig) ends(c *Cluster) lister {
	if cfg.Uncommitted || cfg.Whole {
		return c.admin.ListEndOffsets
	}
	return c.admin.ListCommittedOffsets
}

func (c *Cluster) tailStart(ctx context.Context, cfg TailConfig, starts, ends map[Partition]int64) (map[Partition]int64, error) {
	switch cfg.From.kind {
	case fromEnd:
		return maps.Clone(ends), nil
	case fromTime:
		return c.list(ctx, cfg.Topics, cfg.Partitions, c.after(cfg.From.at))
	case fromOffsets:
		next := maps.Clone(starts)
		for p, o := range cfg.From.offsets {
			if first, ok := starts[p]; ok && o > first && o <= ends[p] { // beyond the end: the topic was made anew
				next[p] = o
			}
		}
		return next, nil
	}
	return starts, nil
}

// after lists the first offset of a time, or the end.
func (c *Cluster) after(at time.Time) lister {
	return func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		// The library asks for the end where it found nothing of that time, and
		// would pass over what has come between its two questions.
		ends, err := c.admin.ListEndOffsets(ctx, topics...)
		if err != nil {
			return nil, err
		}
		listed, err := c.admin.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topics...)
		for topic, parts := range listed {
			for n, o := range parts {
				if end, known := ends.Lookup(topic, n); known && end.Err == nil && o.Timestamp < 0 {
					o.Offset = min(o.Offset, end.Offset)
					parts[n] = o
				}
			}
		}
		return listed, err
	}
}

// Poll waits for one fetch and returns its events, in order within each
// partition; with ctx's error when it ended. Records that retention removed
// before they were read are passed over, with a warning: a Tail has no promise to keep.
func (t *Tail) Poll(ctx context.Context) ([]*event.Event, error) {
	var events []*event.Event
	var now time.Time
	err := t.poll(ctx, func(n int) { events, now = make([]*event.Event, 0, n), time.Now() }, func(r *kgo.Record, _ int64) {
		if !r.Attrs.IsControl() {
			events = append(events, newEvent(r, now))
		}
	})
	return events, err
}

// PollLog is Poll for whoever must see all that lies in the log, markers
// included. One Tail is polled by one of the two only.
func (t *Tail) PollLog(ctx context.Context) ([]Entry, error) {
	var entries []Entry
	var now time.Time
	err := t.poll(ctx, func(n int) { entries, now = make([]Entry, 0, n), time.Now() }, func(r *kgo.Record, stable int64) {
		entries = append(entries, newEntry(r, stable, now))
	})
	return entries, err
}

// poll waits for one fetch, says how many records it brought and gives each to take.
func (t *Tail) poll(ctx context.Context, brought func(int), take func(r *kgo.Record, stable int64)) error {
	fetches := t.client.PollRecords(ctx, pollRecords)
	if err := ctx.Err(); err != nil {
		return err
	}
	if fetches.IsClientClosed() {
		return fmt.Errorf("tail: %w", kgo.ErrClientClosed)
	}
	brought(fetches.NumRecords())
	var failed error
	fetches.EachPartition(func(fp kgo.FetchTopicPartition) {
		p := Partition{fp.Topic, fp.Partition}
		if fp.Err != nil {
			failed = errors.Join(failed, t.failed(ctx, p, fp.Err))
		}
		if len(fp.Records) == 0 {
			return
		}
		for _, r := range fp.Records {
			take(r, fp.LastStableOffset)
		}
		t.goOn(p, fp.Records[len(fp.Records)-1].Offset+1)
	})
	return failed
}

func (t *Tail) goOn(p Partition, next int64) {
	t.mu.Lock()
	t.next[p] = next
	t.mu.Unlock()
}

// failed sorts an error: it is passed over, ends the partition, or passes by itself.
func (t *Tail) failed(ctx context.Context, p Partition, err error) error {
	if !halts(err) {
		t.cluster.deps.Log.Warn("fetch failed and is tried again", "topic", p.Topic, "partition", p.Number, "error", err)
		return nil
	}
	h := t.cluster.explainHalt(ctx, p, "", err)
	if !errors.Is(err, kerr.OffsetOutOfRange) || h.Start < 0 {
		t.client.PauseFetchPartitions(byTopic([]Partition{p}))
		return h
	}
	t.cluster.deps.Log.Warn("records were removed before they were read", "topic", p.Topic, "partition", p.Number, "error", h)
	t.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{p.Topic: {p.Number: {Epoch: -1, Offset: h.Start}}})
	t.goOn(p, h.Start)
	return nil
}

// End returns the ends of the partitions as they were when the Tail was opened.
func (t *Tail) End() map[Partition]int64 { return maps.Clone(t.end) }

// Position returns the next offset to read of each partition.
func (t *Tail) Position() map[Partition]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.next)
}

// CaughtUp says whether the Tail has passed the ends seen when it was opened.
func (t *Tail) CaughtUp() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p, end := range t.end {
		if t.next[p] < end {
			return false
		}
	}
	return true
}

// Close ends the connections; Poll then returns an error.
func (t *Tail) Close() { t.client.Close() }
