package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Delay is a duration or auto.
type Delay time.Duration

// AutoDelay is auto, until the file's addresses are known.
const AutoDelay Delay = -1

// UnmarshalText reads auto or a duration.
func (d *Delay) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*d = AutoDelay
		return nil
	}
	read, err := parseDuration(string(text))
	*d = Delay(read)
	return err
}

// MarshalText gives auto or the duration.
func (d Delay) MarshalText() ([]byte, error) {
	if d == AutoDelay {
		return []byte("auto"), nil
	}
	return []byte(formatDuration(time.Duration(d))), nil
}

var daysFirst = regexp.MustCompile(`^(\d{1,6})d(\d.*)?$`)

// parseDuration reads Go's durations, and days before them: 30d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf("%q is negative; write for example 250ms", text)
	}
	days, rest := 0, text
	if m := daysFirst.FindStringSubmatch(text); m != nil {
		days, _ = strconv.Atoi(m[1])
		rest = m[2]
		if rest == "" {
			rest = "0s"
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, notDuration(text)
	}
	if days > 36500 || d > 36500*day {
		return 0, fmt.Errorf("%q is more than 36500d; write less", text)
	}
	return time.Duration(days)*day + d, nil
}

func notDuration(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Errorf("%s has no unit; write for example %sms or %ss", text, text, text)
	}
	return errors.New(strconv.Quote(text) + " is not a duration; write for example 250ms, 10s or 30d")
}

// formatDuration leaves out zero units: 30d, 24h, 1m30s, 250ms.
func formatDuration(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
