package laws

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/flow/batch"
	"betimes/internal/model"
)

// reference knows how many executors there are: as many workers, of which each takes
// all that waits, up to 32, the moment it is free.
type reference struct {
	line   chan place
	server *server
}

type place struct {
	item model.Item
	done chan struct{}
}

func newReference(s *server, workers int) *reference {
	r := &reference{make(chan place, 1<<16), s}
	for range workers {
		go r.work()
	}
	return r
}

func (r *reference) work() {
	for first := range r.line {
		all := []place{first}
		for more := true; more && len(all) < 32; {
			select {
			case p := <-r.line:
				all = append(all, p)
			default:
				more = false
			}
		}
		q := &model.Request{}
		for _, p := range all {
			q.Items = append(q.Items, model.Item{Body: p.item.Body})
		}
		_, _ = r.server.Invoke(context.Background(), q)
		for _, p := range all {
			close(p.done)
		}
	}
}

func (r *reference) Invoke(_ context.Context, q *model.Request) (*model.Response, error) {
	p := place{q.Items[0], make(chan struct{})}
	r.line <- p
	<-p.done
	return &model.Response{}, nil
}

func newQueue(t *testing.T, s *server) *batch.Queue {
	t.Helper()
	codec, err := model.CodecFor("text/csv")
	if err != nil {
		t.Fatal(err)
	}
	return batch.New(batch.DefaultConfig(), s, batch.Deps{Model: "m", Codec: codec})
}

// took is how long events take that come after a while to learn in.
func took(t *testing.T, asked model.Invoker, rate float64, long time.Duration, seed uint64) []time.Duration {
	const learning = 3 * time.Second
	var mu sync.Mutex
	var all []time.Duration
	arrivals(rate, learning+long, seed, func(at time.Duration) {
		began := time.Now()
		if _, err := asked.Invoke(t.Context(), asking(fmt.Sprint(at.Nanoseconds()), 250*time.Millisecond)); err != nil {
			t.Error(err)
		}
		if at >= learning {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, time.Since(began))
		}
	})
	return all
}

// regime is one model under one load.
type regime struct {
	scenario    string
	fixed, each time.Duration
	rate        float64
}

func regimes() []regime {
	const us = time.Microsecond
	return []regime{
		{"P4", 4000 * us, 100 * us, 100}, {"P4", 4000 * us, 100 * us, 1000}, {"P4", 4000 * us, 100 * us, 2000}, {"P4", 4000 * us, 100 * us, 4000}, {"P4", 4000 * us, 100 * us, 6000},
		{"P4-SLOW", 20_000 * us, 500 * us, 1000}, {"P4-FREE", 150 * us, 5 * us, 1000},
	}
}

// p99s are those of some turns in ms, as median and range.
func p99s(turns int, of func(seed uint64) []time.Duration) (string, time.Duration) {
	var all []time.Duration
	for seed := range turns {
		all = append(all, quantile(of(uint64(seed)+1), 0.99))
	}
	middle := quantile(all, 0.5)
	return fmt.Sprintf("%.2f [%.2f–%.2f]", 1e3*middle.Seconds(), 1e3*all[0].Seconds(), 1e3*all[len(all)-1].Seconds()), middle
}

func TestOneConfigurationIsAsGoodInEveryRegimeAsToldExecutors(t *testing.T) {
	all, turns, long := regimes()[1:2], 1, time.Second
	if *update {
		all, turns, long = regimes(), 3, 10*time.Second
	}
	var lines []string
	for _, r := range all {
		var ours, theirs string
		var our, their time.Duration
		ours, our = p99s(turns, func(seed uint64) (got []time.Duration) {
			synctest.Test(t, func(t *testing.T) { got = took(t, newQueue(t, newServer(2, r.fixed, r.each)), r.rate, long, seed) })
			return got
		})
		theirs, their = p99s(turns, func(seed uint64) (got []time.Duration) {
			synctest.Test(t, func(t *testing.T) {
				ref := newReference(newServer(2, r.fixed, r.each), 2)
				got = took(t, ref, r.rate, long, seed)
				close(ref.line)
			})
			return got
		})
		lines = append(lines, fmt.Sprintf("## %s: a model of 2 executors, %s a call and %s an event\n\n%.0f/s (ms, median [least–most])\n", r.scenario, r.fixed, r.each, r.rate),
			row("system", "p99"), "|---|---|", row("reference", theirs), row("betimes", ours), "")
		if float64(our) > 1.25*float64(their) {
			t.Errorf("%s at %.0f/s: p99 %s, the reference's %s", r.scenario, r.rate, ours, theirs)
		}
	}
	keep(t, "p4-virtual.md", "In virtual time, without brokers: 3 turns of 10 s after 3 s", lines...)
}

func TestCallsAreAsLargeAsWhatWaits(t *testing.T) {
	rates, long := []float64{100, 4000}, time.Second
	if *update {
		rates, long = []float64{50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 7000, 8000}, 8*time.Second
	}
	lines, last := []string{row("load", "events per call", "p99, ms"), "|---|---|---|"}, 0.0
	for _, rate := range rates {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(2, 4*time.Millisecond, 100*time.Microsecond)
			q := newQueue(t, s)
			took(t, q, rate, 0, 1)
			s.perCall()
			p99 := quantile(took(t, q, rate, long, 2), 0.99)
			size := s.perCall()
			lines = append(lines, row(fmt.Sprint(rate), fmt.Sprintf("%.2f", size), fmt.Sprintf("%.1f", 1e3*p99.Seconds())))
			if size < last {
				t.Errorf("at %.0f/s calls are about %.1f events, at less about %.1f", rate, size, last)
			}
			last = size
		})
	}
	keep(t, "batch-size.md", "In virtual time, without brokers: a model of 2 executors, 4 ms a call and 0.1 ms an event", lines...)
}
