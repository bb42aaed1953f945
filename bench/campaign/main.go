package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
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
	name    string
	binary  string
	seed    uint64
	count   int
	rate    float64
	length  time.Duration
	fuzz    time.Duration
	only    string
	on      string // embedded, real or both
	mode    string // of modes; empty: all
	seeds   string // HOST:PORT,…: brokers that run already; before on
	cluster string // file whose section kafka says how to come in to brokers that run already
	untimed bool   // times are told, not judged
	keep    bool
	log     io.Writer // progress
	workdir string    // of this campaign
	env     []string  // of the processes, beside this one's own
	source  string    // root of the source tree
	ports   *claims
}

// campaign runs one kind of count and adds its rows.
type campaign func(ctx context.Context, o options, r *report) error

var campaigns = map[string]campaign{
	"kills": kills, "backlog": backlog, "sustain": sustain, "start": starts, "fuzz": fuzz, "slowkey": slowkey, "skew": skew, "overload": overload, "climit": concurrencyLimit,
	"drains": drains, "storm": storm, "brokers": brokers, "failpoints": failpoints, "faults": faults,
	"failover": failover, "memory": memory, "hostile": hostile, "mlflow": mlflow, "emulator-kills": emulatorKills, "emulator": emulatorSpeed,
}

func main() {
	if os.Getenv(partVariable) == partModel {
		if err := serveModel(); err != nil {
			fmt.Fprintln(os.Stderr, "campaign:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "campaign:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "campaign:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	names := strings.Join(slices.Sorted(maps.Keys(campaigns)), ", ")
	o := options{log: os.Stderr, source: ".", ports: &claims{}}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("SEED"), "1"), 10, 64)
	if err != nil {
		return o, fmt.Errorf("SEED: %q is not a number from 0", os.Getenv("SEED"))
	}
	count, err := strconv.Atoi(cmp.Or(os.Getenv("COUNT"), "0"))
	if err != nil {
		return o, fmt.Errorf("COUNT: %q is not a number", os.Getenv("COUNT"))
	}
	fuzzTime, err := time.ParseDuration(cmp.Or(os.Getenv("FUZZTIME"), "60s"))
	if err != nil {
		return o, fmt.Errorf("FUZZTIME: %w; write for example 60s", err)
	}
	f := flag.NewFlagSet("campaign", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "usage: campaign [flags] NAME\n  NAME is one of %s\n", names)
		f.PrintDefaults()
	}
	f.StringVar(&o.binary, "betimes", "", "binary to examine; empty: built from this source")
	f.Uint64Var(&o.seed, "seed", seed, "decides events and moments; default: the variable SEED")
	f.IntVar(&o.count, "count", count, "kills (10), of emulator-kills (100), starts of emulator (5), records of backlog (100000), starts of each kind (5), drains (200), pairs of slowkey (3), kills of failover (6), inputs of hostile (5000), events of memory (10000), kills at each failpoint (3), times each of faults (1); default: the variable COUNT")
	f.Float64Var(&o.rate, "rate", 0, "events a second of kills and failover (300) and sustain (500)")
	f.DurationVar(&o.length, "for", time.Minute, "length of each run of sustain, skew and storm, of each overload, and twice that of each limit of climit; hostile takes ten stretches of an eighth, emulator loads of a sixth")
	f.DurationVar(&o.fuzz, "fuzztime", fuzzTime, "time of each fuzz target; default: the variable FUZZTIME")
	f.StringVar(&o.only, "only", "", "of kills: v1, slow, roles or endpoints; of sustain: rest, memory or stream; of storm: a part of classic-storm, classic-scale, consumer-…, static-…, share-…; of failover: 2s or 9s; of fuzz: targets whose package or name contains this; of failpoints and faults: those whose name does")
	f.StringVar(&o.on, "on", onBoth, "brokers of kills' roles and endpoints, drains, storm, failover, hostile and memory: embedded, real (Apache Kafka) or both")
	f.StringVar(&o.mode, "mode", "", "of kills' roles and endpoints, failpoints and faults: at_least_once, exactly_once or share; of failover the first two; empty: all")
	f.StringVar(&o.seeds, "seeds", os.Getenv("SEEDS"), "brokers that run already, HOST:PORT,HOST:PORT, instead of -on; default: the variable SEEDS")
	f.StringVar(&o.cluster, "cluster", os.Getenv("CLUSTER"), "of brokers: a file whose section kafka has seeds, tls and sasl of brokers that run already; default: the variable CLUSTER")
	f.BoolVar(&o.untimed, "untimed", false, "tell times of drains, storm, failover and hostile and do not judge them: the machine does other things")
	f.BoolVar(&o.keep, "keep", false, "keep the folder with configurations, logs and data")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.name = f.Arg(0)
	if f.NArg() != 1 || campaigns[o.name] == nil {
		return o, fmt.Errorf("%q is not a campaign; name one of %s", strings.Join(f.Args(), " "), names)
	}
	return o, o.check()
}

func (o options) check() error {
	if o.mode != "" && !slices.ContainsFunc(modes(), func(m mode) bool { return m.name == o.mode }) {
		return fmt.Errorf("-mode %s: say at_least_once, exactly_once or share", o.mode)
	}
	if o.on != onEmbedded && o.on != onReal && o.on != onBoth {
		return fmt.Errorf("-on %s: say embedded, real or both", o.on)
	}
	if o.count < 0 || o.rate < 0 || o.length < time.Second || o.fuzz < time.Second {
		return fmt.Errorf("-count %d -rate %g -for %s -fuzztime %s: counts from 0, times from 1s", o.count, o.rate, o.length, o.fuzz)
	}
	return nil
}

// run runs the campaign in a folder of its own and prints its report.
func run(ctx context.Context, o options) (err error) {
	if o.workdir, err = os.MkdirTemp("", "betimes-campaign-"); err != nil {
		return err
	}
	defer o.tidy()
	defer o.ports.leave()
	if o.binary, err = o.build(ctx); err != nil {
		return err
	}
	r := newReport(o)
	if err := campaigns[o.name](ctx, o, r); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.write(os.Stdout)
}

func (o options) tidy() {
	if o.keep {
		fmt.Fprintln(o.log, "kept:", o.workdir)
		return
	}
	os.RemoveAll(o.workdir)
}

// progress tells the one who waits.
func (o options) progress(format string, args ...any) {
	fmt.Fprintf(o.log, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
