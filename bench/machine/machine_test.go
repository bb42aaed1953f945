package machine

import (
	"testing"
	"time"
)

func TestCPUIsReadPastAnOddName(t *testing.T) {
	if got := cpuOf("12 (a) b) (c) S 1 1 1 0 -1 4194304 100 0 0 0 150 50 7 7 20 0 9 0"); got != 2*time.Second {
		t.Errorf("got %s, want 2s", got)
	}
	if got := cpuOf("12 (short) S 1"); got != 0 {
		t.Errorf("of a cut line: %s", got)
	}
}
