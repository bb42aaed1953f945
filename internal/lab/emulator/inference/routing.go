package inference

import (
	"math/rand/v2"

	"betimes/internal/lab/emulator/fleet"
)

// Routing is what an endpoint's traffic goes to.
type Routing struct {
	Variants []Variant
	Async    *Async // the endpoint is asynchronous; nil: it is not
}

// Variant is one production variant in service.
type Variant struct {
	Name      string
	Config    string // of the new fleet while a deployment shifts traffic to it; else empty
	Weight    float64
	Random    bool // RANDOM; else LEAST_OUTSTANDING_REQUESTS
	Instances []*fleet.Instance

	MultiModel bool     // calls must name a model
	Containers []string // calls must name one of these; nil: they must not
	Shadow     *Variant // gets copies of calls; its Weight is their share

	meter Meter // nil: not counted
}

// pick draws a variant by weight, among those of the name if there is one.
// nil: there is none of that name, or no weight at all.
func (r *Routing) pick(name string, chance *rand.Rand) *Variant {
	if len(r.Variants) == 1 && (name == "" || r.Variants[0].Name == name) {
		return &r.Variants[0]
	}
	var sum float64
	var last *Variant
	for i := range r.Variants {
		if v := &r.Variants[i]; name == "" || v.Name == name {
			sum += v.Weight
			last = v
		}
	}
	at := chance.Float64() * sum
	for i := range r.Variants {
		v := &r.Variants[i]
		if name != "" && v.Name != name {
			continue
		}
		if at -= v.Weight; at < 0 {
			return v
		}
	}
	if name == "" {
		return nil
	}
	return last // a name is asked whatever its weight
}

// instance chooses an instance in rotation, or nil.
func (v *Variant) instance(chance *rand.Rand) *fleet.Instance {
	if n := len(v.Instances); v.Random && n > 0 {
		if i := v.Instances[chance.IntN(n)]; i.Ready() {
			return i
		}
	}
	return v.leastOutstanding(chance)
}

// leastOutstanding looks at all, from a random one on so that equals share.
func (v *Variant) leastOutstanding(chance *rand.Rand) *fleet.Instance {
	n := len(v.Instances)
	if n == 0 {
		return nil
	}
	var best *fleet.Instance
	least := int64(0)
	start := chance.IntN(n)
	for k := range n {
		i := v.Instances[(start+k)%n]
		if !i.Ready() {
			continue
		}
		if o := i.Outstanding(); best == nil || o < least {
			best, least = i, o
		}
	}
	return best
}
