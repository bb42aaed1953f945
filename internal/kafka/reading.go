package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Sizes of fetches. A reader holds at most fetchMaxBytes per broker that nobody
// has polled yet.
const (
	fetchMaxWait           = 500 * time.Millisecond
	fetchMaxBytes          = 4 << 20
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
