package budget

import (
	"testing"
	"time"
)

func TestTheDeadlineIsTheBudgetAfterTheClockBegan(t *testing.T) {
	began := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	if got := (Budget{Latency: 250 * time.Millisecond}).Deadline(began); got.Sub(began) != 250*time.Millisecond {
		t.Errorf("deadline is %v after the beginning", got.Sub(began))
	}
}
