package inference

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator/chance"
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
	Seed            uint64        // of what is left to chance
	Timeout         time.Duration // for a container's answer; 0: DefaultTimeout
	MaxBody         int64         // bytes of a real-time request; 0: maxBodyBytes
	Throttle        int64         // calls under way per instance above which an endpoint throttles; 0: none
	PerInstance     int           // asynchronous calls at once where a config says nothing; 0: DefaultPerInstance
	Lengthless      bool          // answers to asynchronous requests need not say their length
	Faults          *injection.Book
	Journal         *journal.Journal
	Observe         func(status int, took time.Duration) // called once per request; may be nil
	Meters          Meters                               // may be nil
	Backlog         *Backlog                             // of asynchronous endpoints; nil: there are none

	shadows   atomic.Int64 // copies under way
	endpoints sync.Map     // name → *endpoint
}

// endpoint is one name: it may have a limit before it has traffic.
type endpoint struct {
	routing     atomic.Pointer[Routing]
	outstanding atomic.Int64
	limit       atomic.Int64 // hidden: above it, throttled; 0: none
	salt        uint64       // of its chance
	asked       atomic.Uint64
}

// endpoint finds or makes the entry of a name.
func (s *Service) endpoint(name string) *endpoint {
	if e, ok := s.endpoints.Load(name); ok {
		return e.(*endpoint)
	}
	e, _ := s.endpoints.LoadOrStore(name, &endpoint{salt: chance.Salt(name)})
	return e.(*endpoint)
}

// Publish sends an endpoint's traffic to r; nil takes it out of service.
func (s *Service) Publish(name string, r *Routing) {
	if s.Meters != nil {
		s.measure(name, r)
	}
	s.endpoint(name).routing.Store(r)
	s.dispatch(name)
}

// Limit sets how many invocations may be under way before an endpoint throttles; 0 for no limit.
func (s *Service) Limit(name string, concurrency int64) { s.endpoint(name).limit.Store(concurrency) }

// Reset forgets all endpoints, limits and asynchronous requests.
func (s *Service) Reset() error {
	s.endpoints.Clear()
	if s.Backlog == nil {
		return nil
	}
	return s.Backlog.reset()
}

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

const pathPrefix = "/endpoints/"

// operations are the ends of the runtime's paths.
var operations = map[string]string{
	"invocations": "InvokeEndpoint", "invocations-response-stream": streams, "async-invocations": "InvokeEndpointAsync",
}

// Operations are what is built.
func Operations() []string { return slices.Sorted(maps.Values(operations)) }

// EndpointOf is the name in /endpoints/{name}/invocations and its kin, with the operation.
func EndpointOf(path string) (name, operation string, ok bool) {
	rest, ok := strings.CutPrefix(path, pathPrefix)
	name, end, _ := strings.Cut(rest, "/")
	operation = operations[end]
	return name, operation, ok && name != "" && operation != ""
}

// ServeHTTP answers the runtime's operations.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, operation, ok := EndpointOf(r.URL.Path)
	if !ok || r.Method != http.MethodPost {
		(&refusal{status: http.StatusBadRequest, name: "UnknownOperationException", body: object("message", "The operation is not known to this emulator.")}).write(w)
		return
	}
	began := time.Now()
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: operation, Resource: "endpoint/" + name}
	note.Status, note.Error = http.StatusOK, ""
	if err := s.perform(w, r, name, &note); err != nil {
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

func (s *Service) perform(w http.ResponseWriter, r *http.Request, name string, note *journal.Entry) *refusal {
	switch note.Operation {
	case streams:
		return s.stream(w, r, name, note)
	case "InvokeEndpointAsync":
		return s.accept(w, r, name, note)
	}
	return s.invoke(w, r, name, note)
}
