package stream

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

// end hands the ending of an item to the sink; its lane goes on at once.
func (p *Processor) end(it *item, ending event.Ending) {
	if p.dropIfGone(it) {
		return
	}
	if ending.Place == event.DeadLetter && p.config.then(ending.Reason) == thenHalt {
		p.stop(it.part, fmt.Errorf("%s: %s in %s after %d attempts (flow.stream.errors): %w", it.event.Source, ending.Reason, ending.Stage, it.event.Attempts, ending.Err))
		p.dropIfGone(it)
		return
	}
	if p.probation.hold(it, ending) {
		return
	}
	p.handOver(it, p.poisoned(it, ending))
}

// handOver gives an ending to the sink; its lane goes on once that has it.
func (p *Processor) handOver(it *item, ending event.Ending) {
	if p.exactly != nil {
		p.exactly.put(it, ending, it.lane)
		return
	}
	failpoint.Reach("stream.write.before") // it has an ending, which is not handed over
	p.write(it, ending)
	failpoint.Reach("stream.write.after") // handed over, its lane has not gone on
	p.next(it.lane)
	failpoint.Reach("stream.next.after") // the lane has gone on
}

// next lets the lane of a handed-over event go on.
func (p *Processor) next(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(l)
	p.dispatch()
}

// dropIfGone drops an ending whose partition now belongs to another member and
// whose hand-over time is over.
func (p *Processor) dropIfGone(it *item) bool {
	if it.part.ctx.Err() == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(it)
	it.part.busy--
	it.part.settle()
	return true
}

// write hands the record of an ending over. A duplicate is counted, not written.
func (p *Processor) write(it *item, ending event.Ending) {
	if p.exactly != nil {
		p.exactly.put(it, ending, nil)
		return
	}
	if ending.Place == event.Duplicate {
		p.finish(it, ending.Place)
		return
	}
	record := p.record(it, ending)
	if ending.Place != event.Predicted {
		failpoint.Reach("stream.dead_letter.before") // dead letter, shed or quarantine made, not handed over
	}
	p.carry(it, ending.Value)
	p.deps.Sink.Write(record, func(at event.Source, err error) {
		switch {
		case err == nil:
			if ending.Place == event.Parked {
				p.parked(it, at.Offset)
			}
			p.finish(it, ending.Place)
		case ending.Place == event.Predicted && errors.Is(err, kafka.ErrTooLarge) && p.config.then(event.ReasonTooLarge) != thenHalt:
			failpoint.Reach("stream.too_large.before") // prediction refused, its dead letter not made
			p.write(it, event.Fail(event.ReasonTooLarge, event.StagePublish, err))
		case ending.Place != event.Predicted && !it.bare && errors.Is(err, kafka.ErrTooLarge):
			it.bare = true
			p.write(it, ending)
		default:
			p.stop(it.part, fmt.Errorf("write to %s: %w", record.Topic, err))
			p.abandon(it)
		}
	})
}

// finish counts an acknowledged ending and finishes its offset.
func (p *Processor) finish(it *item, place event.Place) {
	failpoint.Reach("stream.finish.before") // acknowledged, its offset not finished
	if place != event.Predicted {
		failpoint.Reach("stream.dead_letter.finish") // dead letter, shed or quarantine acknowledged, its offset not finished
	}
	p.tell(it.event, place)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared != nil {
		p.shared.Accept(it.event)
	} else {
		p.done(it)
	}
	p.giveBack(it)
	failpoint.Reach("stream.finish.after") // its offset is finished, not committed
}

// tell counts an event that has ended.
func (p *Processor) tell(e *event.Event, place event.Place) {
	now := time.Now()
	e.Timeline.Mark(event.StagePublish, now)
	p.meter.ended(e, place, now)
	if p.deps.Finished != nil {
		p.deps.Finished(e, place, now)
	}
}

// done finishes the offset of an item. p.mu is held.
func (p *Processor) done(it *item) {
	forgotten := it.part.offsets.finish(it.seq)
	it.part.worth = true
	if !it.part.gone { // else letGo has counted them
		p.tracked -= forgotten
	}
}

// carry counts the bytes of a prediction until it is acknowledged: answers may
// be larger than their events.
func (p *Processor) carry(it *item, value []byte) {
	p.unsent.Add(int64(len(value)) - it.out)
	it.out = int64(len(value))
}

// giveBack ends what is under way for an item, and begins attempts that waited
// for the brokers. p.mu is held.
func (p *Processor) giveBack(it *item) {
	it.part.busy--
	it.part.settle()
	p.release(it)
	p.unsent.Add(-it.out)
	p.dispatch()
}

// abandon gives an item back without finishing its offset.
func (p *Processor) abandon(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handBack(it.event)
	p.giveBack(it)
}

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
