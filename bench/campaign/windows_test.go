package main

import (
	"testing"
	"time"
)

func TestP99IsBackOnceAllThatComesIsQuickEnough(t *testing.T) {
	var all []waited
	for ms := int64(0); ms < 10_000; ms += 5 {
		took := 10 * time.Millisecond
		switch {
		case ms >= 2000 && ms < 4000:
			took = time.Second
		case ms >= 5000 && ms < 5025: // less than one in a hundred of all, not of its second
			took = time.Second
		case ms >= 7000 && ms < 8000:
			continue // none was predicted
		}
		all = append(all, waited{at(ms), took})
	}
	for _, tt := range []struct {
		from, to int64
		want     time.Duration
	}{{2000, 7000, 2 * time.Second}, {4000, 7000, 0}, {2000, 9500, 6 * time.Second}, {2000, 3500, time.Second}} {
		if got := back(all, at(tt.from), at(tt.to), 50*time.Millisecond); got != tt.want {
			t.Errorf("from %d ms to %d ms: back after %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
	if slow, of := slowSeconds(all, at(4000), at(7000), 50*time.Millisecond); slow != 1 || of != 3 {
		t.Errorf("%d of %d seconds are slow, want 1 of 3", slow, of)
	}
}

func TestAPercentileIsTheLeastThatSoManyAreNotAbove(t *testing.T) {
	var hundred []time.Duration
	for n := range 100 {
		hundred = append(hundred, time.Duration(n+1))
	}
	for _, tt := range []struct {
		of   []time.Duration
		p    int
		want time.Duration
	}{{hundred, 99, 99}, {hundred, 50, 50}, {hundred[:99], 99, 99}, {hundred[:10], 99, 10}, {hundred[:1], 1, 1}, {nil, 99, 0}} {
		if got := percentile(tt.of, tt.p); got != tt.want {
			t.Errorf("%d of 100 of %d times are not above %d, want %d", tt.p, len(tt.of), got, tt.want)
		}
	}
}
