package gateway

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/kafka"
	"betimes/internal/listen"
)

// retryAfter is told with 503: brokers elect a new leader within seconds.
const retryAfter = time.Second

// statusGone counts requests whose caller went away before the answer; nobody reads it.
const statusGone = 499

// draft is one event as a decoder found it.
type draft struct {
	value       []byte // aliases the body, or has memory of its own
	json        bool   // value must be one JSON object
	contentType string
	id          string // ce-id
	key         []byte // ce-partitionkey
	time        time.Time
	headers     []event.Header // ce_*
	problem     *listen.Problem
}

// identify makes the event of a draft, or says why it is none. made says that
// its id is new, made here.
func (s *Server) identify(c *call, id string, d *draft) (e *event.Event, made bool, p *listen.Problem) {
	if d.problem != nil {
		return nil, false, d.problem
	}
	e = &event.Event{
		ID: firstOf(id, d.id), Key: d.key, Value: d.value, ContentType: d.contentType,
		Priority: c.priority, Received: c.received, EventTime: d.time, Headers: c.passed,
	}
	if len(d.headers) > 0 {
		e.Headers = append(d.headers, c.passed...)
	}
	if c.key != nil {
		e.Key = c.key
	}
	if d.json {
		if p := checkObject(d.value); p != nil {
			return nil, false, p
		}
		if p := s.fields.fill(e); p != nil {
			return nil, false, p
		}
	}
	if e.ID == "" {
		e.ID, made = newID(c.received), true
	}
	e.Deadline = s.live.Load().budget.Deadline(c.received)
	if c.deadline > 0 {
		e.Deadline = c.received.Add(c.deadline)
	}
	e.Timeline.Start(c.received)
	return e, made, nil
}

// accept hands the event on unless its id was seen, and returns the ticket to wait for.
func (s *Server) accept(ctx context.Context, e *event.Event, made bool, l *lease) (*ticket, bool, *listen.Problem) {
	now := time.Now()
	if wait, ok := s.live.Load().rate.take(now); !ok {
		p := listen.NewProblem(http.StatusTooManyRequests, "rate", "Too many events", "more than flow.gateway.rate events a second; send it again later")
		p.RetryAfter = wait
		return nil, false, &p
	}
	if p := s.inTime(e, made, now); p != nil {
		return nil, false, p
	}
	failpoint.Reach("gateway.remember.before") // an event, its id not remembered
	t := s.memory.fresh()
	if !made {
		var first bool
		var err error
		if t, first, err = s.memory.begin(e.ID, e.Value, now); err != nil {
			p := listen.NewProblem(http.StatusUnprocessableEntity, "other_body", "The id was used with another body", "the same id must come with the same body; send a new id for a new event")
			return nil, false, &p
		}
		if !first {
			return t, true, nil
		}
	}
	s.hand(ctx, e, t, l)
	return t, false, nil
}

// inTime refuses an event that would be late, unless it was accepted before.
func (s *Server) inTime(e *event.Event, made bool, now time.Time) *listen.Problem {
	if s.deps.Admission == nil || !made && s.memory.holds(e.ID, now) {
		return nil
	}
	wait, ok := s.deps.Admission.Admit(e.Key, e.Deadline.Sub(now), e.Priority)
	if ok {
		return nil
	}
	s.metrics.totals.late.Add(1)
	p := listen.NewProblem(http.StatusTooManyRequests, "would_be_late", "The event would be late", "those before it take longer than it has (flow.admit.late: shed); send it again later, or with more time")
	p.RetryAfter = wait
	return &p
}

// hand gives the event to the next handler; t is settled in any case, once.
func (s *Server) hand(ctx context.Context, e *event.Event, t *ticket, l *lease) {
	began := time.Now()
	l.hold()
	s.metrics.totals.pending.Add(1)
	e.Settled = func(src event.Source, err error) {
		now := time.Now()
		s.metrics.totals.pending.Add(-1)
		if err != nil {
			s.metrics.totals.failed.Add(1)
		} else {
			s.metrics.totals.accepted.Add(1)
			s.metrics.ack.Observe(now.Sub(began).Seconds())
		}
		failpoint.Reach("gateway.settle.before") // durable or refused, whoever waits is not told
		s.memory.settle(t, src, err, now)
		failpoint.Reach("gateway.settle.after") // whoever waits is told, not answered
		l.release()
	}
	settle := e.Settled
	failpoint.Reach("gateway.produce.before") // its id is remembered, it is not handed on
	e.Timeline.Mark(event.StageGateway, began)
	// Others may wait for this id: it goes on when its first caller is gone.
	if err := s.deps.Next.Handle(context.WithoutCancel(ctx), e); err != nil {
		settle(event.Source{}, err)
	}
	failpoint.Reach("gateway.produce.after") // handed on, perhaps not acknowledged
}

// await waits until the ticket is settled, the caller is gone (ctx) or the brokers were too slow.
func (s *Server) await(ctx context.Context, t *ticket, until time.Time) (event.Source, *listen.Problem) {
	select {
	case <-t.done:
		return s.outcome(t)
	default:
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-t.done:
		return s.outcome(t)
	case <-ctx.Done():
		p := listen.NewProblem(statusGone, "caller_gone", "The caller is gone", "")
		return event.Source{}, &p
	case <-timer.C:
		s.deps.Log.Warn("brokers did not acknowledge in time", "ack_timeout", s.config.AckTimeout)
		return event.Source{}, notDurable("the brokers did not acknowledge within " + s.config.AckTimeout.String() + "; send it again with the same Idempotency-Key")
	}
}

// outcome tells a settled ticket as its caller sees it.
func (s *Server) outcome(t *ticket) (event.Source, *listen.Problem) {
	if t.err == nil {
		return t.source, nil
	}
	var p listen.Problem
	if errors.As(t.err, &p) { // a handler before the broker refused it
		return event.Source{}, &p
	}
	if errors.Is(t.err, kafka.ErrTooLarge) {
		p := listen.NewProblem(http.StatusRequestEntityTooLarge, "record_too_large", "The event is too large for the topic", "a topic takes "+strconv.Itoa(kafka.MaxEventBytes)+" bytes with key and headers, or what max.message.bytes of the topic events says when that is less; send less")
		return event.Source{}, &p
	}
	s.deps.Log.Warn("event not made durable", "err", t.err)
	return event.Source{}, notDurable("the brokers did not take the event; send it again with the same Idempotency-Key")
}

func notDurable(detail string) *listen.Problem {
	p := listen.NewProblem(http.StatusServiceUnavailable, "not_durable", "The event is not durable yet", detail)
	p.RetryAfter = retryAfter
	return &p
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// newID makes a UUID version 7 (RFC 9562): ids made later sort later.
func newID(now time.Time) string {
	var u [16]byte
	_, _ = rand.Read(u[6:]) // never fails
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(u[:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(u[2:6], uint32(ms))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], u[:4])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:], u[10:])
	return string(text[:])
}
