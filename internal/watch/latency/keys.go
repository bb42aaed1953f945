package latency

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"betimes/internal/event"
)

// Key is one of those that most of the newest events have.
type Key struct {
	Key       string  `json:"key"` // as much of it as may be shown
	Partition int32   `json:"partition"`
	Worker    string  `json:"worker"` // that has it
	PerS      float64 `json:"per_s"`  // events a second, at least
	Share     float64 `json:"share"`  // of the events of all workers
	Waiting   int     `json:"waiting"`
}

// mostKeys bounds a list of keys.
const mostKeys = 8

// Keys lists the keys with the most events of the last seconds, the most first.
func (m *Monitor) Keys() []Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys()
}

// keys is Keys while m.mu is held.
func (m *Monitor) keys() []Key {
	all, taken := []Key{}, 0.0
	m.live(func(one *instance) {
		taken += one.newest.TakenPerS
		for _, k := range one.newest.Keys {
			all = append(all, Key{Key: k.Key, Partition: k.Partition, Worker: one.newest.Instance, PerS: k.PerS, Waiting: k.Waiting})
		}
	})
	for i := range all {
		all[i].Share = min(all[i].PerS/max(taken, all[i].PerS, 1e-9), 1)
	}
	slices.SortFunc(all, func(a, b Key) int {
		return cmp.Or(cmp.Compare(b.PerS, a.PerS), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Worker, b.Worker))
	})
	return all[:min(len(all), mostKeys)]
}

// mostOfKey is how many characters of a key a text has: a line has to hold the rest too.
const mostOfKey = 40

// String names a key, who has it and how much of the load it is.
func (k Key) String() string {
	text := fmt.Sprintf("%s of partition %d (%s): %s of the events, %s a second", quoted(k.Key), k.Partition, k.Worker, Percent(k.Share), thousands(int64(k.PerS+0.5)))
	if k.Waiting > 0 {
		text += ", " + thousands(int64(k.Waiting)) + " waiting for the one in work"
	}
	return text
}

// quoted is a key in quotes; of a long one its beginning.
func quoted(key string) string {
	if runes := []rune(key); len(runes) > mostOfKey {
		return strconv.Quote(string(runes[:mostOfKey])) + "…"
	}
	return strconv.Quote(key)
}

// holding are the stages in which events wait for one of their key: those that a worker
// holds, and those that it does not read because it holds so many.
var holding = [event.NumStages]bool{event.StageQueue: true, event.StageBroker: true}

// awaited are the keys that events wait for.
func awaited(all []Key) []Key {
	return slices.DeleteFunc(slices.Clone(all), func(k Key) bool { return k.Waiting == 0 })
}

// remedyHotKey is that of workers who hold mostly events of one key.
const remedyHotKey = "One key has most of the events that wait, and its events are worked on one after the other: more workers or concurrency do not help. Choose a key with more values (flow.gateway.key), make the call shorter, or give up the order (flow.stream.order: none)."
