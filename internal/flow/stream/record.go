package stream

import (
	"fmt"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// record makes the record of an ending.
func (p *Processor) record(it *item, ending event.Ending) *kafka.Record {
	e := it.event
	r := &kafka.Record{Partition: e.Source.Partition, Key: e.Key, Value: e.Value}
	if ending.Place == event.Predicted {
		r.Topic = p.deps.Topics.Predictions
		r.Value = ending.Value
		r.Headers = p.predictionHeaders(e, ending.Headers)
		return r
	}
	r.Topic = p.topicOf(ending.Place)
	if it.bare {
		r.Value = nil
		ending.Err = fmt.Errorf("too large for topic %s with these headers, its %d bytes are at %s only (%v)", r.Topic, len(e.Value), e.Source, ending.Err)
	}
	r.Headers = p.reasonHeaders(it, ending)
	return r
}

func (p *Processor) topicOf(place event.Place) string {
	switch place {
	case event.Quarantined:
		return p.deps.Topics.Quarantine
	case event.Shed:
		return p.deps.Topics.Shed
	case event.Parked:
		return p.deps.Topics.Parked
	}
	return p.deps.Topics.DeadLetters
}

// predictionHeaders are those of every prediction, then the ending's own. The
// values share one buffer.
func (p *Processor) predictionHeaders(e *event.Event, own []event.Header) []event.Header {
	headers := make([]event.Header, 0, 5+len(own))
	buf := make([]byte, 0, len(e.ID)+len(e.Source.Topic)+48)
	add := func(name string, from int) {
		headers = append(headers, event.Header{Name: name, Value: buf[from:len(buf):len(buf)]})
	}
	buf = append(buf, e.ID...)
	add(event.HeaderID, 0)
	at := len(buf)
	buf = e.Source.AppendTo(buf)
	add(event.HeaderSource, at)
	at = len(buf)
	buf = append(buf, event.PredictionFormat...)
	add(event.HeaderFormat, at)
	if len(e.Decisions.All()) > 0 {
		headers = append(headers, event.Header{Name: event.HeaderDecisions, Value: e.Decisions.AppendHeader(nil)})
	}
	if v := e.Header("traceparent"); v != nil {
		headers = append(headers, event.Header{Name: "traceparent", Value: v})
	}
	return append(headers, own...)
}

// headerTime is RFC 3339 of one width, so that the text sorts as the time does.
const headerTime = "2006-01-02T15:04:05.000000Z07:00"

// maxErrorBytes bounds the header betimes-error.
const maxErrorBytes = 1024

// reasonHeaders are the original headers, less those this record says anew, and why it is here.
func (p *Processor) reasonHeaders(it *item, ending event.Ending) []event.Header {
	e := it.event
	now := time.Now()
	if it.failed.IsZero() {
		it.noteFailure(now)
	}
	headers := make([]event.Header, 0, len(e.Headers)+10)
	for _, h := range e.Headers {
		if (!it.bare || h.Name == event.HeaderOrigin) && !says(h.Name) {
			headers = append(headers, h)
		}
	}
	add := func(name, value string) {
		headers = append(headers, event.Header{Name: name, Value: []byte(value)})
	}
	add(event.HeaderID, e.ID)
	add(event.HeaderSource, e.Source.String())
	add(event.HeaderReason, string(ending.Reason))
	add(event.HeaderStage, ending.Stage.String())
	add(event.HeaderAttempts, strconv.Itoa(e.Attempts))
	add(event.HeaderFirstFailed, it.failed.UTC().Format(headerTime))
	add(event.HeaderLastFailed, it.last.UTC().Format(headerTime))
	headers = append(headers, event.Header{Name: event.HeaderTimeline, Value: e.Timeline.AppendHeader(nil)})
	if ending.Err != nil {
		add(event.HeaderError, cut(ascii(ending.Err.Error()), maxErrorBytes))
	}
	if len(e.Decisions.All()) > 0 {
		headers = append(headers, event.Header{Name: event.HeaderDecisions, Value: e.Decisions.AppendHeader(nil)})
	}
	return append(headers, ending.Headers...)
}

// says tells whether reasonHeaders writes this header itself.
func says(name string) bool {
	switch name {
	case event.HeaderID, event.HeaderSource, event.HeaderReason, event.HeaderStage, event.HeaderAttempts, event.HeaderTimeline,
		event.HeaderFirstFailed, event.HeaderLastFailed, event.HeaderError, event.HeaderDecisions:
		return true
	}
	return false
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// ascii replaces what a header may not hold.
func ascii(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
