package broker

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// readCommitted keeps readers of committed records from seeing aborted ones.
// kfake forgets to say which transactions of a partition were aborted when a
// fetch ends within it because the answer is as large as it may be. So once
// there are transactions, such a fetch is bounded by its partitions alone.
func readCommitted(fake *kfake.Cluster, records string) {
	var transactions atomic.Bool
	transactions.Store(hasTransactions(records))
	fake.ControlKey(int16(kmsg.InitProducerID), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if init, is := r.(*kmsg.InitProducerIDRequest); is && init.TransactionalID != nil {
			transactions.Store(true)
			fake.DropControl()
		}
		return nil, nil, false
	})
	fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if fetch, is := r.(*kmsg.FetchRequest); is && fetch.IsolationLevel == 1 && transactions.Load() {
			fetch.MaxBytes = math.MaxInt32
		}
		return nil, nil, false
	})
}

// hasTransactions says whether there were any before this start.
func hasTransactions(records string) bool {
	log, err := os.ReadFile(filepath.Join(records, "pids.log"))
	return err == nil && bytes.Contains(log, []byte(`"txid":"`))
}
