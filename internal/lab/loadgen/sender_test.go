package loadgen

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestTheGatewaySenderTellsWhatBecameOfASend(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   Result
	}{
		"accepted":               {202, `{"id":"run-1","partition":3,"offset":42}`, Result{Outcome: Accepted, Source: event.Source{Partition: 3, Offset: 42}}},
		"accepted, no place":     {200, `{"prediction":1}`, Result{Outcome: Accepted, Source: event.Source{Offset: -1}}},
		"malformed":              {400, `{}`, Result{Outcome: Refused, Problem: "http 400"}},
		"malformed, and how":     {400, `{"type":"urn:betimes:problem:no_key","status":400,"field":"/from"}`, Result{Outcome: Refused, Problem: "http 400 no_key /from"}},
		"over the rate":          {429, ``, Result{Outcome: Refused, Problem: "http 429"}},
		"broker does not answer": {503, ``, Result{Outcome: Unknown, Problem: "http 503"}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/v1/events" || r.Header.Get("Idempotency-Key") != "run-1" || string(body) != `{"a":1}` ||
				r.Header.Get("Content-Type") != contentJSON || r.Header.Get("Authorization") != "Bearer secret" {
				t.Errorf("%s: %s %v %s", name, r.URL.Path, r.Header, body)
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		if got := sendOne(t, server.URL+"/"); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		server.Close()
	}
}

func TestASendThatNeverWasDiffersFromOneWithoutAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	if got := sendOne(t, server.URL); got.Outcome != Unknown {
		t.Errorf("connection cut: %+v, want unknown", got)
	}
	server.Close()
	if got := sendOne(t, server.URL); got.Outcome != Failed {
		t.Errorf("nobody listens: %+v, want failed", got)
	}
}

func sendOne(t *testing.T, url string) Result {
	t.Helper()
	g, err := NewGateway(url, "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	results := make(chan Result, 1)
	g.Send(t.Context(), Outgoing{ID: "run-1", Body: []byte(`{"a":1}`), ContentType: contentJSON}, func(r Result) { results <- r })
	return <-results
}

func TestAGatewayWithoutASchemeIsRefused(t *testing.T) {
	if _, err := NewGateway("127.0.0.1:8080", ""); err == nil {
		t.Error("127.0.0.1:8080 is no URL")
	}
}

// writer is a fake producer.
type writer struct {
	records []*kafka.Record
	err     error
}

func (w *writer) Write(r *kafka.Record, done func(event.Source, error)) {
	w.records = append(w.records, r)
	done(event.Source{Topic: r.Topic, Partition: 2, Offset: int64(len(w.records))}, w.err)
}

func TestTheBrokersSenderWritesWhatAForeignProducerWould(t *testing.T) {
	w := &writer{}
	var got Result
	NewBrokers(w, "events").Send(context.Background(), Outgoing{ID: "run-1", Key: []byte("k"), Body: []byte("{}"), ContentType: contentJSON}, func(r Result) { got = r })
	if got != (Result{Outcome: Accepted, Source: event.Source{Topic: "events", Partition: 2, Offset: 1}}) {
		t.Errorf("%+v", got)
	}
	r := w.records[0]
	if r.Partition != kafka.ByKey || string(r.Key) != "k" || string(r.Value) != "{}" || time.Since(r.Time) > time.Minute {
		t.Errorf("%+v", r)
	}
	headers := event.Event{Headers: r.Headers}
	timeline, err := event.ParseTimeline(headers.Header(event.HeaderTimeline))
	if err != nil || string(headers.Header(event.HeaderID)) != "run-1" || timeline.Began().UnixMilli() != r.Time.UnixMilli() {
		t.Errorf("%v %v", headers.Headers, err)
	}
	w.err = errors.New("no leader")
	NewBrokers(w, "events").Send(context.Background(), Outgoing{ID: "run-2"}, func(r Result) { got = r })
	if got.Outcome != Failed {
		t.Errorf("%+v, want failed", got)
	}
}
