package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"betimes/bench/spread"
)

const warmUp = 3 * time.Second

// turnsOf lets the systems of a scenario take turns, and reports.
func (o options) turnsOf(ctx context.Context, s scenario, around *servers) error {
	fmt.Printf("\n## %s: %s\n", s.name, s.what)
	all := map[string][]run{}
	for n := range o.turns {
		for _, name := range s.systems {
			if !strings.HasPrefix(name, o.systems) || !installed(name) {
				continue // it is named in the report
			}
			got, err := o.once(ctx, s, name, o.seed+uint64(n), around)
			if err != nil {
				return fmt.Errorf("%s, turn %d: %w", name, n+1, err)
			}
			s.progress(name, n+1, got)
			all[name] = append(all[name], got)
		}
	}
	report(os.Stdout, s, all)
	return nil
}

// installed tells whether a system is there: betimes always is.
func installed(name string) bool {
	program, _, _ := strings.Cut(name, " ")
	if strings.HasPrefix(name, betimes) {
		return true
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// progress writes every figure of a run, also of one that is void.
func (s scenario) progress(name string, turn int, r run) {
	for n, one := range s.steps {
		fmt.Fprintf(os.Stderr, "%s %s, turn %d, %s:", s.name, name, turn, one.what)
		for _, f := range one.columns() {
			fmt.Fprintf(os.Stderr, " %s %s,", f.title, spread.Of(f.format, s.values(f, []run{r}, n, true)))
		}
		fmt.Fprintf(os.Stderr, " calls %v %s\n", r.steps[n].calls, r.steps[n].void)
	}
}

// once measures one system.
func (o options) once(ctx context.Context, s scenario, name string, seed uint64, around *servers) (run, error) {
	dir, err := os.MkdirTemp("", "balancers-")
	if err != nil {
		return run{}, err
	}
	defer os.RemoveAll(dir)
	w := watcher{tell: around.tell, fleets: s.fleets(name), quit: make(chan struct{})}
	if _, err := around.tell(setting{Fleet: &w.fleets[0], Anew: true}); err != nil {
		return run{}, err
	}
	system, err := open(ctx, name, around.addresses[:len(s.fleet.Slots)], dir)
	if err != nil {
		return run{}, err
	}
	defer system.stop()
	w.refused = system.refused
	steps, err := offer(ctx, system, order{steps: s.steps, warm: o.warm, window: o.window, deadline: s.deadline, seed: seed, begin: w.begin})
	if err = w.close(err); err != nil {
		return run{}, err
	}
	for i := range steps {
		steps[i].calls, steps[i].refused, steps[i].series = w.calls(i), w.tries(i), w.series[i]
	}
	return run{steps, w.fleets, o.window}, nil
}
