package broker

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake removes everything before the newest record that is older than a topic
// keeps, however new that is: one record of last week takes all before it away.
// So kfake is told never to clean, and the cleaner does as Kafka does: whole
// segments go, from the front, once their newest record is too old, or while
// what remains is as much as the topic keeps.

const (
	cleanEvery       = 30 * time.Second
	never            = 100 * 365 * 24 * time.Hour // kfake's own cleaning
	defaultRetention = 7 * 24 * time.Hour         // Kafka's
)

// cleaner removes what topics no longer keep, and compacts.
type cleaner struct {
	fake    *kfake.Cluster
	home    *home
	known   map[string]*segmentTimes      // of topics that are not compacted, by topic id, partition and segment
	busy    atomic.Pointer[chan struct{}] // closed when kfake has compacted; nil: it does not
	holding atomic.Bool                   // hold is asked before every write
}

func newCleaner(fake *kfake.Cluster, home *home) *cleaner {
	c := &cleaner{fake: fake, home: home, known: map[string]*segmentTimes{}}
	fake.ControlKey(int16(kmsg.CreateTopics), keepCompacted)
	return c
}

// cleanAgain cleans until ctx ends.
func (c *Cluster) cleanAgain(ctx context.Context) {
	tick := time.NewTicker(cleanEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.ApplyRetention()
		}
	}
}

// ApplyRetention removes what is older or more than topics keep, now instead of
// within the next half minute.
func (c *Cluster) ApplyRetention() {
	c.cleaning.Lock()
	defer c.cleaning.Unlock()
	err := c.saveEnds()
	if err == nil {
		err = c.cleaner.clean(time.Now())
	}
	if err != nil {
		c.log.Warn("old records are not removed", "error", err)
	}
}

// kept is what a topic keeps.
type kept struct {
	age     time.Duration // below zero: for ever
	bytes   int64         // below zero: all
	compact bool
	remove  bool // by age and size
}

func keptBy(configs map[string]*string) kept {
	number := func(name string, otherwise int64) int64 {
		if v := configs[name]; v != nil {
			if n, err := strconv.ParseInt(*v, 10, 64); err == nil {
				return n
			}
		}
		return otherwise
	}
	k := kept{bytes: number("retention.bytes", -1), remove: true}
	ms := number("retention.ms", defaultRetention.Milliseconds())
	k.age = time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	if policy := configs["cleanup.policy"]; policy != nil {
		k.compact = strings.Contains(*policy, "compact")
		k.remove = strings.Contains(*policy, "delete")
	}
	return k
}

// clean goes through all topics once.
func (c *cleaner) clean(now time.Time) error {
	topics, err := c.home.topics()
	if err != nil {
		return err
	}
	compacted, seen := false, map[string]*segmentTimes{}
	for _, t := range topics {
		info := c.fake.TopicInfo(t.Name)
		if info == nil {
			continue // it is gone
		}
		keep := keptBy(info.Configs)
		compacted = compacted || keep.compact
		for n := range t.Partitions {
			segments, err := c.segments(t, n, keep.compact, seen)
			if err != nil {
				return err
			}
			if until, some := keep.gone(segments, now); some && keep.remove {
				// A partition or topic that is gone by now has nothing to remove.
				_ = c.fake.DeleteRecords(t.Name, int32(n), until)
			}
		}
	}
	c.known = seen
	if !compacted {
		return nil
	}
	return c.compact(topics, now)
}

// gone is the offset before which nothing is kept.
func (k kept) gone(segments []*segmentTimes, now time.Time) (until int64, some bool) {
	var total int64
	for _, s := range segments {
		total += s.size
	}
	for _, s := range segments {
		old := k.age >= 0 && now.Sub(time.UnixMilli(s.newest)) >= k.age
		more := k.bytes >= 0 && total-s.size >= k.bytes
		if s.size == 0 || !old && !more {
			break
		}
		until, some = s.end, true
		total -= s.size
	}
	return until, some
}

// disorder is how far a record may lie behind an earlier one's time until kfake
// may not compact: what it removes too early is not older than that.
const disorder = time.Minute

// compact has kfake compact, which cleans all topics in its own way: so not while
// that would remove what is kept. Who writes waits meanwhile.
func (c *cleaner) compact(topics []topic, now time.Time) error {
	done := make(chan struct{})
	c.busy.Store(&done)
	defer close(done)
	defer c.busy.Store(nil)
	if c.holding.CompareAndSwap(false, true) {
		c.fake.ControlKey(int16(kmsg.Produce), c.hold)
	}
	c.fake.TopicInfo("") // after it, what was being written is on disk
	for _, t := range topics {
		info := c.fake.TopicInfo(t.Name)
		if info == nil {
			continue
		}
		keep := keptBy(info.Configs)
		for n := range t.Partitions {
			segments, err := c.segments(t, n, keep.compact, c.known)
			if err != nil {
				return err
			}
			if keep.age >= 0 && slices.ContainsFunc(segments, func(s *segmentTimes) bool {
				return s.back > disorder && now.Sub(time.UnixMilli(s.oldest)) >= keep.age
			}) {
				return nil
			}
		}
	}
	c.fake.Compact()
	return nil
}

// hold has writers wait while kfake compacts, and is there only then: kfake keeps
// the last request of every connection for it.
func (c *cleaner) hold(kmsg.Request) (kmsg.Response, error, bool) {
	if busy := c.busy.Load(); busy != nil {
		c.fake.SleepControl(func() { <-*busy })
	} else if c.holding.CompareAndSwap(true, false) {
		c.fake.DropControl()
	}
	return nil, nil, false
}

// keepCompacted has compacted topics keep the last record of a key for ever, as
// Kafka does; kfake would remove what is a week old.
func keepCompacted(r kmsg.Request) (kmsg.Response, error, bool) {
	create, is := r.(*kmsg.CreateTopicsRequest)
	if !is {
		return nil, nil, false
	}
	for i := range create.Topics {
		t := &create.Topics[i]
		compact, set := false, false
		for _, one := range t.Configs {
			compact = compact || one.Name == "cleanup.policy" && one.Value != nil && *one.Value == "compact"
			set = set || one.Name == "retention.ms"
		}
		if compact && !set {
			forever := "-1"
			t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: "retention.ms", Value: &forever})
		}
	}
	return nil, nil, false
}
