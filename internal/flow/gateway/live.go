package gateway

import (
	"net/http"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/listen"
	"betimes/internal/privacy"
)

// live is what a running Server takes over from a changed file: a request uses
// one live from its beginning to its end.
type live struct {
	guard   *listen.Guard // nil: everyone may send
	rate    *bucket
	perSec  float64
	budget  budget.Budget
	privacy privacy.Policy
}

// Reload takes rate and tokens, the budget and the policy over from a valid
// Config. The rest of Config stays what it was when the Server was made.
func (s *Server) Reload(c Config, b budget.Budget, p privacy.Policy) {
	next := &live{perSec: c.Rate, budget: b, privacy: p}
	if len(c.Tokens) > 0 {
		next.guard = listen.NewGuard(c.Tokens)
	}
	if old := s.live.Load(); old != nil && old.perSec == c.Rate {
		next.rate = old.rate // what was used of it stays used
	} else {
		next.rate = newBucket(c.Rate)
	}
	s.live.Store(next)
}

// guarded lets callers through that the tokens in force allow.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard := s.live.Load().guard; guard != nil {
			guard.Require(listen.RoleRead, next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// scraped lets callers through that show the token of metrics, or one of those in
// force; where there is neither, everyone.
func (s *Server) scraped(next http.Handler) http.Handler {
	own := listen.RequireToken(s.deps.Scrape, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard := s.live.Load().guard
		if guard != nil && (s.deps.Scrape.IsZero() || guard.Knows(r)) {
			guard.Require(listen.RoleRead, next).ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// Remember tells of an event that another gateway accepted, so that its id gets
// the same answer here. value is as Recent has it.
func (s *Server) Remember(id string, value []byte, at event.Source) {
	s.memory.recall(id, value, at)
}
