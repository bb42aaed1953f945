package gateway

import (
	"net/http"
	"net/url"
	"time"

	"betimes/internal/failpoint"
	"betimes/internal/listen"
)

// post takes one event or many: POST /v1/events.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	c, problem := readCall(r.Header, time.Now())
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	if !s.known() {
		s.refuse(w, starting())
		return
	}
	l := s.flight.lease()
	defer l.release()
	form, problem := s.formOf(r.Header)
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	limit, name := s.config.MaxBytes, "max_bytes"
	if form.many != nil {
		limit, name = s.config.MaxBody, "max_body"
	}
	body, problem := s.reader.read(r, l, limit, name)
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	failpoint.Reach("gateway.body.after") // the body is read, nothing begun
	if form.many != nil {
		s.many(w, r, &c, l, form, body)
		return
	}
	d := form.one(r.Header, body)
	s.one(w, r, &c, l, &d)
}

// known says whether the ids of the last window are.
func (s *Server) known() bool {
	select {
	case <-s.rebuilt:
		return true
	default:
		return false
	}
}

func starting() *listen.Problem {
	p := listen.NewProblem(http.StatusServiceUnavailable, "starting", "Not ready", "the ids of the last window are still being read; send it again")
	p.RetryAfter = retryAfter
	return &p
}

func (s *Server) refuse(w http.ResponseWriter, p *listen.Problem) {
	s.metrics.totals.refused.Add(1)
	p.Write(w)
}

// one answers a request that holds one event.
func (s *Server) one(w http.ResponseWriter, r *http.Request, c *call, l *lease, d *draft) {
	e, made, problem := s.identify(c, c.id, d)
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	id := e.ID // the event is its handler's soon
	ended, cancel := s.expect(c, id)
	defer cancel()
	t, again, problem := s.accept(r.Context(), e, made, l)
	if problem != nil {
		s.refuse(w, problem)
		return
	}
	src, problem := s.await(r.Context(), t, time.Now().Add(s.config.AckTimeout))
	if problem != nil {
		problem.Write(w)
		return
	}
	if again {
		s.metrics.totals.duplicate.Add(1)
	}
	if ended != nil && s.answerEnded(w, r, c, id, again, ended) {
		return
	}
	failpoint.Reach("gateway.answer.before") // durable, not answered
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Location", "/v1/events/"+url.PathEscape(id))
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(append(appendAccepted(make([]byte, 0, 64+len(id)), id, src), '\n')) // the caller may have gone
	failpoint.Reach("gateway.answer.after")                                            // answered, perhaps not sent yet
}
