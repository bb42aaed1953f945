package scaling

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// plan is when a schedule happens: once, at a rate, or at the minutes that match.
type plan struct {
	once  time.Time
	every time.Duration
	cron  *cron
	zone  *time.Location
}

// cron is which minutes match: minute, hour, day of month, month, day of week, year.
type cron struct {
	fields [6]map[int]bool // nil: any
}

func isOnce(schedule string) bool { return strings.HasPrefix(schedule, "at(") }

// parseSchedule reads at(2026-11-25T22:00:00), rate(5 minutes) and cron(0 9 ? * MON-FRI *).
func parseSchedule(schedule, zone string) (*plan, error) {
	p := &plan{zone: time.UTC}
	if zone != "" {
		var err error
		if p.zone, err = time.LoadLocation(zone); err != nil {
			return nil, invalid("The time zone %s is not known.", zone)
		}
	}
	kind, rest, _ := strings.Cut(schedule, "(")
	inside, closed := strings.CutSuffix(rest, ")")
	ok := closed
	switch kind {
	case "at":
		var err error
		p.once, err = time.ParseInLocation("2006-01-02T15:04:05", inside, p.zone)
		ok = ok && err == nil
	case "rate":
		p.every = rate(inside)
		ok = ok && p.every > 0
	case "cron":
		p.cron = parseCron(inside)
		ok = ok && p.cron != nil
	default:
		ok = false
	}
	if !ok {
		return nil, invalid("Schedule expression %s is not valid; use at(yyyy-mm-ddThh:mm:ss), rate(VALUE UNIT) or cron(FIELDS).", schedule)
	}
	return p, nil
}

// rate reads "5 minutes"; 0 when it is none.
func rate(text string) time.Duration {
	count, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(count)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	if err != nil || n < 1 || n > 1_000_000 || (n == 1) == strings.HasSuffix(unit, "s") {
		return 0
	}
	return time.Duration(n) * units[strings.TrimSuffix(unit, "s")]
}

// between says whether it happens after last and not after now; rates count from began.
func (p *plan) between(last, now, began time.Time) bool {
	switch {
	case p.cron != nil:
		for at := last.Truncate(time.Minute).Add(time.Minute); !at.After(now); at = at.Add(time.Minute) {
			if p.cron.matches(at.In(p.zone)) {
				return true
			}
		}
		return false
	case p.every > 0:
		return !now.Before(began) && now.Sub(began)/p.every > max(last.Sub(began), 0)/p.every
	}
	return p.once.After(last) && !p.once.After(now)
}

// The names of months and days; Sunday is 1.
var (
	months = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	days   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// parseCron reads six fields; nil when they are none. L, W and # are not built.
func parseCron(text string) *cron {
	words := strings.Fields(strings.ToUpper(text))
	if len(words) != 6 {
		return nil
	}
	limits := [6][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {1, 7}, {1970, 2199}}
	names := [6][]string{3: months, 4: days}
	c := &cron{}
	for i, word := range words {
		if word == "*" || word == "?" && (i == 2 || i == 4) {
			continue
		}
		field := map[int]bool{}
		for part := range strings.SplitSeq(word, ",") {
			if !addPart(field, part, limits[i], names[i]) {
				return nil
			}
		}
		c.fields[i] = field
	}
	return c
}

// addPart reads 5, 1-5, MON-FRI, */10 and 0/15.
func addPart(field map[int]bool, part string, limits [2]int, names []string) bool {
	span, by, stepped := strings.Cut(part, "/")
	increment := 1
	if stepped {
		n, err := strconv.Atoi(by)
		if err != nil || n < 1 {
			return false
		}
		increment = n
	}
	first, last, ranged := strings.Cut(span, "-")
	from, ok := cronNumber(first, limits, names)
	to := from
	switch {
	case span == "*":
		from, to, ok = limits[0], limits[1], true
	case ranged:
		var fine bool
		to, fine = cronNumber(last, limits, names)
		ok = ok && fine && from <= to
	case stepped:
		to = limits[1]
	}
	for n := from; ok && n <= to; n += increment {
		field[n] = true
	}
	return ok
}

func cronNumber(word string, limits [2]int, names []string) (int, bool) {
	if i := slices.Index(names, word); i >= 0 {
		return i + 1, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= limits[0] && n <= limits[1]
}

func (c *cron) matches(t time.Time) bool {
	for i, n := range []int{t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday()) + 1, t.Year()} {
		if c.fields[i] != nil && !c.fields[i][n] {
			return false
		}
	}
	return true
}
