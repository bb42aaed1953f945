package kafka

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Sizes of fetches.
const (
	fetchMaxWait           = 500 * time.Millisecond
	fetchMaxBytes          = 16 << 20
	fetchMaxPartitionBytes = 1 << 20
	pollRecords            = 2000 // most events of one Poll
)

// readOptions are those of every reader. Without a reset offset a position
// never moves by itself.
func readOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxPartitionBytes(fetchMaxPartitionBytes),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}
}

// HaltError says that a partition stopped because going on would skip or
// repeat records: data is gone, or cannot be read.
type HaltError struct {
	Partition Partition
	Err       error
}

func (e *HaltError) Error() string {
	return "partition " + e.Partition.String() + " halted: " + e.Err.Error()
}

func (e *HaltError) Unwrap() error { return e.Err }

// halts says whether a fetch error is one that time does not mend.
func halts(err error) bool {
	var loss *kgo.ErrDataLoss
	var huge *kgo.ErrDecompressTooLarge
	return errors.As(err, &loss) || errors.As(err, &huge) || errors.Is(err, kerr.OffsetOutOfRange) ||
		errors.Is(err, kerr.CorruptMessage) || errors.Is(err, kerr.UnsupportedCompressionType)
}
