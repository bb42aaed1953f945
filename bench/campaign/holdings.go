package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// holdings is which partitions each worker said it had, asked again and again.
type holdings struct {
	mu      sync.Mutex
	admins  map[string]string // worker → where to ask
	samples map[string][]sample
	client  *http.Client
}

type sample struct {
	at    time.Time
	parts map[int32]bool
}

func newHoldings() *holdings {
	return &holdings{admins: map[string]string{}, samples: map[string][]sample{}, client: &http.Client{Timeout: time.Second}}
}

// follow asks a worker from now on; with no address it asks no more.
func (h *holdings) follow(worker, admin string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if admin == "" {
		delete(h.admins, worker)
		return
	}
	h.admins[worker] = admin
}

// watch asks every worker until ctx ends.
func (h *holdings) watch(ctx context.Context) {
	const every = 250 * time.Millisecond
	for pause(ctx, every) == nil {
		h.mu.Lock()
		var all sync.WaitGroup
		for worker, admin := range h.admins {
			all.Go(func() { h.ask(worker, admin) })
		}
		h.mu.Unlock()
		all.Wait()
	}
}

func (h *holdings) ask(worker, admin string) {
	began := time.Now()
	answer, err := h.client.Get("http://" + admin + "/metrics")
	if err != nil {
		return // it starts, or has gone
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err == nil {
		h.saw(worker, began, partitionsIn(string(text)))
	}
}

func (h *holdings) saw(worker string, at time.Time, parts map[int32]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples[worker] = append(h.samples[worker], sample{at, parts})
}

// throughout says whether a worker had a partition whenever it was asked between
// two times.
func (h *holdings) throughout(worker string, p int32, from, to time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.samples[worker] {
		if s.at.After(from) && s.at.Before(to) && !s.parts[p] {
			return false
		}
	}
	return true
}

var lagLine = regexp.MustCompile(`(?m)^betimes_stream_lag_records\{[^}]*partition="(\d+)"[^}]*topic="events"`)

// partitionsIn reads the partitions that a worker tells the lag of.
func partitionsIn(text string) map[int32]bool {
	parts := map[int32]bool{}
	for _, m := range lagLine.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.ParseInt(m[1], 10, 32); err == nil {
			parts[int32(n)] = true
		}
	}
	return parts
}
