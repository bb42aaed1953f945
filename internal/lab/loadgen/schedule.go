package loadgen

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

// schedule tells when the next event is to be sent, counted from the start; it
// ends with io.EOF. It knows nothing of how the sending goes.
type schedule func() (time.Duration, error)

// newSchedule makes the schedule of the shape, not yet cut off at for.
func newSchedule(c Config) (schedule, error) {
	switch c.Shape {
	case Steady:
		return inverse(func(n float64) float64 { return n / c.Rate }), nil
	case Poisson:
		return poisson(c), nil
	case Burst:
		return inverse(burst(c.Rate)), nil
	case Ramp:
		return inverse(ramp(c)), nil
	}
	return traced(strings.TrimPrefix(c.Shape, trace))
}

// cut ends a schedule at for; 0 never does.
func (s schedule) cut(after time.Duration) schedule {
	if after == 0 {
		return s
	}
	return func() (time.Duration, error) {
		at, err := s()
		if err == nil && at >= after {
			return 0, io.EOF
		}
		return at, err
	}
}

// inverse makes a schedule of the function that says after how many seconds n
// events are due.
func inverse(seconds func(n float64) float64) schedule {
	n := -1.0
	return func() (time.Duration, error) {
		n++
		return duration(seconds(n)), nil
	}
}

func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(min(seconds*1e9, math.MaxInt64/2)))
}

func poisson(c Config) schedule {
	random, at := rand.New(rand.NewPCG(c.Seed, 0x7015)), 0.0
	return func() (time.Duration, error) {
		at += random.ExpFloat64() / c.Rate
		return duration(at), nil
	}
}

// The form of a burst: in every period, for its first part, times the rate of the rest.
const (
	burstPeriod = 10.0 // seconds
	burstLasts  = 1.0  // seconds
	burstTimes  = 5.0
)

// burst keeps rate as the mean.
func burst(rate float64) func(n float64) float64 {
	calm := rate * burstPeriod / (burstPeriod - burstLasts + burstLasts*burstTimes)
	busy := calm * burstTimes
	perPeriod, perBurst := rate*burstPeriod, busy*burstLasts
	return func(n float64) float64 {
		periods := math.Floor(n / perPeriod)
		rest := n - periods*perPeriod
		if rest < perBurst {
			return periods*burstPeriod + rest/busy
		}
		return periods*burstPeriod + burstLasts + (rest-perBurst)/calm
	}
}

// ramp rises evenly from nothing to rate: after t seconds rate·t²/(2·for) events are due.
func ramp(c Config) func(n float64) float64 {
	return func(n float64) float64 { return math.Sqrt(2 * c.For.Seconds() * n / c.Rate) }
}

// traced reads a moment a line: seconds from the start, or RFC 3339 from the
// first line's. Only a line's first column counts; a header is passed over.
func traced(path string) (schedule, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	var (
		lines = bufio.NewScanner(file)
		line  int
		first time.Time
		last  time.Duration
	)
	return func() (time.Duration, error) {
		for lines.Scan() {
			line++
			cell, _, _ := strings.Cut(lines.Text(), ",")
			cell = strings.TrimSpace(cell)
			if cell == "" {
				continue
			}
			at, err := moment(cell, &first)
			if err != nil && line == 1 {
				continue
			}
			if err == nil && at < last {
				err = fmt.Errorf("%s is before the line above; sort the trace", cell)
			}
			if err != nil {
				return 0, fmt.Errorf("trace %s line %d: %w", path, line, err)
			}
			last = at
			return at, nil
		}
		defer file.Close()
		if err := lines.Err(); err != nil {
			return 0, fmt.Errorf("trace %s line %d: %w", path, line+1, err)
		}
		return 0, io.EOF
	}, nil
}

// moment reads one cell of a trace; first keeps the origin of absolute times.
func moment(cell string, first *time.Time) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(cell, 64); err == nil {
		if seconds < 0 || seconds > 1e9 || seconds != seconds {
			return 0, fmt.Errorf("%s seconds is no moment after the start", cell)
		}
		return duration(seconds), nil
	}
	at, err := time.Parse(time.RFC3339Nano, cell)
	if err != nil {
		return 0, fmt.Errorf("%.40q is neither seconds nor RFC 3339", cell)
	}
	if first.IsZero() {
		*first = at
	}
	return at.Sub(*first), nil
}
