package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	scenario string
	sut      string
	rates    []float64
	turns    int
	window   time.Duration
	service  time.Duration
	seed     uint64
	keep     string
	serve    string
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	var rates string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.scenario, "scenario", "p1", "p1: 230-byte records, a model that costs nothing, 8 partitions")
	f.StringVar(&o.sut, "sut", "", "betimes binary to measure; empty: the floors alone")
	f.StringVar(&rates, "rates", "1000", "records a second, one or several, comma between")
	f.IntVar(&o.turns, "turns", 5, "turns of all systems; results below 5 are for a look only")
	f.DurationVar(&o.window, "window", 12*time.Second, "measured part of a run; a run needs 10,000 records in it")
	f.DurationVar(&o.service, "service", 0, "service time of the stub model")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the schedule; turn n uses seed+n")
	f.StringVar(&o.keep, "keep", "", "folder that keeps each run's configuration, output and service times")
	f.StringVar(&o.serve, "serve", "", "for bench itself: run the brokers and the stub in this folder")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.scenario != "p1" {
		return o, fmt.Errorf("-scenario %s is not known; use p1", o.scenario)
	}
	for text := range strings.SplitSeq(rates, ",") {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || rate <= 0 {
			return o, fmt.Errorf("-rates %s: %q is not a rate; write for example 1000,2500", rates, text)
		}
		o.rates = append(o.rates, rate)
	}
	if o.turns < 1 || o.window < time.Second {
		return o, fmt.Errorf("-turns %d -window %s: write at least 1 turn and 1s", o.turns, o.window)
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	if o.serve != "" {
		return serve(o.serve, o.service)
	}
	home := os.Getenv(isolated)
	if home == "" {
		return isolate(ctx, o)
	}
	systems, err := systems(o, home)
	if err != nil {
		return err
	}
	report := newReport(os.Stdout, o)
	for _, rate := range o.rates {
		var turns []turn
		for n := range o.turns {
			t := turn{}
			for _, s := range systems {
				r, err := measure(ctx, o, s, rate, o.seed+uint64(n), home)
				if err != nil {
					return fmt.Errorf("%s, turn %d at %.0f/s: %w", s.name, n+1, rate, err)
				}
				report.progress(s.name, n+1, rate, r)
				t[s.name] = r
			}
			turns = append(turns, t)
		}
		report.table(rate, slices.Clone(systems), turns)
	}
	return nil
}
