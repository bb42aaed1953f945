package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// loadReport is what betimes load --report writes, as far as it is drawn.
type loadReport struct {
	Workload string    `json:"workload"`
	Rate     float64   `json:"rate"`
	Machine  string    `json:"machine"`
	Started  time.Time `json:"started"`
	Stages   []struct {
		Stage string `json:"stage"`
		Count int64  `json:"count"`
		P50US int64  `json:"p50_us"`
		P99US int64  `json:"p99_us"`
	} `json:"stages"`
}

// drawBudget shows what each stage takes.
func drawBudget(data string) (string, error) {
	const name = "budget.json"
	text, err := os.ReadFile(filepath.Join(data, name))
	if err != nil {
		return "", err
	}
	var r loadReport
	if err := json.Unmarshal(text, &r); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	events := int64(0)
	for _, s := range r.Stages {
		events = max(events, s.Count)
	}
	var all []category
	for _, s := range r.Stages {
		outside := slices.Contains([]string{"send", "deliver", "residual"}, s.Stage) // not of the event's own clock
		if outside || s.Count*10 < events || s.P99US == 0 {
			continue
		}
		all = append(all, category{s.Stage, []*value{micros(s.P50US), micros(s.P99US)}})
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%s has no stage", name)
	}
	source := fmt.Sprintf("betimes load, %s at %.0f/s, %s, %s", r.Workload, r.Rate, r.Machine, r.Started.Format(time.DateOnly))
	ch := chart{"Where an event's time goes", "µs of each stage that half of the events take at most, and 99 of 100", source, "bench/data/" + name, []string{"p50", "p99"}}
	return ch.dots(all, "µs"), nil
}

// micros gives µs; none is less than one.
func micros(us int64) *value {
	v := max(float64(us), 0.5)
	return &value{v, v, v}
}
