package emulator_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkInvokeEcho measures InvokeEndpoint over loopback with 32 callers in
// this process; it reports the 99th percentile beside the mean.
func BenchmarkInvokeEcho(b *testing.B) {
	box := startFor(b, "instant", b.TempDir())
	box.deploy("echo", "builtin:echo", "", 1)
	const callers = 32
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	body := bytes.Repeat([]byte("0.5,"), 50)
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= int64(b.N) {
					return
				}
				began := time.Now()
				resp, err := client.Post(box.url+"/endpoints/echo/invocations", "text/csv", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				took[n] = time.Since(began)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkStart measures from nothing to an emulator that answers, with an
// endpoint of an earlier run.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	first := startFor(b, "instant", dir)
	first.deploy("echo", "builtin:echo", "", 1)
	first.stop()
	for b.Loop() {
		box := startFor(b, "instant", dir)
		if resp, _ := box.do("POST", "/endpoints/echo/invocations", "x"); resp.StatusCode != http.StatusOK {
			b.Fatalf("answered %d", resp.StatusCode)
		}
		box.stop()
	}
}
