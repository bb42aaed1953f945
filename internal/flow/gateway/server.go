package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/listen"
	"betimes/internal/privacy"
	"betimes/internal/setting"
)

// Finder knows where an event is.
type Finder interface {
	// Find says where the event is or how it ended; event.ErrUnknown when nothing is known of it.
	Find(ctx context.Context, id string) (event.Whereabouts, error)
	// Expect registers interest before the event is handed on, so that no
	// ending is missed. wait returns when it ended or ctx did; cancel ends the
	// interest and is called in any case.
	Expect(id string) (wait func(context.Context) (event.Whereabouts, error), cancel func())
}

// Recent calls each for every event accepted since then, oldest first, so that
// their ids are known again. value is the payload as the caller sent it, or nil
// when what the topic holds is not that; any body then counts as the same.
type Recent func(ctx context.Context, since time.Time, each func(id string, value []byte, at event.Source)) error

// Admission knows whether an event can be in time.
type Admission interface {
	// Admit lets an event of a key in (nil: none) that has so much time left, or tells
	// how long until one would be.
	Admit(key []byte, left time.Duration, priority int) (wait time.Duration, ok bool)
}

// Deps are the collaborators of a Server.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer // of GET /metrics; nil: the route is absent
	Scrape     setting.Secret      // token of GET /metrics besides those of the gateway; empty: none
	Budget     budget.Budget
	Next       event.Handler
	Admission  Admission    // nil: what will be late is let in too
	Finder     Finder       // nil: nothing can be looked up or waited for
	Recent     Recent       // nil: ids are not remembered over a restart
	Ready      func() error // nil: ready as soon as ids are known again
	Privacy    privacy.Policy
	Listener   net.Listener // nil: Run listens on Config.Listen
	Value      string       // what the topic holds, as kafka.topics.events.value has it; empty: json
}

// Server takes events in.
type Server struct {
	config  Config
	deps    Deps
	reader  reader
	fields  fields
	memory  *memory
	flight  *flight
	metrics *metrics
	live    atomic.Pointer[live]
	handler http.Handler
	rebuilt chan struct{} // closed when the ids of the last window are known

	draining atomic.Bool
	stopping context.Context // ends when Run is to end: nobody waits for an ending any more
	stop     context.CancelFunc
}

// New makes a Server of a valid Config. Run serves it.
func New(config Config, deps Deps) (*Server, error) {
	fields, err := newFields(config)
	if err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: config, deps: deps, fields: fields, rebuilt: make(chan struct{})}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.flight = &flight{max: int64(config.MaxInFlight)}
	s.reader = reader{flight: s.flight}
	s.memory = newMemory(config.Idempotency)
	s.Reload(config, deps.Budget, deps.Privacy)
	s.metrics = newMetrics(deps.Registerer, s.flight)
	s.handler = s.metrics.count(s.parting(s.routes()))
	if deps.Recent == nil {
		close(s.rebuilt)
	}
	return s, nil
}

// Handler serves every route of the gateway.
func (s *Server) Handler() http.Handler { return s.handler }

// Ready is closed once ids of the last window are known and events are taken.
func (s *Server) Ready() <-chan struct{} { return s.rebuilt }

// Drain makes the server unready while it goes on taking events.
func (s *Server) Drain() { s.draining.Store(true) }

// parting ends connections with their next answer once the server drains: one
// that is kept would be cut at the end, perhaps with a request on its way.
func (s *Server) parting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Run serves until ctx ends, then lets running requests finish.
func (s *Server) Run(ctx context.Context) error {
	l := s.deps.Listener
	if l == nil {
		var err error
		if l, err = listen.Open(s.config.Listen, "flow.gateway.listen"); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, s.stop)()
	recalled := make(chan struct{})
	go func() {
		defer close(recalled)
		s.recall(ctx)
	}()
	server := listen.Server{
		Listener: l, Handler: s.shielded(l.Addr().String(), s.handler), TLS: s.config.TLS, Log: s.deps.Log, Body: bodyTimeout,
		Grace: s.config.AckTimeout,
		Write: bodyTimeout + s.config.AckTimeout + maxWait + writeTimeout,
	}
	err := server.Run(ctx)
	failpoint.Reach("gateway.end.after") // the last request is answered, the process not ended
	cancel()
	<-recalled
	return err
}

const (
	bodyTimeout  = 30 * time.Second // to send a request
	writeTimeout = 30 * time.Second // to read an answer that is there
	recallRetry  = time.Second      // between attempts to read the last window
)

// recall learns the ids of the last window; until it has, no event is taken: a
// repeated one could not be told.
func (s *Server) recall(ctx context.Context) {
	if s.deps.Recent == nil {
		return
	}
	for {
		since := time.Now().Add(-s.config.Idempotency.Window)
		failpoint.Reach("gateway.recall.before") // listening, ids of the last window not read
		err := s.deps.Recent(ctx, since, s.memory.recall)
		if err == nil {
			failpoint.Reach("gateway.recall.after") // the ids are read, no event taken
			close(s.rebuilt)
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.deps.Log.Warn("ids of the last window not read yet", "err", err, "retry_in", recallRetry)
		select {
		case <-ctx.Done():
			return
		case <-time.After(recallRetry):
		}
	}
}

// ready says why no event can be taken now.
func (s *Server) ready() error {
	if s.draining.Load() {
		return errors.New("shutting down")
	}
	select {
	case <-s.rebuilt:
	default:
		return errors.New("the ids of the last window are still being read")
	}
	if s.deps.Ready != nil {
		return s.deps.Ready()
	}
	return nil
}

// Counts are what a Server did since it was made.
type Counts struct {
	Accepted      int64 // durable events answered or about to be
	Duplicate     int64 // answered from memory
	Failed        int64 // handed on, but not durable
	Late          int64 // refused, because they would be late
	InFlight      int64 // events handed on and not settled
	InFlightBytes int64
}

// Snapshot gives the counts so far, for the pulse.
func (s *Server) Snapshot() Counts {
	return Counts{
		Accepted: s.metrics.totals.accepted.Load(), Duplicate: s.metrics.totals.duplicate.Load(),
		Failed: s.metrics.totals.failed.Load(), Late: s.metrics.totals.late.Load(), InFlight: s.metrics.totals.pending.Load(),
		InFlightBytes: s.flight.bytes.Load(),
	}
}
