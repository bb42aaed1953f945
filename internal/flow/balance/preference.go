package balance

import (
	"math"
	"time"
)

// cheapest is the lowest cost of a call that is surely in time; no: all cost the
// same, or none is.
func (k *chooser) cheapest(f field) (cost float64, ok bool) {
	if !k.priced {
		return 0, false
	}
	for i, e := range k.endpoints {
		if !f.offers(e) || !f.deadline.IsZero() && f.now.Add(sureIn*k.predicted[i]).After(f.deadline) {
			continue
		}
		if !ok || e.target.Cost < cost {
			cost, ok = e.target.Cost, true
		}
	}
	return cost, ok
}

// leastOf is the shortest time among the endpoints of that cost.
func (k *chooser) leastOf(f field, cost float64) time.Duration {
	least := unknown
	for i, e := range k.endpoints {
		if f.offers(e) && e.target.Cost == cost {
			least = min(least, k.predicted[i])
		}
	}
	return least
}

// sticks picks the endpoint of the field that a key belongs to, the next one when
// that is full or far slower than the fastest. Each key has its own order of all
// endpoints: when one goes, only its keys move.
func (k *chooser) sticks(f field, least time.Duration) choice {
	var found *endpoint
	most := math.Inf(-1)
	for i, e := range k.endpoints {
		if !f.offers(e) || float64(k.predicted[i]) > keepKey*float64(least+alikeBy) {
			continue
		}
		if d := e.drawn(f.key); d > most {
			found, most = e, d
		}
	}
	return choice{endpoint: found, why: sticky}
}

// drawn is a number of the endpoint and a key, the same in every process: the
// highest of all endpoints is that of each one for as many keys as its weight says.
func (e *endpoint) drawn(key []byte) float64 {
	const offset, prime = 14695981039346656037, 1099511628211 // of FNV-1a
	h := uint64(offset)
	for i := range len(e.target.Endpoint) {
		h = (h ^ uint64(e.target.Endpoint[i])) * prime
	}
	for _, b := range key {
		h = (h ^ uint64(b)) * prime
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd // all bits of the key reach the upper ones
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	part := (float64(h>>11) + 0.5) / (1 << 53)
	return -e.target.Weight / math.Log(part)
}
