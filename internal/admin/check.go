package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Check says whether one thing that this role needs is there.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
}

// checkTimeout is the longest a readiness check may take.
const checkTimeout = 2 * time.Second

// AddCheck makes readiness depend on ready.
func (s *Server) AddCheck(name string, ready func(ctx context.Context) error) {
	s.checks = append(s.checks, Check{name, ready})
}

// Ready runs all checks at once and returns what failed, by name; nil when the role is ready.
func (s *Server) Ready(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	failed := make([]error, len(s.checks))
	var wait sync.WaitGroup
	for i, c := range s.checks {
		wait.Go(func() { failed[i] = c.Ready(ctx) })
	}
	wait.Wait()
	var out map[string]error
	for i, err := range failed {
		if err != nil {
			out = with(out, s.checks[i].Name, err)
		}
	}
	if s.draining.Load() {
		out = with(out, "process", errDraining)
	}
	return out
}

var errDraining = errors.New("shutting down")

func with(m map[string]error, name string, err error) map[string]error {
	if m == nil {
		m = make(map[string]error)
	}
	m[name] = err
	return m
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"healthy": true})
}

// untold stands for a reason, which may name machines of the owner's network, to
// callers that show no token where there are tokens.
const untold = "failed; ask with a token, or read the log, for the reason"

// ready answers 200, or 503 with the checks that failed.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	failed := s.Ready(r.Context())
	if len(failed) == 0 {
		answer(w, http.StatusOK, map[string]any{"ready": true})
		return
	}
	texts := make(map[string]string, len(failed))
	for name, err := range failed {
		texts[name] = untold
		if s.guard.Knows(r) {
			texts[name] = err.Error()
		}
	}
	answer(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "failed": texts})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}
