package stream

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
)

func TestAnEventIsKnownByItsHeadersElseByItsPlace(t *testing.T) {
	fetched := time.UnixMicro(1_770_000_000_000_000)
	header := func(name, value string) event.Header { return event.Header{Name: name, Value: []byte(value)} }
	began := fetched.Add(-40 * time.Millisecond)
	cases := map[string]struct {
		headers  []event.Header
		recorded time.Time
		id       string
		received time.Time
		deadline time.Time
	}{
		"a gateway's event keeps id, clock and deadline": {
			headers: []event.Header{
				header(event.HeaderID, "abc"), header(event.HeaderDeadline, strconv.FormatInt(fetched.Add(time.Second).UnixMicro(), 10)),
				header(event.HeaderTimeline, "t0="+strconv.FormatInt(began.UnixMicro(), 10)+";gateway=100;produce=200"),
			},
			recorded: fetched, id: "abc", received: began, deadline: fetched.Add(time.Second),
		},
		"a foreign event counts from its record's timestamp": {
			recorded: began, id: "events:3:14", received: began, deadline: began.Add(250 * time.Millisecond),
		},
		"an hour-old record is late, not absurd": {
			recorded: fetched.Add(-time.Hour), id: "events:3:14", received: fetched.Add(-time.Hour), deadline: fetched.Add(-time.Hour + 250*time.Millisecond),
		},
		"a timestamp of 1970 counts from the fetch": {
			recorded: time.UnixMilli(-1), id: "events:3:14", received: fetched, deadline: fetched.Add(250 * time.Millisecond),
		},
		"a timestamp of tomorrow counts from the fetch": {
			recorded: fetched.Add(24 * time.Hour), id: "events:3:14", received: fetched, deadline: fetched.Add(250 * time.Millisecond),
		},
		"a deadline after the year 9999, which no prediction could name, counts as absent": {
			headers:  []event.Header{header(event.HeaderDeadline, "9000000000000000000")},
			recorded: began, id: "events:3:14", received: began, deadline: began.Add(250 * time.Millisecond),
		},
		"a deadline in milliseconds, which is one of 1970, counts as absent": {
			headers:  []event.Header{header(event.HeaderDeadline, strconv.FormatInt(fetched.UnixMilli(), 10))},
			recorded: began, id: "events:3:14", received: began, deadline: began.Add(250 * time.Millisecond),
		},
		"a deadline of an hour ago is late, not absurd": {
			headers:  []event.Header{header(event.HeaderDeadline, strconv.FormatInt(fetched.Add(-time.Hour).UnixMicro(), 10))},
			recorded: began, id: "events:3:14", received: began, deadline: fetched.Add(-time.Hour),
		},
		"an id with bytes that are no text counts as absent": {
			headers: []event.Header{header(event.HeaderID, "a\x1b[2Jb")}, recorded: began, id: "events:3:14", received: began, deadline: began.Add(250 * time.Millisecond),
		},
		"broken headers count as absent": {
			headers:  []event.Header{header(event.HeaderID, ""), header(event.HeaderDeadline, "soon"), header(event.HeaderTimeline, "t0=x")},
			recorded: began, id: "events:3:14", received: began, deadline: began.Add(250 * time.Millisecond),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := New(DefaultConfig(), Deps{Log: slog.New(slog.DiscardHandler), Budget: budget.Budget{Latency: 250 * time.Millisecond}})
			e := &event.Event{Headers: c.headers, Recorded: c.recorded, Fetched: fetched, Source: event.Source{Topic: "events", Partition: 3, Offset: 14}}
			p.identify(e)
			if e.ID != c.id || !e.Received.Equal(c.received) || !e.Deadline.Equal(c.deadline) {
				t.Errorf("id %s received %v deadline %v", e.ID, e.Received.Sub(fetched), e.Deadline.Sub(fetched))
			}
			if !e.Timeline.Last().Equal(fetched) || e.Timeline.Total() != fetched.Sub(c.received) {
				t.Errorf("the stages sum to %v, want %v", e.Timeline.Total(), fetched.Sub(c.received))
			}
		})
	}
}
