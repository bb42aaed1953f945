package verify

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

var topics = Topics{Events: "events", Predictions: "predictions", DeadLetters: "dead-letters", Quarantine: "quarantine", Shed: "shed", Parked: "parked"}

// began is when recordings begin.
var began = time.UnixMilli(1_764_000_000_000)

// recording is what a cluster holds: it answers as brokers do.
type recording struct {
	mu        sync.Mutex
	logs      map[kafka.Partition][]kafka.Entry
	aborted   map[event.Source]bool // of records
	starts    map[kafka.Partition]int64
	committed map[kafka.Partition]int64
	spoil     spoiling
}

// spoiling are bugs of the reading.
type spoiling struct {
	entries func(topics []string, uncommitted bool, list []kafka.Entry) []kafka.Entry
	aborted bool // aborted records are given to readers of committed ones
}

const parts = 3

func newRecording() *recording {
	r := &recording{logs: map[kafka.Partition][]kafka.Entry{}, aborted: map[event.Source]bool{}, starts: map[kafka.Partition]int64{}, committed: map[kafka.Partition]int64{}}
	for _, topic := range topics.all() {
		for n := range int32(parts) {
			r.logs[kafka.Partition{Topic: topic, Number: n}] = nil
		}
	}
	return r
}

// write appends a record and returns its place.
func (r *recording) write(topic string, part int32, e kafka.Entry) event.Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := kafka.Partition{Topic: topic, Number: part}
	e.Event.Source = event.Source{Topic: topic, Partition: part, Offset: int64(len(r.logs[p]))}
	r.logs[p] = append(r.logs[p], e)
	return e.Event.Source
}

// mark ends a transaction of one partition.
func (r *recording) mark(topic string, part int32, producer int64, m kafka.Marker) {
	for _, e := range slices.Backward(r.logs[kafka.Partition{Topic: topic, Number: part}]) {
		if e.Producer == producer && e.Marker != kafka.NoMarker {
			break
		}
		if e.Producer == producer && e.Transactional && m == kafka.Aborted {
			r.aborted[e.Event.Source] = true
		}
	}
	r.write(topic, part, kafka.Entry{Event: &event.Event{Recorded: began}, Marker: m, Producer: producer, Transactional: true})
}

// Tail is the Brokers'.
func (r *recording) Tail(_ context.Context, topics []string, uncommitted bool) (Tail, error) {
	t := &playing{recording: r, topics: topics, uncommitted: uncommitted, next: map[kafka.Partition]int{}}
	return t, nil
}

// Offsets is the Brokers'.
func (r *recording) Offsets(_ context.Context, topic string) (start, end map[int32]int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start, end = map[int32]int64{}, map[int32]int64{}
	for p, log := range r.logs {
		if p.Topic == topic {
			start[p.Number], end[p.Number] = r.starts[p], int64(len(log))
		}
	}
	return start, end, nil
}

// Committed is the Brokers'.
func (r *recording) Committed(context.Context, string) (map[kafka.Partition]int64, error) {
	return r.committed, nil
}

// playing is one reading of a recording.
type playing struct {
	*recording
	topics      []string
	uncommitted bool
	next        map[kafka.Partition]int
}

// PollLog is the Tail's.
func (p *playing) PollLog(ctx context.Context) ([]kafka.Entry, error) {
	if list := p.fetch(); len(list) > 0 {
		return list, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return nil, nil
	}
}

func (p *playing) fetch() []kafka.Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []kafka.Entry
	for part, log := range p.logs {
		if !slices.Contains(p.topics, part.Topic) {
			continue
		}
		for i := max(p.next[part], int(p.starts[part])); i < len(log); i++ {
			e := log[i]
			e.Stable = int64(len(log))
			if p.uncommitted || p.spoil.aborted || !p.aborted[e.Event.Source] {
				out = append(out, e)
			}
		}
		p.next[part] = len(log)
	}
	if p.spoil.entries != nil {
		out = p.spoil.entries(p.topics, p.uncommitted, out)
	}
	return out
}

// Close is the Tail's.
func (p *playing) Close() {}

func told(v Verdict) string {
	text := fmt.Sprint(v.Broken)
	for _, one := range v.Violations {
		text += fmt.Sprintf("\n%s %s %s %s", one.Rule, one.ID, one.At, one.Detail)
	}
	return text
}

func writeLedger(t *testing.T, path string, lines []Line) {
	t.Helper()
	var b []byte
	for i := range lines {
		b = appendLine(b, &lines[i])
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
