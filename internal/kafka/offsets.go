package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// ErrGone says that a record is not in the topic any more, or not yet.
var ErrGone = errors.New("the record is not in the topic")

// Offsets returns each partition's first offset and the one after its last
// record that is committed, so that end - position is what can be read.
func (c *Cluster) Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error) {
	if start, err = c.offsets(ctx, topic, c.admin.ListStartOffsets); err != nil {
		return nil, nil, err
	}
	if end, err = c.offsets(ctx, topic, c.admin.ListCommittedOffsets); err != nil {
		return nil, nil, err
	}
	return start, end, nil
}

// lister is one of the library's ways to list offsets.
type lister = func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error)

func (c *Cluster) offsets(ctx context.Context, topic string, list lister) (map[int32]int64, error) {
	listed, err := c.list(ctx, []string{topic}, nil, list)
	if err != nil {
		return nil, err
	}
	out := make(map[int32]int64, len(listed))
	for p, o := range listed {
		out[p.Number] = o
	}
	return out, nil
}

// list asks for one offset of every partition of topics; with numbers of those
// only, and what cannot be told of the others does not matter.
func (c *Cluster) list(ctx context.Context, topics []string, numbers []int32, list lister) (map[Partition]int64, error) {
	out, err := ask(ctx, func() (map[Partition]int64, error) {
		listed, err := list(ctx, topics...)
		if err != nil && numbers == nil {
			return nil, err
		}
		out, wrong := told(listed, numbers)
		if len(out) < len(topics)*len(numbers) { // the error may be that of another
			return nil, cmp.Or(wrong, err, error(kerr.UnknownTopicOrPartition))
		}
		return out, wrong
	})
	if err != nil {
		return nil, fmt.Errorf("kafka %v: offsets of %v: %w", c.cfg.Seeds, topics, err)
	}
	return out, nil
}

// told is what was listed of partitions, those of all numbers when there are none.
func told(listed kadm.ListedOffsets, numbers []int32) (map[Partition]int64, error) {
	out := make(map[Partition]int64)
	for topic, ps := range listed {
		for n, o := range ps {
			switch whole := n < 0; {
			case !whole && numbers != nil && !slices.Contains(numbers, n):
			case errors.Is(o.Err, kerr.UnknownTopicOrPartition):
				return nil, fmt.Errorf("there is no topic %s (%w)", topic, o.Err)
			case o.Err != nil:
				return nil, fmt.Errorf("topic %s: %w", topic, o.Err)
			default:
				out[Partition{topic, n}] = o.Offset
			}
		}
	}
	return out, nil
}

// Committed returns the next offsets that a group committed. A partition without
// one is absent; of a group that is not there, every partition is.
func (c *Cluster) Committed(ctx context.Context, group string) (map[Partition]int64, error) {
	out, err := ask(ctx, func() (map[Partition]int64, error) {
		responses, err := c.admin.FetchOffsets(ctx, group)
		if errors.Is(err, kerr.GroupIDNotFound) {
			return nil, nil // nobody has joined it yet
		}
		if err != nil {
			return nil, err
		}
		out := make(map[Partition]int64)
		for topic, parts := range responses {
			for n, o := range parts {
				if o.Err != nil {
					return nil, fmt.Errorf("topic %s partition %d: %w", topic, n, o.Err)
				}
				if o.At >= 0 {
					out[Partition{topic, n}] = o.At
				}
			}
		}
		return out, nil
	})
	if err != nil {
		return nil, fmt.Errorf("kafka %v: offsets of group %s: %w", c.cfg.Seeds, group, err)
	}
	return out, nil
}

// ReadAt reads one record, or returns ErrGone. It waits for nothing but the brokers.
func (c *Cluster) ReadAt(ctx context.Context, src event.Source) (*event.Event, error) {
	start, end, err := c.Offsets(ctx, src.Topic)
	if err != nil {
		return nil, err
	}
	if src.Offset < start[src.Partition] || src.Offset >= end[src.Partition] {
		return nil, fmt.Errorf("%s: %w", src, ErrGone)
	}
	client, err := c.newClient("read", append(readOptions(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{src.Topic: {src.Partition: kgo.NewOffset().At(src.Offset)}}),
		kgo.FetchMaxPartitionBytes(1), // a broker sends at least the one batch
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for {
		fetches := client.PollRecords(ctx, 1)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", src, err)
		}
		if errs := fetches.Errors(); len(errs) > 0 {
			return nil, fmt.Errorf("%s: %w", src, errs[0].Err)
		}
		for _, r := range fetches.Records() {
			if r.Offset == src.Offset && !r.Attrs.IsControl() {
				return newEvent(r, time.Now()), nil
			}
			return nil, fmt.Errorf("%s: %w", src, ErrGone)
		}
	}
}
