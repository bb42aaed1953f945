package stream

import (
	"math"
	"testing"
	"time"
)

// Times and clocks that no endpoint should show, and some that it does.
var (
	hostileTimes = []time.Duration{0, 1, 999, time.Millisecond, 20 * time.Millisecond, time.Hour, math.MaxInt64, -1, -time.Second, math.MinInt64}
	hostileSteps = []time.Duration{0, 1, time.Millisecond, windowTime, time.Hour, -1, -time.Hour}
)

// FuzzLimit feeds the limiter stretches of equal samples, four bytes each: how
// long attempts took, how the clock steps, what is said of them and how many.
func FuzzLimit(f *testing.F) {
	f.Add(uint16(2000), []byte{0, 3, 3, 255, 0, 3, 3, 255, 0, 3, 3, 255}) // answers within the clock's resolution
	f.Add(uint16(2000), []byte{4, 3, 0, 255, 0, 3, 0, 255, 8, 3, 0, 255})
	f.Add(uint16(1), []byte{6, 5, 0, 255, 6, 6, 1, 255})
	f.Add(uint16(70), []byte{4, 2, 1, 255, 4, 3, 0, 255, 4, 2, 2, 200})
	f.Fuzz(func(t *testing.T, most uint16, script []byte) {
		l := newLimiter(0, max(int(most), 1), false)
		now := time.Unix(1_700_000_000, 0)
		for script = script[:min(len(script), 256)]; len(script) >= 4; script = script[4:] {
			took, step := hostileTimes[int(script[0])%len(hostileTimes)], hostileSteps[int(script[1])%len(hostileSteps)]
			s := sample{took: took, verdict: verdict(script[2] % 4), full: script[2] < 128}
			for range 4 * int(script[3]) {
				now = now.Add(step)
				s.at = now
				l.add(s)
				if l.limit < l.floor || l.limit > l.ceiling || !(l.base >= float64(l.floor) && l.base <= float64(l.ceiling)) {
					t.Fatalf("limit %d, base %v after %+v; want from %d to %d", l.limit, l.base, s, l.floor, l.ceiling)
				}
			}
		}
	})
}

func TestAnEndpointThatAnswersFasterThanTheClockTellsKeepsALimitThatIsLearned(t *testing.T) {
	l := newLimiter(0, 2000, false)
	now := time.Unix(0, 0)
	for range 1_000_000 {
		now = now.Add(10 * time.Microsecond)
		l.add(sample{at: now, full: true})
	}
	if l.limit < startLimit {
		t.Errorf("limit %d, which is less than the %d it began with; nothing says that so many are too many", l.limit, startLimit)
	}
}
