package fault

import (
	"math/rand/v2"
	"slices"
)

// truncated is a frame of which the second half of the body is missing.
func truncated(frame []byte, body int) []byte {
	return sized(slices.Clone(frame[:body+(len(frame)-body)/2]))
}

// flipped is a frame in whose body some bits are turned over, one in a thousand bytes.
func flipped(frame []byte, body int, random *rand.Rand) []byte {
	spoilt := slices.Clone(frame)
	n := len(frame) - body
	if n == 0 {
		return spoilt
	}
	for range 1 + n/1000 {
		spoilt[body+random.IntN(n)] ^= 1 << random.IntN(8)
	}
	return spoilt
}
