package inference

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// DefaultTimeout is how long AWS waits for a container.
const DefaultTimeout = 60 * time.Second

// maxBodyBytes is the limit of a real-time request.
const maxBodyBytes = 25 << 20

// Service answers invocations.
type Service struct {
	Region, Account string
	Timeout         time.Duration // for a container's answer; 0: DefaultTimeout
	Faults          *injection.Book
	Journal         *journal.Journal
	Observe         func(status int, took time.Duration) // called once per request; may be nil
	Meters          Meters                               // may be nil

	shadows   atomic.Int64 // copies under way
	endpoints sync.Map     // name → *endpoint
}

// endpoint is one name: it may have a limit before it has traffic.
type endpoint struct {
	routing     atomic.Pointer[Routing]
	outstanding atomic.Int64
	limit       atomic.Int64 // hidden: above it, throttled; 0: none
}

// endpoint finds or makes the entry of a name.
func (s *Service) endpoint(name string) *endpoint {
	if e, ok := s.endpoints.Load(name); ok {
		return e.(*endpoint)
	}
	e, _ := s.endpoints.LoadOrStore(name, &endpoint{})
	return e.(*endpoint)
}

// Publish sends an endpoint's traffic to r; nil takes it out of service.
func (s *Service) Publish(name string, r *Routing) {
	if s.Meters != nil {
		s.measure(name, r)
	}
	s.endpoint(name).routing.Store(r)
}

// Limit sets how many invocations may be under way before an endpoint throttles; 0 for no limit.
func (s *Service) Limit(name string, concurrency int64) { s.endpoint(name).limit.Store(concurrency) }

// Reset forgets all endpoints and limits.
func (s *Service) Reset() { s.endpoints.Clear() }

// Load tells, per endpoint in service, how many calls are under way and the limit.
func (s *Service) Load() map[string][2]int64 {
	all := map[string][2]int64{}
	s.endpoints.Range(func(name, e any) bool {
		ep := e.(*endpoint)
		all[name.(string)] = [2]int64{ep.outstanding.Load(), ep.limit.Load()}
		return true
	})
	return all
}

const (
	pathPrefix = "/endpoints/"
	pathSuffix = "/invocations"
)

// EndpointOf is the name in /endpoints/{name}/invocations.
func EndpointOf(path string) (string, bool) {
	if !strings.HasPrefix(path, pathPrefix) || !strings.HasSuffix(path, pathSuffix) || len(path) <= len(pathPrefix)+len(pathSuffix) {
		return "", false
	}
	name := path[len(pathPrefix) : len(path)-len(pathSuffix)]
	return name, !strings.Contains(name, "/")
}

// ServeHTTP answers InvokeEndpoint.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := EndpointOf(r.URL.Path)
	if !ok || r.Method != http.MethodPost {
		(&refusal{status: http.StatusBadRequest, name: "UnknownOperationException", body: object("message", "The operation is not known to this emulator.")}).write(w)
		return
	}
	began := time.Now()
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: "InvokeEndpoint", Resource: "endpoint/" + name}
	note.Status, note.Error = http.StatusOK, ""
	if err := s.invoke(w, r, name, &note); err != nil {
		note.Status, note.Error = err.status, err.name
		err.write(w)
	}
	took := time.Since(began)
	note.Micros = took.Microseconds()
	s.Journal.Note(note)
	if s.Observe != nil {
		s.Observe(note.Status, took)
	}
}
