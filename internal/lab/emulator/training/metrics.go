package training

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// MetricDefinition finds a metric in a job's log.
type MetricDefinition struct {
	Name  string `json:"Name"`
	Regex string `json:"Regex"`
}

// Metric is the last value of a metric.
type Metric struct {
	MetricName string     `json:"MetricName"`
	Value      float64    `json:"Value"`
	Timestamp  reply.Time `json:"Timestamp"`
}

// The lines of the built-in algorithms, whose metrics need no definition.
var (
	boosted = regexp.MustCompile(`(train|validation)-([a-z0-9_@.]+):(\S+)`)
	linear  = regexp.MustCompile(`#quality_metric: .*, (train|validation) \S+ <loss>=(\S+)`)
)

// watcher reads a log line by line and keeps the last value of each metric.
type watcher struct {
	rest        []byte
	definitions []compiled
	last        map[string]float64
}

type compiled struct {
	name  string
	regex *regexp.Regexp
}

// newWatcher prepares; a regex that does not compile here never matches (control refuses it before).
func newWatcher(definitions []MetricDefinition) *watcher {
	w := &watcher{last: map[string]float64{}}
	for _, d := range definitions {
		if regex, err := regexp.Compile(d.Regex); err == nil {
			w.definitions = append(w.definitions, compiled{d.Name, regex})
		}
	}
	return w
}

// maxLine bounds what is kept of a line without end.
const maxLine = 64 << 10

// Write reads what a job logs.
func (w *watcher) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			break
		}
		w.line(string(line))
		w.rest = rest
	}
	if len(w.rest) > maxLine {
		w.rest = nil
	}
	return len(p), nil
}

func (w *watcher) line(line string) {
	for _, m := range boosted.FindAllStringSubmatch(line, -1) {
		w.note(m[1]+":"+m[2], m[3])
	}
	if m := linear.FindStringSubmatch(line); m != nil {
		w.note(m[1]+":objective_loss", m[2])
	}
	for _, d := range w.definitions {
		if m := d.regex.FindStringSubmatch(line); len(m) > 1 {
			w.note(d.name, m[1])
		}
	}
}

func (w *watcher) note(name, text string) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && v-v == 0 { // JSON has no NaN and no infinity
		w.last[name] = v
	}
}

// final is the last value of each metric, by name.
func (w *watcher) final(now time.Time) []Metric {
	metrics := make([]Metric, 0, len(w.last))
	for name, v := range w.last {
		metrics = append(metrics, Metric{name, v, reply.At(now)})
	}
	sort.Slice(metrics, func(i, j int) bool { return metrics[i].MetricName < metrics[j].MetricName })
	return metrics
}
