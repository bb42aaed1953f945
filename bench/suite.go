package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// suite is all that was asked for.
type suite struct {
	o       options
	home    string
	systems []system
	report  *report
}

// perRun is what a run takes beside its warm-up and its window: starting,
// probes, what comes back late.
const perRun = 3500 * time.Millisecond

func runSuite(ctx context.Context, o options, home string) error {
	s := suite{o: o, home: home}
	var missing []absent
	if o.piped() {
		var err error
		if s.systems, missing, err = systems(o, home); err != nil {
			return err
		}
	}
	s.report = newReport(os.Stdout, o, missing)
	for _, kind := range o.brokers {
		g, err := openGround(o, kind)
		if err != nil {
			return err
		}
		if err = s.warm(ctx, g); err == nil {
			err = s.on(ctx, g)
		}
		g.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// piped tells whether a scenario of records between topics is among those asked for.
func (o options) piped() bool {
	return slices.ContainsFunc(o.scenarios, func(s scenario) bool { return s.kind != doors })
}

// knocks tells whether the scenario of clients of an endpoint is.
func (o options) knocks() bool {
	return slices.ContainsFunc(o.scenarios, func(s scenario) bool { return s.kind == doors })
}

// warm lets brokers that outlive a run carry records that do not count.
func (s suite) warm(ctx context.Context, g *ground) error {
	if len(g.seeds) == 0 || !s.o.piped() {
		return nil
	}
	sc, _ := scenarioOf("p1")
	first := s.systems[1] // F1
	_, err := trial{o: s.o, ground: g, scenario: sc, system: first, rate: 1000, window: javaWarmUp, home: s.home}.measure(ctx)
	if err != nil {
		return fmt.Errorf("warming broker %s: %w", g.what, err)
	}
	return nil
}

// on runs every scenario on some brokers.
func (s suite) on(ctx context.Context, g *ground) error {
	for _, sc := range s.o.scenarios {
		if s.o.turnsOf(sc, g.kind) == 0 {
			continue
		}
		if sc.kind == doors {
			s.report.knocking(sc)
			if err := s.doors(ctx, sc); err != nil {
				return fmt.Errorf("%s: %w", sc.name, err)
			}
			continue
		}
		taking := s.taking(sc)
		s.report.begin(sc, g, taking)
		run := s.atRates
		if sc.kind == sustained {
			run = s.search
		}
		if err := run(ctx, g, sc, taking); err != nil {
			return fmt.Errorf("%s, broker %s: %w", sc.name, g.what, err)
		}
	}
	return nil
}

// taking are the systems that take turns in a scenario.
func (s suite) taking(sc scenario) []system {
	var all []system
	for _, one := range s.systems {
		_, given := s.o.peers[one.name]
		if s.o.takes(sc, one.name) || given {
			all = append(all, one)
		}
	}
	return all
}

// atRates measures every system at every rate, in turns.
func (s suite) atRates(ctx context.Context, g *ground, sc scenario, taking []system) error {
	for _, rate := range s.o.ratesOf(sc) {
		var turns []turn
		for n := range s.o.turnsOf(sc, g.kind) {
			t := turn{}
			for _, one := range taking {
				if !sc.takesAt(one.name, rate) {
					continue
				}
				r := trial{o: s.o, ground: g, scenario: sc, system: one, rate: rate, window: s.o.windowOf(sc, rate), seed: s.o.seed + uint64(n), home: s.home}
				res, err := r.measure(ctx)
				if err != nil {
					return fmt.Errorf("%s, turn %d at %.0f/s: %w", one.name, n+1, rate, err)
				}
				s.report.progress(one.name, n+1, res)
				t[one.name] = res
			}
			if sc.kind == changes {
				t.judge()
			}
			turns = append(turns, t)
		}
		s.report.table(sc, rate, taking, turns)
	}
	return nil
}

// ratesOf are the rates of a scenario, or those that were asked for.
func (o options) ratesOf(sc scenario) []float64 {
	if len(o.rates) > 0 {
		return o.rates
	}
	return sc.rates
}

// about is how long all takes, with every peer of the scenarios.
func (o options) about() time.Duration {
	var sum time.Duration
	for _, kind := range o.brokers {
		for _, sc := range o.scenarios {
			if sc.kind == doors {
				sum += time.Duration(len(askings(o.rates))*len(clients())*o.turnsOf(sc, kind)) * (doorWarmUp + doorRun + o.window)
			}
			for _, name := range sc.systems {
				if o.takes(sc, name) {
					sum += o.aboutOf(sc, kind, name)
				}
			}
		}
	}
	return sum
}

// aboutOf is how long one system takes in one scenario.
func (o options) aboutOf(sc scenario, kind, name string) (sum time.Duration) {
	warm := warmUp + perRun
	if name == parallelConsumer || name == kafkaStreams {
		warm = javaWarmUp + perRun
	}
	turns := time.Duration(o.turnsOf(sc, kind))
	if sc.kind == sustained {
		return min(turns, 1) * steps * (warm + searchWindow)
	}
	for _, rate := range o.ratesOf(sc) {
		sum += turns * (warm + o.windowOf(sc, rate))
	}
	return sum
}
