package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// HaltError says that a partition stopped because going on would skip or
// repeat records: data is gone, or cannot be read.
type HaltError struct {
	Partition Partition
	Group     string // empty for a Tail
	Start     int64  // first and one after the last offset, -1 when unknown
	End       int64
	Err       error
}

// Error names the partition, what is there and the remedy.
func (e *HaltError) Error() string {
	text := fmt.Sprintf("partition %s halted: %v", e.Partition, e.Err)
	if e.Start >= 0 {
		text += fmt.Sprintf(" (it holds offsets %d to %d)", e.Start, e.End-1)
	}
	if e.Group == "" {
		return text
	}
	return text + fmt.Sprintf("; stop the group, choose where to go on with kafka-consumer-groups.sh --group %s --topic %s --reset-offsets --to-offset N --execute, and start it again",
		e.Group, e.Partition)
}

// Unwrap gives the cause.
func (e *HaltError) Unwrap() error { return e.Err }

// halts says whether a fetch error is one that time does not mend.
func halts(err error) bool {
	var loss *kgo.ErrDataLoss
	var huge *kgo.ErrDecompressTooLarge
	return errors.As(err, &loss) || errors.As(err, &huge) || errors.Is(err, kerr.OffsetOutOfRange) ||
		errors.Is(err, kerr.CorruptMessage) || errors.Is(err, kerr.UnsupportedCompressionType)
}

// explainHalt adds what the partition holds now, when the brokers say so soon.
func (c *Cluster) explainHalt(ctx context.Context, p Partition, group string, err error) *HaltError {
	h := &HaltError{Partition: p, Group: group, Start: -1, End: -1, Err: err}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if start, end, err := c.Offsets(ctx, p.Topic); err == nil {
		h.Start, h.End = start[p.Number], end[p.Number]
	}
	return h
}
