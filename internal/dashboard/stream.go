package dashboard

import (
	"encoding/json"
	"net/http"
	"time"

	"betimes/internal/listen"
)

// every is the time between two events of a stream.
const every = time.Second

// cachedSummary is a summary that all streams of one second share.
type cachedSummary struct {
	at      time.Time
	summary Summary
}

// maxCached bounds the windows that are kept; more are answered without.
const maxCached = 8

func (d *Dashboard) cachedSummary(window time.Duration) Summary {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if c, ok := d.cached[window]; ok && now.Sub(c.at) < every/2 {
		return c.summary
	}
	s := d.summary(window)
	if len(d.cached) == maxCached {
		clear(d.cached)
	}
	d.cached[window] = cachedSummary{now, s}
	return s
}

// stream sends a summary a second as server-sent events, until the caller goes.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request) {
	window, problem := spanOf(r, "window", d.source.Window())
	if problem != nil {
		problem.Write(w)
		return
	}
	select {
	case d.streams <- struct{}{}:
		defer func() { <-d.streams }()
	default:
		p := listen.NewProblem(http.StatusServiceUnavailable, "too_many_streams", "Too many pages are open", "close one, or ask /api/v1/summary now and then")
		p.RetryAfter = 10 * time.Second
		p.Write(w)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the server's own limit is for requests that end
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if send(w, control, d.cachedSummary(window)) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// patience is how long a caller that does not read is waited for.
const patience = 10 * time.Second

func send(w http.ResponseWriter, control *http.ResponseController, s Summary) error {
	_ = control.SetWriteDeadline(time.Now().Add(patience)) // not every writer has one
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	frame := append(append([]byte("event: summary\ndata: "), data...), "\n\n"...)
	if _, err := w.Write(frame); err != nil {
		return err
	}
	return control.Flush()
}
