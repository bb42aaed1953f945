package exchange

import (
	"strconv"
	"strings"
	"time"

	"betimes/internal/model"
)

// ReadServerTiming takes the metrics model and queue of the lines of Server-Timing.
// A server that claims more time than the exchange took is not believed.
func ReadServerTiming(t *model.Times, lines []string) {
	var compute, queue time.Duration
	said := false
	for _, line := range lines {
		for metric := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(strings.TrimSpace(metric), ";")
			d, ok := durationOf(parameters)
			if !ok {
				continue
			}
			switch name {
			case "model":
				compute, said = compute+d, true
			case "queue":
				queue += d
			}
		}
	}
	if said && compute+queue <= t.Total {
		t.Compute, t.Queue, t.Server = compute, queue, true
	}
}

func durationOf(parameters string) (time.Duration, bool) {
	for p := range strings.SplitSeq(parameters, ";") {
		value, ok := strings.CutPrefix(strings.TrimSpace(p), "dur=")
		if !ok {
			continue
		}
		ms, err := strconv.ParseFloat(strings.Trim(value, `"`), 64)
		if err != nil || !(ms >= 0 && ms < 1e9) {
			return 0, false
		}
		return time.Duration(ms * float64(time.Millisecond)), true
	}
	return 0, false
}
