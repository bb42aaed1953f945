package balance

import (
	"testing"
	"time"
)

func TestWhatADecisionSaysOfTheOthers(t *testing.T) {
	of := func(name string, priority int) *endpoint {
		return &endpoint{target: Target{Endpoint: name, Preference: Preference{Priority: priority}}}
	}
	for _, tt := range []struct {
		name string
		took time.Duration
		rank int
		want string
	}{
		{"one of which the time is known", 9100 * time.Microsecond, 0, "fastest,b=9.1ms"},
		{"one that was never asked", 0, 0, "fastest,b=new"},
		{"one that failed all it was asked", unknown / 2, 0, "fastest,b=?"},
		{"one that hangs", unknown, 0, "fastest,b=?"},
		{"one that is only asked when this one cannot be", 0, 1, "fastest,b=spare"},
		{"one that this one stands in for", 2 * time.Millisecond, -1, "fastest,b=2.0ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &call{endpoint: of("a", 0), why: fastest}
			c.others[0] = prediction{of("b", tt.rank), tt.took}
			if got := c.reason(); got != tt.want {
				t.Errorf("it says %q, not %q", got, tt.want)
			}
		})
	}
}
