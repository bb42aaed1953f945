package gateway

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"betimes/internal/listen"
)

// description is the OpenAPI document; a test holds it against the routes and answers.
//
//go:embed openapi.json
var description []byte

// route is one call of the gateway.
type route struct {
	method, path string
	open         bool // needs no token, or asks for its own
	serve        http.HandlerFunc
}

func (s *Server) table() []route {
	list := []route{
		{http.MethodPost, "/v1/events", false, s.post},
		{http.MethodGet, "/v1/events/{id}", false, s.find},
		{http.MethodGet, "/openapi.json", true, s.describe},
		{http.MethodGet, "/healthz", true, s.healthz},
		{http.MethodGet, "/readyz", true, s.readyz},
	}
	if s.deps.Gatherer != nil {
		metrics := s.scraped(promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{}))
		list = append(list, route{http.MethodGet, "/metrics", true, metrics.ServeHTTP})
	}
	return list
}

// routes builds the mux: known routes, 405 for their other methods, 404 for the rest.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range s.table() {
		var h http.Handler = r.serve
		if !r.open {
			h = s.guarded(h)
		}
		mux.Handle(r.method+" "+r.path, h)
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, allowed := range methods {
		mux.Handle(path, refuseMethod(allowed))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		listen.NewProblem(http.StatusNotFound, "no_route", "No such route", "GET /openapi.json lists what there is").Write(w)
	})
	return mux
}

func refuseMethod(allowed []string) http.Handler {
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		listen.NewProblem(http.StatusMethodNotAllowed, "method", "Method not allowed", "this route knows "+allow).Write(w)
	})
}

func (s *Server) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(description) // the caller may have gone
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}

// tells says whether the caller may know why: the reason may name machines of
// the owner's network.
func (s *Server) tells(r *http.Request) bool {
	if guard := s.live.Load().guard; guard != nil {
		return guard.Knows(r)
	}
	return s.config.Auth != "external"
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(); err != nil {
		s.deps.Log.Warn("not ready", "err", err)
		detail := "the log says why; a caller with a token is told here"
		if s.tells(r) {
			detail = err.Error()
		}
		p := listen.NewProblem(http.StatusServiceUnavailable, "not_ready", "Not ready", detail)
		p.RetryAfter = retryAfter
		p.Write(w)
		return
	}
	s.healthz(w, r)
}
