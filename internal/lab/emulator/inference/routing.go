package inference

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"

	"betimes/internal/lab/emulator/chance"
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
	Random    bool  // RANDOM; else LEAST_OUTSTANDING_REQUESTS
	Prefix    int   // PREFIX_AWARE: how many bytes of a body decide; 0: it is not
	Threshold int64 // calls under way from which PREFIX_AWARE looks elsewhere; 0: any number
	Instances []*fleet.Instance

	MultiModel bool     // calls must name a model
	Containers []string // calls must name one of these; nil: they must not
	Shadow     *Variant // gets copies of calls; its Weight is their share

	meter Meter // nil: not counted
}

// pick draws a variant by weight, among those of the name if there is one.
// nil: there is none of that name, or no weight at all.
func (r *Routing) pick(name string, drawn *rand.Rand) *Variant {
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
	at := drawn.Float64() * sum
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

// instance chooses an instance in rotation, or nil; key is what PREFIX_AWARE goes by.
func (v *Variant) instance(drawn *rand.Rand, key []byte) *fleet.Instance {
	if v.Prefix > 0 && len(key) > 0 {
		if i := v.sticky(key); i != nil && (v.Threshold == 0 || i.Outstanding() < v.Threshold) {
			return i
		}
	}
	if n := len(v.Instances); v.Random && n > 0 {
		if i := v.Instances[drawn.IntN(n)]; i.Ready() {
			return i
		}
	}
	return v.leastOutstanding(drawn)
}

// machines is how many instances all variants have.
func (r *Routing) machines() int64 {
	n := 0
	for i := range r.Variants {
		n += len(r.Variants[i].Instances)
	}
	return int64(n)
}

// key is what PREFIX_AWARE goes by: the id that the caller gave, else the beginning of the body.
func (v *Variant) key(h http.Header, body []byte) []byte {
	if v.Prefix == 0 {
		return nil
	}
	if id := first(h, prefixID); id != "" {
		return []byte(id)
	}
	return body[:min(len(body), v.Prefix)]
}

// sticky is the instance of a key. When another comes or goes, only its own keys move.
func (v *Variant) sticky(key []byte) *fleet.Instance {
	sum := fnv.New64a()
	_, _ = sum.Write(key)
	var best *fleet.Instance
	most := uint64(0)
	for _, i := range v.Instances {
		if n := chance.Mix(sum.Sum64() ^ uint64(i.Number)); i.Ready() && (best == nil || n > most) {
			best, most = i, n
		}
	}
	return best
}

// leastOutstanding looks at all, from a random one on so that equals share.
func (v *Variant) leastOutstanding(drawn *rand.Rand) *fleet.Instance {
	n := len(v.Instances)
	if n == 0 {
		return nil
	}
	var best *fleet.Instance
	least := int64(0)
	start := drawn.IntN(n)
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
