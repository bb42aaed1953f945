package main

import (
	"errors"
	"sync"
	"time"
)

// watcher changes the servers when a step begins and reads their counts, ten times a
// second too.
type watcher struct {
	tell    func(setting) ([]int64, error)
	refused func() []int64
	fleets  []fleet

	edges  [][]int64  // counts at the beginning of each step, and at the end
	tried  [][]int64  // likewise of tries that found nobody
	series [][]sample // of each step
	quit   chan struct{}
	wg     sync.WaitGroup
	err    error // of the goroutine that watches
}

// every is how often counts are read.
const every = 100 * time.Millisecond

// begin ends a step and begins the next one, if there is one.
func (w *watcher) begin(step int) error {
	close(w.quit)
	w.wg.Wait()
	w.quit = make(chan struct{})
	var what setting
	if step > 0 && step < len(w.fleets) {
		what.Fleet = &w.fleets[step]
	}
	counts, err := w.tell(what)
	if err != nil {
		return err
	}
	servers := len(w.fleets[0].Slots)
	w.edges, w.tried = append(w.edges, counts[:servers]), append(w.tried, w.refused())
	if step == len(w.fleets) {
		return nil
	}
	w.series = append(w.series, []sample{{0, counts[:servers], w.refused()}})
	began, quit := time.Now(), w.quit
	w.wg.Go(func() { w.watch(step, servers, began, quit) })
	return nil
}

// watch reads the counts until the step ends.
func (w *watcher) watch(step, servers int, began time.Time, quit <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-tick.C:
		}
		counts, err := w.tell(setting{})
		if err != nil {
			w.err = err
			return
		}
		w.series[step] = append(w.series[step], sample{time.Since(began), counts[:servers], w.refused()})
	}
}

// close ends the watching and says what went wrong in it, or before.
func (w *watcher) close(before error) error {
	close(w.quit)
	w.wg.Wait()
	return errors.Join(before, w.err)
}

// calls are those of each server in a step.
func (w *watcher) calls(step int) []int64 { return less(w.edges[step+1], w.edges[step]) }

// tries are those of each server that found nobody; nil: not known.
func (w *watcher) tries(step int) []int64 { return less(w.tried[step+1], w.tried[step]) }

func less(after, before []int64) (all []int64) {
	for i := range after {
		all = append(all, after[i]-before[i])
	}
	return all
}
