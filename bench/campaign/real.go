//go:build interop

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"betimes/internal/lab/realkafka"
)

// startReal starts brokers of Apache Kafka, a process each.
func startReal(n needs) (*place, error) {
	h := &host{}
	var c *realkafka.Cluster
	err := h.run(func() {
		c = realkafka.Start(h, realkafka.Config{Brokers: n.brokers, KafkaTimes: n.kafkas, Properties: n.properties})
	})
	if err != nil {
		h.end()
		return nil, err
	}
	return &place{
		what: fmt.Sprintf("Apache Kafka %s, %d brokers", realkafka.Version, n.brokers), seeds: c.Addrs(), count: n.brokers,
		kill:  c.Kill,
		start: func(id int) error { return h.run(func() { c.Restart(h, id) }) },
		close: h.end,
	}, nil
}

// host stands in for the test that real brokers are made for: a campaign ends
// them, and takes what is fatal as an error.
type host struct {
	testing.TB // what is not used here
	mu         sync.Mutex
	cleanups   []func()
	err        error
}

// run calls f as a test would be called: what is fatal ends its goroutine.
func (h *host) run(f func()) error {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *host) end() {
	for _, f := range slices.Backward(h.cleanups) {
		_ = h.run(f)
	}
}

func (h *host) fail(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = errors.Join(h.err, errors.New(text))
}

func (h *host) Helper()                         {}
func (h *host) Name() string                    { return "campaign" }
func (h *host) Context() context.Context        { return context.Background() }
func (h *host) Logf(format string, args ...any) {}
func (h *host) Log(args ...any)                 {}
func (h *host) Error(args ...any)               { h.fail(fmt.Sprint(args...)) }
func (h *host) Errorf(f string, args ...any)    { h.fail(fmt.Sprintf(f, args...)) }
func (h *host) FailNow()                        { runtime.Goexit() }
func (h *host) Fatal(args ...any)               { h.fail(fmt.Sprint(args...)); runtime.Goexit() }
func (h *host) Fatalf(f string, args ...any)    { h.fail(fmt.Sprintf(f, args...)); runtime.Goexit() }

func (h *host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

func (h *host) Failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err != nil
}
