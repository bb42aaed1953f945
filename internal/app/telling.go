package app

import (
	"maps"
	"slices"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/pulse"
)

// snapshot is what a pulse says of how the models are asked.
func (c *chain) snapshot() []pulse.Model {
	var out []pulse.Model
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		m, one := c.models[name], pulse.Model{Name: name}
		if m.limiter != nil {
			one.Admit = m.limiter.Snapshot()
		}
		if m.queue != nil {
			one.Batch = m.queue.Snapshot()
		}
		out = append(out, one)
	}
	return out
}

// needs is what a pulse says of the time that each stage takes; nil: nothing is known.
func needs(live *budget.Live) map[string]int64 {
	var out map[string]int64
	for s, d := range live.Needs() {
		if d > 0 {
			if out == nil {
				out = map[string]int64{}
			}
			out[event.Stage(s).String()] = d.Microseconds()
		}
	}
	return out
}
