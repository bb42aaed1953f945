package rollout

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gauges are the metrics that a job has printed last.
type gauges struct {
	own    map[string]*regexp.Regexp
	values map[string]float64
	rounds int // that the job is to make; 0: not known

	round, first int       // the newest, and the first that was seen
	since        time.Time // when the first was seen
}

// The lines of the built-in algorithms.
var (
	roundLine  = regexp.MustCompile(`^\[(\d+)\]`)
	boostLine  = regexp.MustCompile(`(train|validation)-([a-z0-9_@.]+):([0-9.eE+-]+)`)
	linearLine = regexp.MustCompile(`#quality_metric: .*, (train|validation) \S+ <loss>=(\S+)`)
)

func newGauges(c TrainConfig) *gauges {
	g := &gauges{own: map[string]*regexp.Regexp{}, values: map[string]float64{}, round: -1}
	for name, text := range c.Metrics {
		g.own[name] = regexp.MustCompile(text) // Validate has checked it
	}
	if c.Algorithm == xgboost {
		g.rounds, _ = strconv.Atoi(c.settled("")["num_round"])
	}
	return g
}

// read takes what a line of the log says.
func (g *gauges) read(line string, now time.Time) {
	for _, m := range boostLine.FindAllStringSubmatch(line, -1) {
		g.note(m[1]+":"+m[2], m[3])
	}
	if m := linearLine.FindStringSubmatch(line); m != nil {
		g.note(m[1]+":objective_loss", m[2])
	}
	for name, regex := range g.own {
		if m := regex.FindStringSubmatch(line); len(m) > 1 {
			g.note(name, m[1])
		}
	}
	if m := roundLine.FindStringSubmatch(line); m != nil {
		g.round, _ = strconv.Atoi(m[1])
		if g.since.IsZero() {
			g.first, g.since = g.round, now
		}
	}
}

func (g *gauges) note(name, text string) {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		g.values[name] = v
	}
}

// text says how far the job is; empty: it has printed nothing that is known.
func (g *gauges) text(now time.Time) string {
	var parts []string
	if g.round >= 0 && g.rounds > 0 {
		parts = append(parts, fmt.Sprintf("round %d of %d", min(g.round+1, g.rounds), g.rounds))
	}
	for _, name := range slices.Sorted(maps.Keys(g.values)) {
		parts = append(parts, fmt.Sprintf("%s=%.4g", name, g.values[name]))
	}
	if made := g.round - g.first; made > 0 && g.rounds > g.round {
		left := now.Sub(g.since) / time.Duration(made) * time.Duration(g.rounds-1-g.round)
		if left = left.Round(time.Second); left > 0 {
			parts = append(parts, fmt.Sprintf("about %s left", left))
		}
	}
	return strings.Join(parts, ", ")
}
