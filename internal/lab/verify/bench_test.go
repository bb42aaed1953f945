package verify

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// BenchmarkAnEvent takes in b.N events as a Reader does: two lines of a ledger,
// a record of events and one of predictions, each told by both readings. What is
// kept at the end is reported for each event.
//
//	go test ./internal/lab/verify -run - -bench AnEvent -benchtime 3000000x
func BenchmarkAnEvent(b *testing.B) {
	const keys, many = 10_000, 12
	c := New(Config{Topics: topics, ExactlyOnce: true})
	before := heap()
	bound := map[kafka.Partition]bounds{}
	b.ResetTimer()
	for i := range b.N {
		src := event.Source{Topic: topics.Events, Partition: int32(i % many), Offset: int64(i / many)}
		id, key, value := fmt.Appendf(nil, "load-%d", i), fmt.Appendf(nil, "key-%d", i%keys/many*many+i%many), []byte(`{"n":1}`)
		_ = c.Take(&Line{Seq: uint64(i + 1), ID: id, Key: keyHash(key), CRC: checksum(value)})
		_ = c.Take(&Line{Answer: true, Seq: uint64(i + 1), Outcome: OK, Source: src, At: began})
		from := &event.Event{Key: key, Value: value, Source: src, Recorded: began, Headers: []event.Header{{Name: event.HeaderID, Value: id}}}
		to := &event.Event{Key: key, Source: src, Recorded: began.Add(time.Millisecond), Headers: []event.Header{
			{Name: event.HeaderID, Value: id}, {Name: event.HeaderSource, Value: src.AppendTo(nil)},
		}}
		to.Source.Topic = topics.Predictions
		for _, e := range []*event.Event{from, to} {
			entry := kafka.Entry{Event: e, Producer: -1}
			c.Log(&entry)
			c.Read(&entry)
			bound[kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}] = bounds{0, e.Source.Offset + 1}
		}
	}
	c.reaches(bound)
	began := time.Now()
	v := c.Verdict()
	b.StopTimer()
	if v.Total() > 0 || v.Counts.Ended != int64(b.N) {
		b.Fatal(told(v))
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N), "kept-B/event")
	b.ReportMetric(time.Since(began).Seconds(), "verdict-s")
	runtime.KeepAlive(c)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
