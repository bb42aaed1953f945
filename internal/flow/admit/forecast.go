package admit

import (
	"sync"
	"time"

	"betimes/internal/pulse"
)

// Forecast tells a gateway whether an event can be in time: from the newest pulses of
// the workers, and what the gateway let in since. It is safe for concurrent use.
type Forecast struct {
	mu      sync.Mutex
	workers map[string]said
	queued  float64 // events before one that comes now
	rate    float64 // events a second; zero: no bound is known
	need    time.Duration
	at      time.Time // of queued
	heard   time.Time // when a worker spoke last
	urgency urgency
}

// said is what a worker said last.
type said struct {
	*pulse.Admission // of its whole process; nil: another worker of it says that
	lag              int64
	at               time.Time // when it was heard
}

// silence is how long what a worker said counts.
const silence = 3 * time.Second

// NewForecast makes one that lets everything in until it has heard of workers.
func NewForecast() *Forecast { return &Forecast{workers: map[string]said{}} }

// Take hears a pulse.
func (f *Forecast) Take(p *pulse.Pulse, now time.Time) {
	if p.Role != "stream" {
		return
	}
	one := said{Admission: p.Admission, at: now}
	for _, l := range p.Lag {
		one.lag += max(l.Records, 0)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workers[p.Instance], f.heard = one, now
	f.sum(now)
}

// sum adds up what is known. f.mu is held.
func (f *Forecast) sum(now time.Time) {
	f.queued, f.rate, f.need, f.at = 0, 0, 0, now
	unbound := false
	for name, w := range f.workers {
		if now.Sub(w.at) >= silence {
			delete(f.workers, name)
			continue
		}
		f.queued += float64(w.lag)
		if w.Admission == nil {
			continue
		}
		unbound = unbound || w.Rate <= 0
		f.rate += w.Rate
		f.need = max(f.need, time.Duration(w.NeedUS)*time.Microsecond)
	}
	if unbound {
		f.rate = 0
	}
}

// Admit lets an event in that has so much time left, or tells how long it would take
// until one is let in.
func (f *Forecast) Admit(left time.Duration, priority int) (wait time.Duration, ok bool) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	reserve := f.urgency.reserve(priority, left-f.need, now)
	if f.rate <= 0 || now.Sub(f.heard) >= silence {
		return 0, true
	}
	f.queued = max(f.queued-f.rate*max(now.Sub(f.at).Seconds(), 0), 0)
	f.at = now
	over := time.Duration(f.queued/f.rate*float64(time.Second)) + f.need + reserve - left
	if over > 0 && f.queued >= 1 { // an event before which there is none is let in
		return over, false
	}
	f.queued++
	return 0, true
}
