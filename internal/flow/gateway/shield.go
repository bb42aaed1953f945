package gateway

import (
	"net/http"

	"betimes/internal/listen"
)

// shielded refuses what a web page elsewhere can make a browser on this machine
// send. It matters where being on this machine is all that lets a caller in:
// without tokens, on loopback, and with no proxy in front that checks.
func (s *Server) shielded(addr string, next http.Handler) http.Handler {
	if s.config.Auth == "external" || !listen.IsLoopback(addr) {
		return next
	}
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.live.Load().guard != nil:
			next.ServeHTTP(w, r)
		case !listen.NamesLoopback(r.Host):
			listen.NewProblem(http.StatusMisdirectedRequest, "foreign_host", "Without tokens this listener answers to this machine only",
				"ask as 127.0.0.1 or localhost; to answer to other names set flow.gateway.tokens, or flow.gateway.auth: external when a proxy in front checks callers").Write(w)
		case origins.Check(r) != nil:
			listen.NewProblem(http.StatusForbidden, "cross_site", "Pages of other sites may not send events", "set flow.gateway.tokens and send one, or send the event from the page's own server").Write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
