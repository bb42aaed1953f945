package gateway

import (
	"bytes"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
)

// aheadEvents is how many events of one request may wait for the brokers at a
// time: more keep the brokers busier, and hold more memory.
const aheadEvents = 1024

// many answers a request of many events: 200 and one status each, in order.
func (s *Server) many(w http.ResponseWriter, r *http.Request, c *call, l *lease, f form, body []byte) {
	answers := answers{w: w, array: f.array}
	answers.begin()
	var ahead []step
	index := 0
	for d := range f.many(body, int(s.config.MaxBytes), l) {
		if r.Context().Err() != nil {
			break // the caller reads no answers
		}
		if len(ahead) == aheadEvents {
			s.finish(r, &answers, &ahead[0])
			ahead = append(ahead[:0], ahead[1:]...)
		}
		ahead = append(ahead, s.start(r, c, l, &d, index))
		index++
	}
	for i := range ahead {
		s.finish(r, &answers, &ahead[i])
	}
	answers.end()
}

// step is one of many events under way.
type step struct {
	index   int
	id      string
	ticket  *ticket
	again   bool
	problem *listen.Problem
}

// start hands one event on. An Idempotency-Key names each by its place.
func (s *Server) start(r *http.Request, c *call, l *lease, d *draft, index int) step {
	var id string
	if c.id != "" {
		id = c.id + "-" + strconv.Itoa(index)
		if p := checkID(id, "Idempotency-Key"); p != nil {
			d.problem = p
		}
	}
	e, made, problem := s.identify(c, id, d)
	if problem != nil {
		s.metrics.totals.refused.Add(1)
		return step{index: index, problem: problem}
	}
	st := step{index: index, id: e.ID}
	st.ticket, st.again, st.problem = s.accept(r.Context(), e, made, l)
	if st.problem != nil {
		s.metrics.totals.refused.Add(1)
	}
	return st
}

// finish waits for one event and writes its status.
func (s *Server) finish(r *http.Request, a *answers, st *step) {
	var src event.Source
	if st.problem == nil {
		timer := time.NewTimer(s.config.AckTimeout)
		src, st.problem = s.await(r.Context(), st.ticket, timer.C)
		timer.Stop()
	}
	if st.problem == nil && st.again {
		s.metrics.totals.duplicate.Add(1)
	}
	a.add(st, src)
}

// answers writes one status per event, as NDJSON or as one JSON array.
type answers struct {
	w     http.ResponseWriter
	array bool
	count int
	line  []byte
}

func (a *answers) begin() {
	media := mediaNDJSON
	if a.array {
		media = mediaJSON
	}
	a.w.Header().Set("Content-Type", media)
	a.w.WriteHeader(http.StatusOK)
	if a.array {
		a.write([]byte("["))
	}
}

func (a *answers) add(st *step, src event.Source) {
	b := a.line[:0]
	if a.array && a.count > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(st.index), 10)
	if st.problem == nil {
		b = append(b, `,"status":202,`...)
		b = append(b, bytes.TrimPrefix(appendAccepted(nil, st.id, src), []byte{'{'})...)
	} else {
		text, _ := json.Marshal(st.problem) // strings and a number cannot fail
		b = append(b, ',')
		if st.id != "" {
			b = append(b, `"id":`...)
			b = append(strconv.AppendQuote(b, st.id), ',')
		}
		b = append(b, text[1:]...)
	}
	if !a.array {
		b = append(b, '\n')
	}
	a.line = b
	a.count++
	a.write(b)
}

func (a *answers) end() {
	if a.array {
		a.write([]byte("]\n"))
	}
}

func (a *answers) write(b []byte) { _, _ = a.w.Write(b) } // the caller may have gone

// lines are the drafts of NDJSON: one JSON object a line, empty lines skipped.
func lines(body []byte, most int, _ *lease) iter.Seq[draft] {
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
	}
}

// bounded refuses a draft of many that is larger than one event may be.
func bounded(d draft, most int) draft {
	if d.problem == nil && len(d.value) > most {
		p := listen.NewProblem(http.StatusRequestEntityTooLarge, "too_large", "The event is too large", "one event is at most "+strconv.Itoa(most)+" bytes (flow.gateway.max_bytes)")
		d.problem = &p
	}
	return d
}
