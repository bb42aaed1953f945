package admit

import (
	"maps"
	"sync"
	"time"

	"betimes/internal/pulse"
)

// Forecast tells a gateway whether an event can be in time: from the newest pulses of
// the workers, and what the gateway let in since. An event is asked about by the
// process that has the partition of its key; nothing is known of one that has none, so
// its line is let in. It is safe for concurrent use.
//
//	key ─► partition ─► its process ─► events before it ÷ rate + need ─ left
type Forecast struct {
	partition Partition // nil: every worker may get every event

	mu      sync.Mutex
	workers map[string]said
	lines   map[process]*waitLine
	owners  map[int32]*waitLine // by partition
	parts   int                 // partitions there are
	urgency urgency
}

// Partition tells in which of so many partitions events of a key are.
type Partition func(key []byte, of int) int32

// process is one that predicts; the zero one stands for all.
type process struct {
	epoch int64
	admin string
}

// said is what a worker said last.
type said struct {
	*pulse.Admission // of its whole process; nil: another worker of it says that
	process          process
	lag              int64
	at               time.Time // when it was heard
}

// waitLine are the events before a process, or before all.
type waitLine struct {
	queued float64 // events before one that comes now
	rate   float64 // events a second; zero: no bound is known
	need   time.Duration
	at     time.Time // of queued
	heard  time.Time // when a worker of it spoke last
}

// silence is how long what a worker said counts.
const silence = 3 * time.Second

// NewForecast makes one that lets everything in until it has heard of workers.
func NewForecast(partition Partition) *Forecast {
	return &Forecast{partition: partition, workers: map[string]said{}, lines: map[process]*waitLine{}, owners: map[int32]*waitLine{}}
}

// Take hears a pulse.
func (f *Forecast) Take(p *pulse.Pulse, now time.Time) {
	if p.Role != "stream" {
		return
	}
	one := said{Admission: p.Admission, at: now}
	if f.partition != nil {
		one.process = process{p.Epoch, p.Admin}
	}
	for _, l := range p.Lag {
		one.lag += max(l.Records, 0)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	f.workers[p.Instance] = one
	line := f.sum(one.process, now)
	if f.partition == nil {
		return
	}
	for _, l := range p.Lag {
		f.owners[l.Partition], f.parts = line, max(f.parts, int(l.Partition)+1)
	}
}

// forget leaves out who has been silent. f.mu is held.
func (f *Forecast) forget(now time.Time) {
	maps.DeleteFunc(f.workers, func(_ string, w said) bool { return now.Sub(w.at) >= silence })
	maps.DeleteFunc(f.lines, func(_ process, l *waitLine) bool { return now.Sub(l.heard) >= silence })
	maps.DeleteFunc(f.owners, func(_ int32, l *waitLine) bool { return now.Sub(l.heard) >= silence })
}

// sum adds up what the workers of a process said. f.mu is held.
func (f *Forecast) sum(of process, now time.Time) *waitLine {
	line := f.lines[of]
	if line == nil {
		line = &waitLine{}
		f.lines[of] = line
	}
	*line = waitLine{at: now, heard: now}
	unbound := false
	for _, w := range f.workers {
		if w.process != of {
			continue
		}
		line.queued += float64(w.lag)
		if w.Admission == nil {
			continue
		}
		unbound = unbound || w.Rate <= 0
		line.rate += w.Rate
		line.need = max(line.need, time.Duration(w.NeedUS)*time.Microsecond)
	}
	if unbound {
		line.rate = 0
	}
	return line
}

// Admit lets an event of a key in that has so much time left, or tells how long it
// would take until one is let in.
func (f *Forecast) Admit(key []byte, left time.Duration, priority int) (wait time.Duration, ok bool) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	line := f.before(key, now)
	if line == nil {
		f.urgency.reserve(priority, 0, now)
		return 0, true
	}
	reserve := f.urgency.reserve(priority, left-line.need, now)
	if over := line.over(left-reserve, now); over > 0 && line.queued >= 1 { // an event before which there is none is let in
		return over, false
	}
	line.queued++
	return 0, true
}

// before is the line that an event would be in; nil: none that is known. One without a
// key may be in any: the shortest. f.mu is held.
func (f *Forecast) before(key []byte, now time.Time) *waitLine {
	if f.partition != nil && key != nil && f.parts > 0 {
		if line := f.owners[f.partition(key, f.parts)]; line.known(now) {
			return line
		}
		return nil
	}
	var least *waitLine
	for _, line := range f.lines {
		if !line.known(now) {
			return nil
		}
		if least == nil || line.over(0, now) < least.over(0, now) {
			least = line
		}
	}
	return least
}

// known says whether a line has a bound; nil: it is not known either.
func (l *waitLine) known(now time.Time) bool {
	return l != nil && l.rate > 0 && now.Sub(l.heard) < silence
}

// over is by how much one more event that has so much time left would be late.
func (l *waitLine) over(left time.Duration, now time.Time) time.Duration {
	l.queued = max(l.queued-l.rate*max(now.Sub(l.at).Seconds(), 0), 0)
	l.at = now
	return time.Duration(l.queued/l.rate*float64(time.Second)) + l.need - left
}
