package sagemaker

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// inFlight is how many calls are made at once here.
const inFlight = 64

// answersSoon is a runtime that takes two milliseconds.
func answersSoon() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(2 * time.Millisecond)
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, "0.5\n")
	}))
}

// together makes n calls, as many at once as are in flight, and gives the time of each.
func together(n int, call func() error) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				began := time.Now()
				if err := call(); err != nil {
					failed.Store(&err)
				}
				took[i] = time.Since(began)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return took, *err
	}
	return took, nil
}

func TestConnectionsAreKeptForTheNextCall(t *testing.T) {
	s := answersSoon()
	defer s.Close()
	alone(t)
	registry := prometheus.NewRegistry()
	a, err := NewAccount(t.Context(), AWSConfig{EndpointURL: s.URL}, Deps{Registerer: registry, Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint(t, a, fraud())
	const calls = 9600
	if _, err := together(calls, func() error { _, err := e.Invoke(t.Context(), one("1,2")); return err }); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := f.GetMetric()[0].GetCounter().GetValue(); f.GetName() == "betimes_sagemaker_new_connections_total" && (n == 0 || n > calls/100) {
			t.Errorf("%v connections for %d calls", n, calls)
		}
	}
}

// BenchmarkInFlight compares the door with net/http as it is, but for a pool that is
// large enough, at 64 calls at once: p99, CPU per call (ns/op of one core) and connections.
func BenchmarkInFlight(b *testing.B) {
	s := answersSoon()
	defer s.Close()
	body := []byte(strings.Repeat("1.5,", 50))
	a, err := NewAccount(b.Context(), AWSConfig{EndpointURL: s.URL}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := a.Endpoint(fraud())
	if err != nil {
		b.Fatal(err)
	}
	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	for _, who := range []struct {
		name string
		call func() error
	}{
		{"door", func() error { _, err := e.Invoke(context.Background(), one(string(body))); return err }},
		{"bare", func() error {
			resp, err := bare.Post(s.URL, "text/csv", bytes.NewReader(body))
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}},
	} {
		b.Run(who.name, func(b *testing.B) {
			took, err := together(b.N, who.call)
			if err != nil {
				b.Fatal(err)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
