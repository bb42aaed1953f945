package main

import (
	"testing"
	"time"
)

func TestP99IsBackAfterTheLastBadSecond(t *testing.T) {
	var all []waited
	for ms := int64(0); ms < 10_000; ms += 5 {
		took := 10 * time.Millisecond
		switch {
		case ms >= 2000 && ms < 4000:
			took = time.Second
		case ms >= 5000 && ms < 5005: // less than one in a hundred
			took = time.Second
		case ms >= 7000 && ms < 8000:
			continue // none was predicted
		}
		all = append(all, waited{at(ms), took})
	}
	for _, tt := range []struct {
		from, to int64
		want     time.Duration
	}{{2000, 7000, 2 * time.Second}, {4000, 7000, 0}, {2000, 9500, 6 * time.Second}} {
		if got := back(all, at(tt.from), at(tt.to), 50*time.Millisecond); got != tt.want {
			t.Errorf("from %d ms to %d ms: back after %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}
