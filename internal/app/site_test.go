//go:build interop

package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// site is everything around the brokers: a model, a load, workers.
type site struct {
	brokers kafka.Config
	cluster *kafka.Cluster
	model   *httptest.Server
	file    string // of a worker; %s is its folder
	dir     string
	prefix  string // of topics and group, where the brokers are not only ours
	calls   atomic.Int64

	mu       sync.Mutex
	written  map[event.Source]bool // acknowledged
	failures []error
	stop     context.CancelFunc
	stopped  chan struct{} // closed when the load has ended
	watched  chan struct{} // closed when nobody looks at commits any more
	unwatch  context.CancelFunc
	children []*child

	books
}

func newSite(t *testing.T, seeds []string, stream string) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), written: map[event.Source]bool{}, stopped: make(chan struct{}), watched: make(chan struct{})}
	s.exactly = strings.Contains(stream, "exactly_once")
	s.keys, s.committed = map[string]string{}, map[string]time.Time{}
	s.model = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.model.Close)
	s.file = fmt.Sprintf(`
name: delivery
data_dir: %%s
objective: {latency: 60s}
kafka: {seeds: ["%s"], create_topics: true}
models: {scores: {rest: {url: "%s/invocations"}}}
flow: {stream: {from: earliest, session_timeout: %s, %s}}
admin: {listen: "127.0.0.1:0"}
`, strings.Join(seeds, `", "`), s.model.URL, session, stream)
	cfg := kafka.DefaultConfig()
	cfg.Seeds = seeds
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "load"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s.cluster, s.brokers = c, cfg
	return s
}

// answer is a model with a service time of 20 ms.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-time.After(20 * time.Millisecond)
	s.calls.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"score":0.5}`)
}

// worker starts a worker with a folder and a name of its own.
func (s *site) worker(t *testing.T, name string) *child {
	t.Helper()
	return s.namesake(t, name, name)
}

// namesake starts a worker with a folder of its own and the name of another.
func (s *site) namesake(t *testing.T, folder, name string) *child {
	t.Helper()
	c := startChild(t, fmt.Sprintf(s.file, filepath.Join(s.dir, folder)), name)
	s.children = append(s.children, c)
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("worker %s said\n%s", folder, c.log)
		}
	})
	return c
}

// load writes events until finish.
func (s *site) load(t *testing.T) {
	t.Helper()
	p, err := s.cluster.NewPatientProducer("load")
	if err != nil {
		t.Fatal(err)
	}
	var watching, ctx context.Context
	watching, s.unwatch = context.WithCancel(t.Context())
	go s.watch(watching)
	ctx, s.stop = context.WithCancel(t.Context())
	go func() {
		defer close(s.stopped)
		defer p.Close()
		defer func() { _ = p.Flush(t.Context()) }() // what is not written has said so
		const batch = 4
		tick := time.NewTicker(batch * time.Second / loadPerSec)
		defer tick.Stop()
		for n := 0; n < deliveries || ctx.Err() == nil; n += batch {
			for i := n; i < n+batch; i++ {
				p.Write(&kafka.Record{
					Topic: s.prefix + "events", Partition: kafka.ByKey, Key: fmt.Appendf(nil, "k%d", i%loadKeys), Value: fmt.Appendf(nil, `{"n":%d}`, i),
				}, s.wrote)
			}
			<-tick.C
		}
	}()
}

func (s *site) wrote(src event.Source, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failures = append(s.failures, err)
		return
	}
	src.Topic = s.own(src.Topic)
	s.written[src] = true
}

// own is the name of a topic without the prefix.
func (s *site) own(name string) string { return strings.TrimPrefix(name, s.prefix) }

// answered waits until the model has answered n more times.
func (s *site) answered(t *testing.T, n int64) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d more answers", n), func(from int64) bool { return s.calls.Load() >= from+n })
}

// await waits until something is so, given how often the model had answered before.
func (s *site) await(t *testing.T, what string, so func(from int64) bool) {
	t.Helper()
	from := s.calls.Load()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so(from) {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("in vain waited %s for %s; the model has answered %d times", patience, what, s.calls.Load())
		}
	}
}

// fault does something to workers or brokers that makes nobody do anything again.
func (s *site) fault(what string, do func()) { s.disturb(disturbance{what: what}, do) }

// crash does something that takes what is in flight with it.
func (s *site) crash(what string, do func()) { s.disturb(disturbance{what: what, takes: true}, do) }

// disturb notes when something is done.
func (s *site) disturb(f disturbance, do func()) {
	s.mu.Lock()
	i := len(s.faults)
	f.from = time.Now()
	s.faults = append(s.faults, f)
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[i].done = time.Now()
}

// watch looks at what the group has committed until the test ends. Each look waits
// longer than one in vain before it: brokers may have nobody to ask, or no time.
func (s *site) watch(ctx context.Context) {
	defer close(s.watched)
	const least, most = 300 * time.Millisecond, 10 * time.Second
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last, wait := map[kafka.Partition]int64{}, least
	for ctx.Err() == nil {
		began := time.Now()
		committed, err := s.ask(ctx, wait)
		if err != nil {
			wait = min(2*wait, most)
		} else {
			wait = least
			s.see(committed, last, began)
			maps.Copy(last, committed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// ask asks with a client of its own: one that is used again may look for a
// coordinator that was killed for seconds.
func (s *site) ask(ctx context.Context, wait time.Duration) (map[kafka.Partition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c, err := kafka.Open(s.brokers, kafka.Deps{Pipeline: "watch"})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Committed(ctx, s.prefix+"delivery")
}

// see notes what was committed since last, and that faults are over when
// something was.
func (s *site) see(committed, last map[kafka.Partition]int64, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, moved := time.Now(), false
	s.looks = append(s.looks, now)
	for p, next := range committed {
		for o := last[p]; o < next; o++ {
			s.committed[event.Source{Topic: s.own(p.Topic), Partition: p.Number, Offset: o}.String()] = now
			moved = true
		}
	}
	if !moved {
		return
	}
	s.commits = append(s.commits, now)
	for i := range s.faults {
		if f := &s.faults[i]; f.to.IsZero() && !f.done.IsZero() && f.done.Before(began) {
			f.to = now
		}
	}
}

// finish ends the load and waits until the group has committed everything.
func (s *site) finish(t *testing.T) {
	t.Helper()
	s.stop()
	<-s.stopped
	s.loaded = time.Now()
	s.await(t, "the last commit", func(int64) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, ends, err := s.cluster.Offsets(ctx, s.prefix+"events")
		if err != nil {
			return false
		}
		committed, err := s.cluster.Committed(ctx, s.prefix+"delivery")
		for n, end := range ends {
			if err != nil || committed[kafka.Partition{Topic: s.prefix + "events", Number: n}] != end {
				return false
			}
		}
		return true
	})
}

// read reads topics from their beginning to their end.
func (s *site) read(t *testing.T, topics ...string) []*event.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	names := make([]string, len(topics))
	for i, name := range topics {
		names[i] = s.prefix + name
	}
	tail, err := s.cluster.NewTail(ctx, kafka.TailConfig{Topics: names, From: kafka.TailStart()})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	var all []*event.Event
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			e.Source.Topic = s.own(e.Source.Topic)
		}
		all = append(all, events...)
	}
	return all
}

// judge reads the topics and compares what was written with what became of it.
func (s *site) judge(t *testing.T) {
	t.Helper()
	s.unwatch()
	<-s.watched
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range s.failures {
		t.Errorf("not written: %v", err)
	}
	for _, e := range s.read(t, "events") {
		s.keys[e.Source.String()] = string(e.Key)
		if !s.written[e.Source] {
			t.Errorf("%s is in events and was not acknowledged", e.Source)
		}
	}
	for src := range s.written {
		if _, ok := s.keys[src.String()]; !ok {
			t.Errorf("%s was acknowledged and is gone", src)
		}
	}
	for _, e := range s.read(t, "predictions", "dead-letters", "quarantine", "shed") {
		s.endings = append(s.endings, ending{e.Source.Topic, s.own(string(e.Header(event.HeaderSource))), e.Recorded})
	}
	s.testify(t)
	for _, f := range s.faults {
		t.Logf("%s %s: done after %s, commits again after %s; in flight was what had ended up to %s before", f.from.Format("15:04:05.000"), f.what, f.done.Sub(f.from), f.to.Sub(f.from), s.inFlight(f))
	}
	got := s.count()
	t.Log(got)
	for _, one := range got.copies[:min(20, len(got.copies))] {
		t.Logf("not in flight: %s", one)
	}
	if wrong := got.wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
	s.verified(t)
}

// testify adds what the workers said, who have all ended.
func (s *site) testify(t *testing.T) {
	t.Helper()
	for _, c := range s.children {
		s.paces = append(s.paces, c.pace)
		for _, at := range c.losses() {
			f, excused := c.pace.missed(c.name, at)
			if !excused {
				t.Errorf("worker %s gave partitions up at %s before it had committed all of them, though it and the brokers had time", c.name, at.Format("15:04:05.000"))
			}
			s.faults = append(s.faults, f)
		}
	}
	slices.SortStableFunc(s.faults, func(a, b disturbance) int { return a.from.Compare(b.from) })
}
