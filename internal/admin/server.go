package admin

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"betimes/internal/listen"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Deps are what a Server works with.
type Deps struct {
	Log      *slog.Logger
	Gatherer prometheus.Gatherer // of /metrics
}

// RoleOpen lets everyone in: health, and pages without data.
const RoleOpen = ""

// Server is the admin listener of one process.
type Server struct {
	config   Config
	log      *slog.Logger
	listener net.Listener
	guard    *listen.Guard
	mux      *http.ServeMux
	checks   []Check
	draining atomic.Bool
	stopping context.Context // ends with Run: long answers end with it
	stop     context.CancelFunc
}

// New opens the listener; requests are answered from Run on.
func New(c Config, deps Deps) (*Server, error) {
	l, err := listen.Open(c.Listen, "admin.listen")
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: deps.Log, listener: l, guard: listen.NewGuard(c.Tokens), mux: http.NewServeMux()}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.Mount("GET /healthz", RoleOpen, http.HandlerFunc(healthy))
	s.Mount("GET /readyz", RoleOpen, http.HandlerFunc(s.ready))
	metrics := promhttp.HandlerFor(deps.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	s.Mount("GET /metrics", RoleOpen, listen.RequireToken(c.MetricsToken, metrics))
	s.mountProfiles()
	return s, nil
}

// Mount answers pattern (as of http.ServeMux) to callers of at least role.
func (s *Server) Mount(pattern, role string, h http.Handler) {
	if role != RoleOpen {
		h = s.guard.Require(role, h)
	}
	s.mux.Handle(pattern, h)
}

// writeTimeout is how long an answer may take, slow reader included: a profile
// of a minute fits. A stream sets its own deadline before each write.
const writeTimeout = 2 * time.Minute

// Addr is where it listens, with the port that port 0 became.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Drain makes the process unready while it goes on answering.
func (s *Server) Drain() { s.draining.Store(true) }

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	defer s.stop()
	defer context.AfterFunc(ctx, s.stop)()
	server := &listen.Server{Listener: s.listener, Handler: s.handler(), TLS: s.config.TLS, Log: s.log, Write: writeTimeout}
	return server.Run(ctx)
}

// Close gives the listener back when Run is never called.
func (s *Server) Close() error {
	s.stop()
	return s.listener.Close()
}

func (s *Server) mountProfiles() {
	s.Mount("GET /debug/pprof/", listen.RoleAdmin, http.HandlerFunc(pprof.Index))
	s.Mount("GET /debug/pprof/cmdline", listen.RoleAdmin, http.HandlerFunc(pprof.Cmdline))
	s.Mount("GET /debug/pprof/profile", listen.RoleAdmin, http.HandlerFunc(pprof.Profile))
	s.Mount("GET /debug/pprof/symbol", listen.RoleAdmin, http.HandlerFunc(pprof.Symbol))
	s.Mount("GET /debug/pprof/trace", listen.RoleAdmin, http.HandlerFunc(pprof.Trace))
}

// handler puts what holds for every request around the mux.
func (s *Server) handler() http.Handler {
	var h http.Handler = problems(s.mux)
	h = http.NewCrossOriginProtection().Handler(h)
	if listen.IsLoopback(s.Addr()) {
		h = localOnly(h)
	}
	return secured(s.ending(h))
}

// ending ends requests with the server, so that a stream does not hold up its stop.
func (s *Server) ending(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.stopping, cancel)()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
