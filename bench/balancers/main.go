package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	scenario string
	systems  string
	turns    int
	warm     time.Duration
	window   time.Duration
	seed     uint64
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == partServe {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, "balancers:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.scenario, "scenario", "l1", "one or several, comma between, or all: "+strings.Join(names(), ","))
	flag.StringVar(&o.systems, "systems", "", "only systems whose name begins so, for example betimes or haproxy")
	flag.IntVar(&o.turns, "turns", 5, "turns of all systems")
	flag.DurationVar(&o.window, "window", 20*time.Second, "measured part of each step")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the first turn's load")
	o.warm = warmUp
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runAll(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "balancers:", err)
		stop()
		os.Exit(1)
	}
}

func names() (all []string) {
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return all
}

func runAll(ctx context.Context, o options) error {
	if o.turns < 1 || o.window < time.Second {
		return fmt.Errorf("-turns %d -window %s: write at least 1 and 1s", o.turns, o.window)
	}
	asked := strings.Split(o.scenario, ",")
	if o.scenario == "all" {
		asked = names()
	}
	var all []scenario
	for _, name := range asked {
		s, ok := scenarioOf(name)
		if !ok {
			return fmt.Errorf("-scenario %s is not known; use %s or all", name, strings.Join(names(), ", "))
		}
		all = append(all, s)
	}
	around, err := startServers()
	if err != nil {
		return err
	}
	defer around.stop()
	for _, s := range all {
		if err := o.turnsOf(ctx, s, around); err != nil {
			return err
		}
	}
	return nil
}
