package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/budget"
	"betimes/internal/event"
)

// broker is a Handler that is the brokers: it keeps what it is handed and
// settles at once, unless told otherwise.
type broker struct {
	mu     sync.Mutex
	events []*event.Event
	fail   error             // Settled with it
	refuse error             // returned by Handle
	hold   chan *event.Event // when set, settles nothing and sends the event here
}

func (b *broker) Handle(_ context.Context, e *event.Event) error {
	b.mu.Lock()
	if b.refuse != nil {
		defer b.mu.Unlock()
		return b.refuse
	}
	offset := int64(len(b.events))
	b.events = append(b.events, e)
	fail, hold := b.fail, b.hold
	b.mu.Unlock()
	if hold != nil {
		hold <- e
		return nil
	}
	if fail != nil {
		e.Settled(event.Source{}, fail)
		return nil
	}
	e.Settled(event.Source{Topic: "events", Partition: 3, Offset: offset}, nil)
	return nil
}

func (b *broker) taken() []*event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

// testConfig has a key, an id and a time pointer.
func testConfig() Config {
	c := DefaultConfig()
	c.Listen = "127.0.0.1:0"
	c.Key, c.ID, c.EventTime = "/card_token", "/id", "/event_time"
	return c
}

func newServer(t testing.TB, c Config, d Deps) *Server {
	t.Helper()
	if ps := c.Validate(); len(ps) > 0 {
		t.Fatal(ps)
	}
	if d.Budget.Latency == 0 {
		d.Budget = budget.Budget{Latency: 250 * time.Millisecond}
	}
	if d.Registerer == nil {
		r := prometheus.NewRegistry()
		d.Registerer, d.Gatherer = r, r
	}
	s, err := New(c, d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send posts a body with headers "Name: value".
func send(s *Server, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// sendReader posts a body of known length, or in chunks.
func sendReader(s *Server, body string, chunked bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", iotest.OneByteReader(strings.NewReader(body)))
	if !chunked {
		r.ContentLength = int64(len(body))
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// request sends a request without body.
func request(s *Server, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// post is send whose answer is held against openapi.json.
func post(t testing.TB, s *Server, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := send(s, body, headers...)
	checkAnswer(t, http.MethodPost, "/v1/events", w)
	return w
}

// get asks path, which is an instance of route; its answer is held against openapi.json.
func get(t testing.TB, s *Server, path, route string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	checkAnswer(t, http.MethodGet, route, w)
	return w
}

func TestOneJSONObjectIsAcceptedOnceTheBrokerHasIt(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := `{"id":"p-1","card_token":"c-9","amount":12.340000000000000001,"event_time":"2026-11-25T18:00:00Z"}`
	w := post(t, s, body, "Content-Type: application/json", "X-Priority: 7", "Traceparent: 00-abc-def-01")
	if w.Code != 202 || w.Body.String() != `{"id":"p-1","partition":3,"offset":0}`+"\n" {
		t.Fatalf("answer is %d %s", w.Code, w.Body)
	}
	e := b.taken()[0]
	if string(e.Value) != body {
		t.Errorf("the payload was changed to %s", e.Value)
	}
	if string(e.Key) != "c-9" || e.ID != "p-1" || e.Priority != 7 || e.ContentType != "application/json" {
		t.Errorf("key %q id %q priority %d type %q", e.Key, e.ID, e.Priority, e.ContentType)
	}
	if !e.EventTime.Equal(time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)) {
		t.Errorf("event time is %v", e.EventTime)
	}
	if e.Deadline.Sub(e.Received) != 250*time.Millisecond {
		t.Errorf("the deadline is %v after the event came", e.Deadline.Sub(e.Received))
	}
	if _, marked := e.Timeline.Spent(event.StageGateway); !marked {
		t.Error("the stage gateway has no mark")
	}
	if string(e.Header("traceparent")) != "00-abc-def-01" {
		t.Errorf("traceparent is %q", e.Header("traceparent"))
	}
}
