package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// fleet is one model on several servers. What they answer about an event is the
// moody model's; when and whether they answer is the weather's, at each its own.
type fleet struct {
	model   *moody
	seed    uint64
	began   time.Time
	servers []*http.Server
	urls    []string
}

// weather is how a server does its work for a while.
type weather int

const (
	fair      weather = iota // a few calls of a hundred take long
	slow                     // all do
	fails                    // 503
	throttles                // 429
	resets                   // closes the connection, some in the middle of an answer
	hangs                    // takes calls and says nothing
	weathers
)

// The times of a fleet. Each server is slower than the one before.
const (
	spell      = 1500 * time.Millisecond // of one weather
	mostlyFair = 0.7
	fleetLeast = 4 * time.Millisecond
	fleetMost  = 20 * time.Millisecond
	longTail   = 0.04 // of calls in fair weather
	longTimes  = 12
	hangFor    = 2 * time.Second
)

// newFleet starts so many servers. Their weather is decided by the seed.
func newFleet(count int, seed uint64) (*fleet, error) {
	f := &fleet{model: newBooks(0, 0), seed: seed, began: time.Now()}
	for n := range count {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.close()
			return nil, fmt.Errorf("model: %w", err)
		}
		s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.answer(n, w, r) })}
		f.servers, f.urls = append(f.servers, s), append(f.urls, "http://"+ln.Addr().String()+"/invocations")
		go s.Serve(ln)
	}
	return f, nil
}

func (f *fleet) lead(s *station) { s.Servers = f.urls }

func (f *fleet) total() int { return f.model.total() }

func (f *fleet) close() {
	for _, s := range f.servers {
		s.Close()
	}
}

// weather is what a server has now.
func (f *fleet) weather(server int) weather {
	now := uint64(time.Since(f.began) / spell)
	random := rand.New(rand.NewPCG(f.seed+uint64(server)<<32, now))
	if random.Float64() < mostlyFair {
		return fair
	}
	return 1 + weather(random.IntN(int(weathers)-1))
}

func (f *fleet) answer(server int, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its caller is gone
	}
	now, took := f.weather(server), (fleetLeast+rand.N(fleetMost-fleetLeast))*time.Duration(server+1)
	if now == slow || now == fair && rand.Float64() < longTail {
		took *= longTimes
	}
	if now == hangs {
		took = hangFor
	}
	select {
	case <-r.Context().Done():
		return
	case <-time.After(took):
	}
	switch now {
	case fails:
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case throttles:
		http.Error(w, "busy", http.StatusTooManyRequests)
	case resets, hangs:
		f.reset(w)
	default:
		status, text := f.model.sayTogether(f.model.ids(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text) // its caller may be gone
	}
}

// reset closes the connection: before an answer, or in the middle of one.
func (f *fleet) reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if rand.IntN(2) == 0 {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{\"predictions\":[")
	}
	conn.(*net.TCPConn).SetLinger(0) // a reset, not an end
	conn.Close()
}

// sayTogether is the answer about several events: one that the model does not take
// fails them all. Each prediction names its event.
func (m *moody) sayTogether(ids []string) (status int, text string) {
	var all []string
	for _, id := range ids {
		m.times(id)
		mood := moodOf(id)
		if mood == tired { // here the weather does that
			mood = kind
		}
		status, text := m.say(mood, 1)
		if status != http.StatusOK {
			return status, text
		}
		all = append(all, fmt.Sprintf(`{"id":%q,%s`, id, strings.TrimPrefix(text, "{")))
	}
	return http.StatusOK, `{"predictions":[` + strings.Join(all, ",") + `]}`
}

// ids are those of the events that a request is about.
func (m *moody) ids(body []byte) []string {
	p := m.parsers.Get()
	defer m.parsers.Put(p)
	v, err := p.ParseBytes(body)
	if err != nil {
		return nil
	}
	var ids []string
	for _, one := range v.GetArray("instances") {
		ids = append(ids, string(one.GetStringBytes("id")))
	}
	return ids
}
