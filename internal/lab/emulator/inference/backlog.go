package inference

import (
	"context"
	"time"
)

// Waiting is how an asynchronous endpoint stands at a moment.
type Waiting struct {
	Endpoint  string
	Size      int // requests that wait or run
	Instances int
	Oldest    time.Duration // since the oldest that waits came; 0: none waits
}

// measureEvery is how often AWS publishes the metrics of backlogs.
const measureEvery = time.Minute

// watch tells once a minute how asynchronous endpoints stand, until ctx ends. It
// does so before the minute is over: what alarms look at has the minute whole.
func (s *Service) watch(ctx context.Context) {
	b := s.Backlog
	defer b.working.Done()
	for {
		now := b.Clock.Now()
		if b.Clock.Sleep(ctx, now.Add(time.Second).Truncate(measureEvery).Add(measureEvery-time.Second).Sub(now)) != nil {
			return
		}
		for _, w := range s.waiting() {
			b.Measure(w)
		}
	}
}

// waiting tells of all asynchronous endpoints in service.
func (s *Service) waiting() []Waiting {
	b := s.Backlog
	now := b.Clock.Now()
	var all []Waiting
	b.mu.Lock()
	defer b.mu.Unlock()
	s.endpoints.Range(func(name, e any) bool {
		r := e.(*endpoint).routing.Load()
		if r == nil || r.Async == nil {
			return true
		}
		w := Waiting{Endpoint: name.(string), Instances: r.instances()}
		if l := b.queues[w.Endpoint]; l != nil {
			w.Size = len(l.waiting) + l.running
			if len(l.waiting) > 0 {
				w.Oldest = now.Sub(l.waiting[0].Received)
			}
		}
		all = append(all, w)
		return true
	})
	return all
}
