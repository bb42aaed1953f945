package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
	"betimes/internal/watch/latency"
)

// plain answers what f gives.
func (d *Dashboard) plain(f func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, f()) }
}

// span answers what f gives for a duration in the query, such as window=5m.
func (d *Dashboard) span(name string, usual time.Duration, f func(time.Duration) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		span, problem := spanOf(r, name, usual)
		if problem != nil {
			problem.Write(w)
			return
		}
		answer(w, f(span))
	}
}

// spanOf reads a duration of the query.
func spanOf(r *http.Request, name string, usual time.Duration) (time.Duration, *listen.Problem) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > latency.History {
		p := listen.NewProblem(http.StatusBadRequest, "bad_span", "This is no span that can be answered", name+" takes a duration from 1s to "+latency.History.String()+", for example 5m")
		p.Field = name
		return 0, &p
	}
	return d.Truncate(time.Second), nil
}

// event answers where one event is and how it got there.
func (d *Dashboard) event(w http.ResponseWriter, r *http.Request) {
	if d.finder == nil {
		unknown(w, r)
		return
	}
	where, err := d.finder.Find(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, event.ErrUnknown):
		listen.NewProblem(http.StatusNotFound, "unknown_event", "No event of this id is known", whyUnknown(err)).Write(w)
	case err != nil:
		p := listen.NewProblem(http.StatusServiceUnavailable, "topics_unreadable", "The topics cannot be read now", err.Error())
		p.RetryAfter = time.Second
		p.Write(w)
	default:
		answer(w, Explain(where, d.privacy))
	}
}

// whyUnknown adds what the finder says beyond that the event is unknown.
func whyUnknown(err error) string {
	const usual = "it was never accepted here, or its topic no longer keeps it"
	if more := err.Error(); more != event.ErrUnknown.Error() {
		return usual + "; " + more
	}
	return usual
}

// unknown answers for parts that this version does not have.
func unknown(w http.ResponseWriter, r *http.Request) {
	listen.NewProblem(http.StatusNotFound, "not_found", "The API has no "+r.Method+" "+r.URL.Path,
		"GET summary, latency, why, topology, lag, keys, budget, models, endpoints, instances, changes, events/{id} and stream are there").Write(w)
}

// onlyRead answers for parts that are there and are only read.
func onlyRead(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	listen.NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", "This path does not take "+r.Method, "it takes GET, HEAD").Write(w)
}

// list puts a list under its name, [] when it is empty.
func list[T any](name string, all []T) map[string][]T {
	if all == nil {
		all = []T{}
	}
	return map[string][]T{name: all}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}
