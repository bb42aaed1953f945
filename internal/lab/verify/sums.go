package verify

import (
	"strings"

	"betimes/internal/event"
)

// checksums of what a record holds.

func valueSum(ev *event.Event) uint32 { return checksum(ev.Value) ^ fold(keyHash(ev.Key)) }

func fold(hash uint64) uint32 { return uint32(hash) ^ uint32(hash>>32) }

// foreignSum is the checksum of the headers that others wrote.
func foreignSum(ev *event.Event) uint32 {
	var sum uint32
	for i := range ev.Headers {
		if !strings.HasPrefix(ev.Headers[i].Name, "betimes-") {
			sum = recast(recast(sum, []byte(ev.Headers[i].Name)), ev.Headers[i].Value)
		}
	}
	return sum
}

func recordSum(ev *event.Event) uint32 {
	sum := valueSum(ev)
	for i := range ev.Headers {
		sum = recast(recast(sum, []byte(ev.Headers[i].Name)), ev.Headers[i].Value)
	}
	return sum
}
