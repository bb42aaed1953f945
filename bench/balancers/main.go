package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	scenario string
	turns    int
	window   time.Duration
	seed     uint64
}

const warmUp = 3 * time.Second

func main() {
	if len(os.Args) > 1 && os.Args[1] == partServe {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, "balancers:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.scenario, "scenario", "l1", "one or several, comma between, or all")
	flag.IntVar(&o.turns, "turns", 5, "turns of all systems")
	flag.DurationVar(&o.window, "window", 20*time.Second, "measured part of a run")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the first turn's load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "balancers:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	around, err := startServers()
	if err != nil {
		return err
	}
	defer around.stop()
	names := strings.Split(o.scenario, ",")
	if o.scenario == "all" {
		names = nil
		for _, s := range scenarios() {
			names = append(names, s.name)
		}
	}
	for _, name := range names {
		s, ok := scenarioOf(name)
		if !ok {
			return fmt.Errorf("-scenario %s is not known", name)
		}
		if err := turns(ctx, o, s, around); err != nil {
			return err
		}
	}
	return nil
}

// turns lets the systems of a scenario take turns, and reports.
func turns(ctx context.Context, o options, s scenario, around *servers) error {
	fmt.Printf("\n## %s: %s\n", s.name, s.what)
	all := map[string][]outcome{}
	for n := range o.turns {
		for _, name := range s.systems {
			if program, _, proxy := strings.Cut(name, " "); proxy && program != betimes+"," {
				if _, err := exec.LookPath(program); err != nil {
					continue // it is named in the report
				}
			}
			got, err := once(ctx, o, s, name, o.seed+uint64(n), around)
			if err != nil {
				return fmt.Errorf("%s, turn %d: %w", name, n+1, err)
			}
			fmt.Fprintf(os.Stderr, "%s %s, turn %d: p50 %v p99 %v p99.9 %v, calls %v, failed %d %s\n", s.name, name, n+1,
				quantile(got.took, 0.5), quantile(got.took, 0.99), quantile(got.took, 0.999), got.calls, got.failed, got.void)
			all[name] = append(all[name], got)
		}
	}
	report(s, all)
	return nil
}

// once measures one system.
func once(ctx context.Context, o options, s scenario, name string, seed uint64, around *servers) (outcome, error) {
	dir, err := os.MkdirTemp("", "balancers-")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	f := s.fleet
	if name == healthy {
		f.Slow = -1
	}
	if _, err := around.tell(&f); err != nil {
		return outcome{}, err
	}
	addresses := append([]string(nil), around.addresses[:len(f.Slots)]...)
	for i := range f.Dead {
		if addresses[i], err = nobody(); err != nil {
			return outcome{}, err
		}
	}
	system, err := open(ctx, name, addresses, dir)
	if err != nil {
		return outcome{}, err
	}
	defer system.stop()
	var before []int64
	got, err := offer(ctx, system, s.rate, warmUp, o.window, seed, func() (err error) {
		before, err = around.tell(nil)
		return err
	})
	if err != nil {
		return got, err
	}
	after, err := around.tell(nil)
	for i := range f.Slots {
		got.calls = append(got.calls, after[i]-before[i])
	}
	return got, err
}

// nobody is an address at which nobody listens.
func nobody() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}
