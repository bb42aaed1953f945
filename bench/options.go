package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	scenarios []scenario
	brokers   []string // kinds
	seeds     []string
	sut       string
	peers     map[string]string // path by name
	systems   []string          // empty: those of the scenario
	rates     []float64         // empty: those of the scenario
	all       bool              // of the suite: on real brokers only what claims rest on
	turns     int               // 0: those of the scenario
	window    time.Duration
	seed      uint64
	keep      string
}

// The kinds of brokers.
const (
	embedded = "embedded"
	real     = "real"
)

// allRegimes names the scenarios of batching together.
const allRegimes = "regimes"

// texts are the flags as they are written.
type texts struct {
	scenario, brokers, seeds, systems, rates string
}

func parse(args []string) (options, error) {
	o := options{peers: map[string]string{}}
	var t texts
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&t.scenario, "scenario", "p1", "one or several of "+strings.Join(scenarioNames(), ",")+", "+allRegimes+" (all p4), or all (but p4, p4-cost, p5-batch, p6 and door)")
	f.StringVar(&t.brokers, "broker", embedded, "embedded, real (Apache Kafka; go run -tags interop) or both with a comma between: for each in turn")
	f.StringVar(&t.seeds, "seeds", "", "brokers that run elsewhere, HOST:PORT,…, instead of -broker; topics and groups are left there")
	f.StringVar(&o.sut, "sut", "", "betimes binary to measure; empty: built from this tree")
	f.Func("peer", "NAME=PATH of a binary that joins: bento or connect; may be given several times", o.peer)
	f.StringVar(&t.systems, "systems", "", "only these systems, for example F1,betimes")
	f.StringVar(&t.rates, "rates", "", "records a second, one or several, comma between; empty: the scenario's")
	f.IntVar(&o.turns, "turns", 0, "turns of all systems; 0: the scenario's; results below 5 are for a look only")
	f.DurationVar(&o.window, "window", 10500*time.Millisecond, "measured part of a run; longer where it would hold fewer than 10,000 records, whole bursts of 25s, 22.5s of p4-cost, below 10s for a look only")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the schedule; turn n uses seed+n")
	f.StringVar(&o.keep, "keep", "", "folder that keeps each run's configuration, output and service times")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.read(t)
}

// peer takes one -peer.
func (o *options) peer(text string) error {
	name, path, ok := strings.Cut(text, "=")
	if _, known := peerConfigs()[name]; !ok || !known {
		return fmt.Errorf("write bento=PATH or connect=PATH")
	}
	path, err := filepath.Abs(path)
	o.peers[name] = path
	return err
}

func (o *options) read(t texts) error {
	names := strings.Split(strings.ReplaceAll(t.scenario, allRegimes, "p4,p4-slow,p4-free"), ",")
	if o.all = t.scenario == "all"; o.all {
		names = suiteNames()
	}
	for _, name := range names {
		s, ok := scenarioOf(name)
		if !ok {
			return fmt.Errorf("-scenario %s is not known; use %s or all", name, strings.Join(scenarioNames(), ", "))
		}
		o.scenarios = append(o.scenarios, s)
	}
	o.brokers = strings.Split(t.brokers, ",")
	for _, kind := range o.brokers {
		if kind != embedded && kind != real {
			return fmt.Errorf("-broker %s is not known; use embedded, real or embedded,real", kind)
		}
	}
	if t.seeds != "" {
		o.seeds, o.brokers = strings.Split(t.seeds, ","), []string{t.seeds}
	}
	if t.systems != "" {
		o.systems = strings.Split(t.systems, ",")
	}
	if o.turns < 0 || o.window < time.Second {
		return fmt.Errorf("-turns %d -window %s: write at least 0 turns and 1s", o.turns, o.window)
	}
	return o.readRates(t.rates)
}

func (o *options) readRates(text string) error {
	if text == "" {
		return nil
	}
	for one := range strings.SplitSeq(text, ",") {
		rate, err := strconv.ParseFloat(one, 64)
		if err != nil || rate <= 0 {
			return fmt.Errorf("-rates %s: %q is not a rate; write for example 1000,2500", text, one)
		}
		o.rates = append(o.rates, rate)
	}
	return nil
}

// turnsOf is how often each system runs in a scenario on brokers of a kind; 0: never.
func (o options) turnsOf(s scenario, kind string) int {
	switch {
	case o.all && kind != embedded && s.claims == 0:
		return 0
	case o.turns > 0:
		return o.turns
	case o.all && kind != embedded:
		return s.claims
	}
	return s.turns
}

// takes tells whether a system takes turns in a scenario.
func (o options) takes(s scenario, name string) bool {
	if len(o.systems) > 0 {
		return slices.Contains(o.systems, name)
	}
	return slices.Contains(s.systems, name)
}

// windowOf is long enough for the records that are needed, unless a look at less was
// asked for.
func (o options) windowOf(s scenario, rate float64) time.Duration {
	need := time.Duration(1.05 * float64(s.fewest()) / rate * float64(time.Second))
	if o.window < leastWindow {
		return o.window
	}
	if s.kind == bursts {
		return max(1, (o.window+burstEvery/2)/burstEvery) * burstEvery
	}
	if s.kind == changes {
		return thirds * changeEvery
	}
	const most = time.Minute // fewer records than that are void
	return max(o.window, min(need, most))
}
