package broker

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sequences are the last batches of each producer in each partition, by which
// a batch that is sent again is recognised.
type sequences map[sequenceKey]*sequenceWindow

type sequenceKey struct {
	producer  int64
	topic     string
	partition int32
}

// windowBatches is how many batches Kafka remembers of a producer: as many as
// it may have under way.
const windowBatches = 5

// sequenceWindow is one of kfake's seq_windows.json: the batches are a ring.
type sequenceWindow struct {
	Producer  int64                        `json:"pid"`
	Topic     string                       `json:"topic"`
	Partition int32                        `json:"partition"`
	Entries   [windowBatches]sequenceEntry `json:"entries"`
	Count     uint8                        `json:"count"`
	At        uint8                        `json:"at"` // where the next goes
	Epoch     int16                        `json:"epoch"`
	Seen      bool                         `json:"seen"`
	Next      int32                        `json:"next_seq"`
}

type sequenceEntry struct {
	First  int32 `json:"first_seq"`
	Next   int32 `json:"next_seq"`
	Offset int64 `json:"offset"`
}

// add takes the batches of the partition in a folder, oldest first.
func (s sequences) add(folder string, batches []batchHeader) {
	i := strings.LastIndexByte(folder, '-')
	topic, err := url.PathUnescape(folder[:max(i, 0)])
	partition, errNumber := strconv.ParseInt(folder[i+1:], 10, 32)
	if err != nil || errNumber != nil {
		return // not a partition
	}
	for _, b := range batches {
		if b.producer < 0 {
			continue
		}
		key := sequenceKey{b.producer, topic, int32(partition)}
		w := s[key]
		if w == nil || w.Epoch != b.epoch {
			w = &sequenceWindow{Producer: b.producer, Topic: topic, Partition: key.partition, Epoch: b.epoch, Seen: true}
			s[key] = w
		}
		w.push(b)
	}
}

func (w *sequenceWindow) push(b batchHeader) {
	w.Next = int32((int64(b.sequence) + int64(b.records)) % math.MaxInt32)
	w.Entries[w.At] = sequenceEntry{b.sequence, w.Next, b.offset}
	w.At = (w.At + 1) % windowBatches
	w.Count = min(w.Count+1, windowBatches)
}

// save puts the windows in the place of those of the last clean end.
func (s sequences) save(records string) error {
	path := filepath.Join(records, "seq_windows.json")
	file := struct {
		Version int               `json:"version"`
		Windows []json.RawMessage `json:"windows"`
	}{Version: 1}
	if err := readJSON(path, &file); err != nil {
		return err
	}
	file.Windows = slices.DeleteFunc(file.Windows, func(old json.RawMessage) bool {
		var w sequenceWindow
		err := json.Unmarshal(old, &w)
		return err != nil || s[sequenceKey{w.Producer, w.Topic, w.Partition}] != nil
	})
	for _, w := range s {
		one, err := json.Marshal(w)
		if err != nil {
			return fmt.Errorf("embedded brokers: %w", err)
		}
		file.Windows = append(file.Windows, one)
	}
	data, err := json.Marshal(file)
	if err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	return replaceFile(path, data)
}
