package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// chosen takes the partition a record names and asks the key's hash otherwise.
type chosen struct{ byKey kgo.Partitioner }

func newPartitioner() kgo.Partitioner { return chosen{kgo.StickyKeyPartitioner(nil)} }

func (c chosen) ForTopic(topic string) kgo.TopicPartitioner {
	return &chosenTopic{c.byKey.ForTopic(topic)}
}

type chosenTopic struct{ byKey kgo.TopicPartitioner }

// RequiresConsistency: a named partition must not move to another when its leader is away.
func (c *chosenTopic) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || c.byKey.RequiresConsistency(r)
}

// Partition returns a number outside 0…n-1 for a partition that does not
// exist; the record then fails.
func (c *chosenTopic) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return c.byKey.Partition(r, n)
}

// OnNewBatch lets records without key move on to another partition.
func (c *chosenTopic) OnNewBatch() {
	if b, ok := c.byKey.(kgo.TopicPartitionerOnNewBatch); ok {
		b.OnNewBatch()
	}
}

// ByHash tells the partition that ByKey means for a key that is not nil, of so many. What
// it gives is safe for concurrent use. To make it costs much, to ask it little.
func ByHash() func(key []byte, of int) int32 {
	hashed := kgo.StickyKeyPartitioner(nil).ForTopic("")
	return func(key []byte, of int) int32 { return int32(hashed.Partition(&kgo.Record{Key: key}, of)) }
}
