package laws

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

var update = flag.Bool("update", false, "measure for long, and write the tables of bench/data")

// server is a model server that works on so many calls at once and lets the others
// wait, in turn. A call about n events takes fixed + n × each, a tenth more or less.
type server struct {
	mu          sync.Mutex
	free        chan struct{}
	fixed, each time.Duration
	random      *rand.Rand
	calls       int
	events      int
}

func newServer(executors int, fixed, each time.Duration) *server {
	return &server{free: make(chan struct{}, executors), fixed: fixed, each: each, random: rand.New(rand.NewPCG(1, 2))}
}

func (s *server) Capacity() (free, limit int, service time.Duration) { return 256, 256, 0 }
func (s *server) Version() string                                    { return "" }

func (s *server) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	s.mu.Lock()
	s.calls++
	s.events += len(r.Items)
	free := s.free
	took := time.Duration(float64(s.fixed+time.Duration(len(r.Items))*s.each) * (0.9 + 0.2*s.random.Float64()))
	s.mu.Unlock()
	free <- struct{}{}
	time.Sleep(took)
	<-free
	out := &model.Response{ContentType: r.ContentType}
	now := time.Now()
	for _, it := range r.Items {
		if it.Event != nil {
			it.Event.Timeline.Mark(event.StageNetwork, now)
		}
		out.Answers = append(out.Answers, model.Answer{Body: it.Body})
	}
	return out, nil
}

// change gives it another number of executors.
func (s *server) change(executors int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = make(chan struct{}, executors)
}

// perCall is how many events shared a call since it was asked last.
func (s *server) perCall() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := float64(s.events) / float64(max(s.calls, 1))
	s.calls, s.events = 0, 0
	return n
}

// arrivals calls f at the moments of a Poisson process; each call in its own goroutine.
// It returns when all have ended.
func arrivals(rate float64, long time.Duration, seed uint64, f func(at time.Duration)) {
	random := rand.New(rand.NewPCG(seed, 7))
	start := time.Now()
	var all sync.WaitGroup
	for at := time.Duration(0); at < long; at += time.Duration(random.ExpFloat64() / rate * float64(time.Second)) {
		time.Sleep(time.Until(start.Add(at)))
		all.Go(func() { f(at) })
	}
	all.Wait()
	time.Sleep(time.Second) // of the bubble's clock: some calls compare answers, for which nobody waits
}

// asking is a request about one event that has so long.
func asking(id string, left time.Duration) *model.Request {
	now := time.Now()
	e := &event.Event{ID: id, Attempts: 1, Received: now, Deadline: now.Add(left), Priority: 5}
	e.Timeline.Start(now)
	return &model.Request{ContentType: "text/csv", InferenceID: id, Items: []model.Item{{Event: e, Body: []byte(id), Deadline: e.Deadline}}}
}

func quantile(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return all[min(int(q*float64(len(all))), len(all)-1)]
}

// keep writes a table to bench/data, with -update.
func keep(t *testing.T, name, what string, lines ...string) {
	t.Helper()
	if !*update {
		return
	}
	text := fmt.Sprintf("# %s\n\n%s\n\n%s\n", strings.TrimSuffix(name, ".md"), what, strings.Join(lines, "\n"))
	if err := os.WriteFile(filepath.Join("..", "data", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// row is a line of a table.
func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }
