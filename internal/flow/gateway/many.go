package gateway

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/listen"
)

// aheadEvents is how many events of one request may wait for the brokers at a
// time: more keep the brokers busier, and hold more memory.
const aheadEvents = 1024

// many answers a request of many events: 200 and one status each, in order.
func (s *Server) many(w http.ResponseWriter, r *http.Request, c *call, l *lease, f form, body []byte) {
	drafts, problem := f.many(body, int(s.config.MaxBytes), l)
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	m := manyEvents{server: s, ctx: r.Context(), call: c, lease: l, answers: answers{w: w, array: f.array}}
	m.answers.begin()
	for d := range drafts {
		if m.ctx.Err() != nil {
			return // the caller reads no answers
		}
		m.add(&d)
	}
	m.finish(len(m.ahead))
	m.answers.end()
}

// manyEvents is one request of many events at work.
type manyEvents struct {
	server  *Server
	ctx     context.Context // the request's
	call    *call
	lease   *lease
	answers answers
	ahead   []step // begun, not answered, in order
	index   int
	broken  *listen.Problem // an event did not become durable: later ones are not begun
}

// add begins one event and answers the oldest ones when too many are under way.
func (m *manyEvents) add(d *draft) {
	if len(m.ahead) == aheadEvents {
		m.finish(aheadEvents / 2)
	}
	if m.broken != nil {
		d.problem = m.broken
	}
	m.ahead = append(m.ahead, m.begin(d))
	m.index++
}

// finish answers the oldest n events. While answers flow the connection's time goes on.
func (m *manyEvents) finish(n int) {
	until := time.Now().Add(m.server.config.AckTimeout + writeTimeout)
	_ = http.NewResponseController(m.answers.w).SetWriteDeadline(until) // not every writer has one
	for i := range m.ahead[:n] {
		m.answer(&m.ahead[i])
	}
	m.ahead = append(m.ahead[:0], m.ahead[n:]...)
}

// step is one of many events under way.
type step struct {
	index   int
	id      string
	began   time.Time
	ticket  *ticket
	again   bool
	problem *listen.Problem
}

// begin hands one event on. An Idempotency-Key names each by its place.
func (m *manyEvents) begin(d *draft) step {
	var id string
	if m.call.id != "" && d.problem == nil {
		id = m.call.id + "-" + strconv.Itoa(m.index)
		d.problem = checkID(id, "Idempotency-Key")
	}
	totals := &m.server.metrics.totals
	e, made, problem := m.server.identify(m.call, id, d)
	if problem != nil {
		totals.refused.Add(1)
		return step{index: m.index, problem: problem}
	}
	st := step{index: m.index, id: e.ID, began: time.Now()}
	st.ticket, st.again, st.problem = m.server.accept(m.ctx, e, made, m.lease)
	if st.problem != nil {
		totals.refused.Add(1)
	}
	return st
}

// answer waits for one event and writes its status.
func (m *manyEvents) answer(st *step) {
	var src event.Source
	if st.problem == nil {
		src, st.problem = m.server.await(m.ctx, st.ticket, st.began.Add(m.server.config.AckTimeout))
		if st.problem != nil && st.problem.Status == http.StatusServiceUnavailable {
			m.broken = st.problem
		}
	}
	if st.problem == nil && st.again {
		m.server.metrics.totals.duplicate.Add(1)
	}
	m.answers.add(st, src)
	failpoint.Reach("gateway.many.answered") // one of many is answered, others are not
}

// lines are the drafts of NDJSON: one JSON object a line, empty lines skipped.
func lines(body []byte, most int, _ *lease) (iter.Seq[draft], *listen.Problem) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, malformed("empty", "", "the body is empty; send one JSON object a line")
	}
	return func(yield func(draft) bool) {
		for len(body) > 0 {
			var line []byte
			line, body, _ = bytes.Cut(body, []byte{'\n'})
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if !yield(bounded(draft{value: line, json: true, contentType: mediaJSON}, most)) {
				return
			}
		}
	}, nil
}

// bounded refuses a draft of many that is larger than one event may be.
func bounded(d draft, most int) draft {
	if d.problem == nil && len(d.value) > most {
		p := listen.NewProblem(http.StatusRequestEntityTooLarge, "too_large", "The event is too large", "one event is at most "+strconv.Itoa(most)+" bytes (flow.gateway.max_bytes)")
		d.problem = &p
	}
	return d
}
