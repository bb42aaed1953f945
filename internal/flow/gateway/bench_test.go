package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
)

// atOnce settles each event at once and keeps none.
type atOnce struct{}

func (atOnce) Handle(_ context.Context, e *event.Event) error {
	e.Settled(event.Source{Topic: "events", Partition: 3, Offset: 7}, nil)
	return nil
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkOneJSONObject is the gateway's own work for one event of 1 KB.
func BenchmarkOneJSONObject(b *testing.B) {
	for name, pad := range map[string]int{"100B": 60, "1KB": 980} {
		b.Run(name, func(b *testing.B) {
			c := testConfig()
			c.ID = ""
			s := newServer(b, c, Deps{Next: atOnce{}})
			body := []byte(`{"card_token":"c-9","amount":12.34,"pad":"` + strings.Repeat("x", pad) + `"}`)
			r := httptest.NewRequest(http.MethodPost, "/v1/events", nil)
			r.Header.Set("Content-Type", mediaJSON)
			r.ContentLength = int64(len(body))
			reader := bytes.NewReader(body)
			r.Body = io.NopCloser(reader)
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				clear(w.header)
				s.Handler().ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkNDJSON is the work for each of 1000 events in one body.
func BenchmarkNDJSON(b *testing.B) {
	c := testConfig()
	c.ID = ""
	s := newServer(b, c, Deps{Next: atOnce{}})
	body := strings.Repeat(`{"card_token":"c-9","amount":12.34}`+"\n", 1000)
	b.ReportAllocs()
	for b.Loop() {
		if w := send(s, body, "Content-Type: application/x-ndjson"); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// BenchmarkMemoryOfIds tells what one remembered id costs.
func BenchmarkMemoryOfIds(b *testing.B) {
	const ids = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := newMemory(IdempotencyConfig{Window: time.Hour, Max: ids})
		for i := range ids {
			m.recall("payment-"+strconv.Itoa(i), nil, event.Source{})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/ids, "bytes/id")
		b.ReportMetric(float64(m.len()), "ids")
	}
}

// BenchmarkOverTheWire is one event at a time on one kept connection; the floor
// is a server that reads the body and answers 202.
func BenchmarkOverTheWire(b *testing.B) {
	floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", mediaJSON)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"019ab8f2-0000-7000-8000-000000000000","partition":3,"offset":7}`)
	}))
	defer floor.Close()
	c := testConfig()
	c.ID = ""
	_, addr := serve(b, c, Deps{Next: atOnce{}})
	body := `{"card_token":"c-9","amount":12.34,"pad":"` + strings.Repeat("x", 980) + `"}`
	for _, one := range []struct{ name, url string }{{"floor", floor.URL}, {"gateway", "http://" + addr}} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				answer, err := http.Post(one.url+"/v1/events", mediaJSON, strings.NewReader(body))
				if err != nil || answer.StatusCode != http.StatusAccepted {
					b.Fatal(answer, err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
}
