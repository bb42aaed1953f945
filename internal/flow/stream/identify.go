package stream

import (
	"strconv"
	"time"

	"betimes/internal/event"
)

// Bounds of a believable beginning of an event's clock: what lies outside
// counts from the fetch.
const (
	maxAhead = time.Minute
	maxAge   = 10 * 365 * 24 * time.Hour
)

// identify reads what the headers say of an event, and sets what they do not:
// a record written by someone else has no id, clock or deadline.
func (p *Processor) identify(e *event.Event) {
	if e.ID = e.OwnID(); e.ID == "" {
		e.ID = e.Source.String()
	}
	e.Priority = 5
	if v := e.Header(event.HeaderPriority); len(v) == 1 && v[0] >= '0' && v[0] <= '9' {
		e.Priority = int(v[0] - '0')
	}
	p.startClock(e)
	e.Received = e.Timeline.Began()
	e.Deadline = p.deadline(e)
	e.Timeline.Mark(event.StageBroker, e.Fetched)
}

// startClock takes the timeline of the gateway, or begins one.
func (p *Processor) startClock(e *event.Event) {
	if header := e.Header(event.HeaderTimeline); header != nil {
		if t, err := event.ParseTimeline(header); err == nil && believable(t.Began(), e.Fetched) {
			e.Timeline = t
			return
		}
		p.meter.absurd.Inc()
	}
	began := e.Recorded
	if p.deps.Clock != nil {
		if at, ok := p.deps.Clock(e); ok {
			began = at
		}
	}
	if !believable(began, e.Fetched) {
		p.meter.absurd.Inc()
		began = e.Fetched
	}
	e.Timeline.Start(began)
}

func believable(began, fetched time.Time) bool {
	ahead := began.Sub(fetched)
	return ahead <= maxAhead && ahead >= -maxAge
}

// lastMoment is the end of the year 9999 in Unix microseconds: JSON has no later time.
const lastMoment = 253_402_300_799_999_999

// longOver is how long before its event's beginning a deadline may be: one of 1970 is a
// time in another unit than microseconds.
const longOver = 24 * time.Hour

func (p *Processor) deadline(e *event.Event) time.Time {
	if header := e.Header(event.HeaderDeadline); len(header) > 0 {
		us, err := strconv.ParseInt(string(header), 10, 64)
		if at := time.UnixMicro(us); err == nil && us > 0 && us <= lastMoment && e.Received.Sub(at) <= longOver {
			return at
		}
		p.meter.absurd.Inc()
	}
	return p.budget.Load().Deadline(e.Received)
}
