package kafka_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/fault"
)

func TestAnEventIsWrittenWithItsHeaders(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	events := topic(t, c, 4)
	received := time.UnixMicro(1_790_000_000_000_000)
	type settled struct {
		src event.Source
		err error
	}
	done := make(chan settled, 2)
	e := &event.Event{
		ID: "e1", Key: []byte("card"), Value: []byte(`{"amount":1}`), ContentType: "application/json", Priority: 7,
		Deadline: received.Add(250 * time.Millisecond),
		Headers:  []event.Header{{Name: "traceparent", Value: []byte("00-ab")}, {Name: "betimes-id", Value: []byte("not this")}},
		Settled:  func(src event.Source, err error) { done <- settled{src, err} },
	}
	e.Timeline.Start(received)
	e.Timeline.Mark(event.StageGateway, received.Add(time.Millisecond))
	if err := producer(t, c).Events(events).Handle(limit(t), e); err != nil {
		t.Fatal(err)
	}
	if _, marked := e.Timeline.Spent(event.StageProduce); !marked {
		t.Error("the stage produce is not marked")
	}
	s := <-done
	if s.err != nil {
		t.Fatal(s.err)
	}
	got := read(t, tail(t, c, kafka.TailStart(), events), 1)[0]
	if got.Source != s.src || string(got.Key) != "card" || string(got.Value) != `{"amount":1}` {
		t.Errorf("read %+v at %s, settled at %s", got, got.Source, s.src)
	}
	headers := map[string]string{}
	for _, h := range got.Headers {
		if _, twice := headers[h.Name]; twice {
			t.Errorf("header %s is there twice", h.Name)
		}
		headers[h.Name] = string(h.Value)
	}
	timeline := headers["betimes-timeline"]
	if !strings.HasPrefix(timeline, "t0=1790000000000000;gateway=1000;produce=") || len(timeline) > 100 {
		t.Errorf("the timeline is %q", timeline)
	}
	delete(headers, "betimes-timeline")
	want := map[string]string{"betimes-id": "e1", "betimes-deadline": "1790000000250000", "betimes-priority": "7", "content-type": "application/json", "traceparent": "00-ab"}
	if !maps.Equal(headers, want) {
		t.Errorf("the headers are %v, want %v", headers, want)
	}
}

func TestWritesFailWithTheirReason(t *testing.T) {
	registry := prometheus.NewRegistry()
	c, err := kafka.Open(config(brokers(t, 1)), kafka.Deps{Pipeline: "test", Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	things := topic(t, c, 2)
	p := producer(t, c)
	for name, tt := range map[string]struct {
		record kafka.Record
		want   error
		text   string
	}{
		"too large":                {kafka.Record{Topic: things, Value: make([]byte, 2<<20)}, kafka.ErrTooLarge, "write to topic " + things},
		"a partition there is not": {kafka.Record{Topic: things, Partition: 9}, nil, "write to topic " + things},
	} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			p.Write(&tt.record, func(_ event.Source, err error) { failed <- err })
			err := <-failed
			if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error is %v, want %v, %q", err, tt.want, tt.text)
			}
		})
	}
	write(t, p, &kafka.Record{Topic: things, Value: []byte("fits")})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			counts[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	if want := map[string]float64{"betimes_kafka_writes_total ok": 1, "betimes_kafka_writes_total failed": 2}; !maps.Equal(counts, want) {
		t.Errorf("the metrics are %v, want %v", counts, want)
	}
}

func TestBrokersThatAreAwayAreToldByName(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	cfg := kafka.DefaultConfig()
	if _, err := kafka.Open(cfg, kafka.Deps{}); err == nil || !strings.Contains(err.Error(), "kafka.seeds: empty") {
		t.Errorf("without seeds the error is %v", err)
	}
	cfg.Seeds = []string{addr}
	c := open(t, cfg) // nothing is connected
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("the error is %v, want %s in it", err, addr)
	}
}

func TestAPatientProducerRefusesNothingWhileBrokersAreAway(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // takes connections and answers none
	cfg := kafka.DefaultConfig()
	cfg.Seeds = []string{ln.Addr().String()}
	p, err := open(t, cfg).NewPatientProducer("endings")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 200)
	for range 200 { // 100 MB
		p.Write(&kafka.Record{Topic: "things", Value: make([]byte, 500_000)}, func(_ event.Source, err error) { failed <- err })
	}
	p.Close()
	for range 200 {
		if err := <-failed; errors.Is(err, kafka.ErrFull) {
			t.Fatal(err)
		}
	}
}

func TestTheLargestEventBecomesADeadLetterWithAllItsBytes(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	events := topic(t, c, 1)
	patient, err := c.NewPatientProducer("endings")
	if err != nil {
		t.Fatal(err)
	}
	defer patient.Close()
	p := producer(t, c)
	largest := make([]byte, 970_000) // about what one batch of an event takes
	write(t, p, &kafka.Record{Topic: events, Value: largest})
	refused := make(chan error, 1)
	p.Write(&kafka.Record{Topic: events, Value: make([]byte, 990_000)}, func(_ event.Source, err error) { refused <- err })
	if err := <-refused; !errors.Is(err, kafka.ErrTooLarge) {
		t.Errorf("an event of 990 kB that could not become a dead letter: %v", err)
	}
	write(t, patient, &kafka.Record{Topic: events, Value: make([]byte, 983_000), Headers: []event.Header{{Name: "betimes-error", Value: make([]byte, 10_000)}}})
}

func TestAnEndingThatBrokersCallCorruptIsWrittenAllTheSame(t *testing.T) {
	proxy, c := faulty(t)
	things := topic(t, c, 1)
	p, err := c.NewPatientProducer("test")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const refusals, n = 5, 100
	h := proxy.Add(fault.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: refusals, Do: fault.Refuse, Code: kerr.CorruptMessage.Code})
	told := make(chan error, n)
	for _, r := range numbered(things, n) {
		p.Write(r, func(_ event.Source, err error) { told <- err })
	}
	if err := p.Flush(limit(t)); err != nil || len(told) != n {
		t.Fatalf("%v, %d of %d owners know when all is flushed", err, len(told), n)
	}
	for range n {
		if err := <-told; err != nil {
			t.Fatal(err)
		}
	}
	if h.Hits() != refusals {
		t.Errorf("%d requests were refused, want %d", h.Hits(), refusals)
	}
	seen := map[string]bool{}
	for _, e := range read(t, tail(t, c, kafka.TailStart(), things), n) {
		seen[string(e.Value)] = true
	}
	if len(seen) != n {
		t.Errorf("%d records are there once, want %d", len(seen), n)
	}
}
