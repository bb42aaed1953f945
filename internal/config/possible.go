package config

import (
	"slices"
	"strings"

	"betimes/internal/flow/balance"
	"betimes/internal/lab/emulator/fleet"
)

// possible refuses settings that each are right and together never do what they say.
func (c checker) possible() {
	c.shares()
	c.inTime()
	c.zones()
	for _, name := range modelNames(c.Config) {
		c.apart("models."+name, c.Models[name])
	}
}

// written says whether somebody wrote the value at path.
func (c checker) written(path string) bool {
	from, ok := c.origins[path]
	return ok && !from.derived()
}

// shares looks at what is said of calls of several events.
func (c checker) shares() {
	b, s := c.Flow.Batch, c.Flow.Stream
	most, why := s.MaxQueued, "flow.stream.max_queued"
	if n := int(s.Concurrency); n > 0 && n < most {
		most, why = n, "flow.stream.concurrency"
	}
	if most *= s.Workers; c.written("flow.batch.max_events") && b.MaxEvents > most && most > 0 {
		c.bad("flow.batch.max_events", "%d are never together: %s lets the workers of this process have %d; lower it, or raise that", b.MaxEvents, why, most)
	}
	anyShares := slices.ContainsFunc(modelNames(c.Config), func(name string) bool { return c.Models[name].Shares() })
	if len(c.Models) == 0 || anyShares || b.MaxEvents == 1 {
		return
	}
	for _, key := range []string{"flow.batch.max_events", "flow.batch.max_bytes"} {
		if c.written(key) {
			c.bad(key, "no model takes several events in one call (batch: none, or the way it is asked); remove it, or let one share calls")
		}
	}
}

// inTime compares the objective with what is known to take longer before any event came.
func (c checker) inTime() {
	latency := c.Objective.Latency
	if latency <= 0 {
		return
	}
	if t := c.Flow.Stream.Transaction; c.Flow.Stream.Exactly() && t >= latency {
		c.bad("flow.stream.transaction", "%s is no less than objective.latency: %s, and with exactly_once predictions wait for the end of their transaction; lower it, or raise the objective", t, latency)
	}
	for _, name := range modelNames(c.Config) {
		m := c.Models[name]
		if m.Serve == nil {
			continue
		}
		query, is := strings.CutPrefix(m.Serve.Image, "builtin:profile?")
		if !is {
			continue
		}
		p50, err := fleet.Median(query)
		if err != nil {
			c.bad("models."+name+".serve.image", "%s; write for example builtin:profile?p50=8ms&p99=40ms", err)
		}
		if p50 >= latency {
			c.bad("models."+name+".serve.image", "half of its answers take %s or longer, which is no less than objective.latency: %s; lower p50, or raise the objective", p50, latency)
		}
	}
}

// zones are those of endpoints.
func (c checker) zones() {
	if !c.written("flow.balance.zone") {
		return
	}
	for _, name := range modelNames(c.Config) {
		if slices.ContainsFunc(c.Models[name].Endpoints, func(e EndpointConfig) bool { return e.Zone != "" }) {
			return
		}
	}
	c.bad("flow.balance.zone", "no endpoint says which zone it is in; write models.NAME.endpoints[…].zone, or remove it")
}

// apart refuses one endpoint that is listed twice: a second call would go to the same.
func (c checker) apart(path string, m ModelConfig) {
	if len(m.Endpoints) > balance.MaxEndpoints {
		return // that is said
	}
	seen := map[string]int{}
	for i, e := range m.Endpoints {
		at := e.address()
		if at == "" {
			continue
		}
		if first, twice := seen[at]; twice {
			if m.Endpoints[first].Name == e.Name {
				continue // that is said of the name
			}
			c.bad(index(path+".endpoints", i), "it is the same as %s; remove one, or give it more weight", index("endpoints", first))
			continue
		}
		seen[at] = i
	}
}

// address is where an endpoint is, and what is asked there; empty: it is not known.
func (e EndpointConfig) address() string {
	var parts []string
	switch {
	case len(e.doors()) != 1:
		return ""
	case e.REST != nil:
		parts = []string{"rest", e.REST.URL}
	case e.OIP != nil:
		parts = []string{"oip", e.OIP.URL, e.OIP.Model, e.OIP.Version}
	default:
		s := e.SageMaker
		parts = []string{"sagemaker", s.URL, s.Region, s.Endpoint, s.Variant, s.TargetModel, s.Component, s.Session}
	}
	return strings.Join(parts, "\x00")
}
