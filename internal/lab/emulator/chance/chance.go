package chance

import (
	"hash/fnv"
	"math/rand/v2"
)

// Purpose is what something is drawn for.
type Purpose uint64

// The purposes.
const (
	Route   Purpose = iota + 1 // the variant and its instance
	Fault                      // whether a fault hits its share
	Shadow                     // whether a copy is made
	Service                    // how long the model takes
	Model                      // whether a fault of the model hits its share of asynchronous requests
)

// Draws is the chance of one request. The zero Draws is ready for Begin; one goroutine uses it.
type Draws struct {
	source        rand.PCG
	random        *rand.Rand
	seed, request uint64
}

// Salt keeps requests of endpoints apart.
func Salt(endpoint string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(endpoint))
	return h.Sum64()
}

// Begin is for the request of a number at the endpoint of a salt.
func (d *Draws) Begin(seed, salt, number uint64) {
	if d.random == nil {
		d.random = rand.New(&d.source)
	}
	d.seed, d.request = seed, Mix(salt+number*step)
}

// For gives what is drawn for a purpose, from its beginning. It serves until the next For or Begin.
func (d *Draws) For(p Purpose) *rand.Rand {
	d.source.Seed(d.seed, Mix(d.request+uint64(p)*step))
	return d.random
}

// step is odd and far from any pattern: 2^64 divided by the golden ratio.
const step = 0x9e3779b97f4a7c15

// Mix spreads neighbouring numbers over all of 64 bits (the end of SplitMix64).
func Mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
