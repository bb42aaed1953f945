package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"betimes/internal/kafka"
)

// What is promised when a broker of three is killed, and how it is tried.
const (
	failoverBack  = 10 * time.Second // p99 is as before, after each fault
	failoverQuiet = 12 * time.Second // before each kill, and between it and the start; less in a short run
	failoverLeast = 25 * time.Millisecond
	failoverCalm  = 250 * time.Millisecond // p99 before a kill on a machine that can judge
)

// failover kills brokers of three in turn under load and starts them again, in
// every mode that -mode names: with a session timeout of 2 s between brokers and
// controller and with Kafka's own of 9 s.
func failover(ctx context.Context, o options, r *report) error {
	if o.seeds != "" || o.on == onEmbedded {
		return errors.New("failover kills brokers of its own, a process each: it runs with -on real only")
	}
	if o.mode == "share" {
		return errors.New("-mode share: failover runs with at_least_once and exactly_once")
	}
	for _, m := range modes() {
		if m.shared || o.mode != "" && o.mode != m.name {
			continue
		}
		for _, s := range []session{{"2s", "2 s", false}, {"9s", "9 s (Kafka's own)", true}} {
			if o.only != "" && o.only != s.name {
				continue
			}
			if err := o.failoverOf(ctx, m, s, r); err != nil {
				return fmt.Errorf("%s, session timeout %s: %w", m.name, s.what, err)
			}
		}
	}
	return nil
}

// session is how soon the controller misses a broker.
type session struct {
	name, what string
	kafkas     bool // Kafka's own times, of which nothing is promised
}

// quiet is how long each stretch between two faults is.
func (o options) quiet(s session) time.Duration {
	quiet := min(failoverQuiet, o.length/4)
	if s.kafkas {
		return 2 * quiet
	}
	return quiet
}

func (o options) failoverOf(ctx context.Context, m mode, s session, r *report) error {
	at, err := startReal(needs{brokers: brokersOf, kafkas: s.kafkas, properties: map[string]string{
		"leader.imbalance.check.interval.seconds": "1", // leaders go home after a start, which moves them again
		"leader.imbalance.per.broker.percentage":  "0",
	}})
	if err != nil {
		return err
	}
	defer at.close()
	o.progress("%s, %s, session timeout %s", at.what, m.name, s.what)
	f := &failoverRun{o: o, at: at, mode: m, session: s, group: fmt.Sprintf("failover%d", o.seed)}
	return f.run(ctx, r)
}

// failoverRun is one cluster that is killed broker by broker.
type failoverRun struct {
	o       options
	at      *place
	mode    mode
	session session
	group   string // and pipeline
	ledger  *ledger
	arrived *arrivals
	outages []outage
	ended   time.Time // of the load
}

func (f *failoverRun) run(ctx context.Context, r *report) error {
	model, err := newWitness(5*time.Millisecond, 15*time.Millisecond)
	if err != nil {
		return err
	}
	defer model.close()
	stream, _, err := f.begin(ctx, "stream", model)
	if err != nil {
		return err
	}
	defer stream.clear()
	gateway, address, err := f.begin(ctx, "gateway", model)
	if err != nil {
		return err
	}
	defer gateway.clear()
	if f.ledger, err = newLedger(address, f.o.seed); err != nil {
		return err
	}
	defer f.ledger.gateway.Close()
	cluster, err := f.at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := f.underLoad(ctx, cluster); err != nil {
		return err
	}
	if err := f.judge(ctx, cluster, r); err != nil {
		return err
	}
	for _, p := range []*process{gateway, stream} {
		stopped := p.stop()
		r.require(stopped == nil, "%s: %v", f.session.what, stopped)
	}
	return nil
}

// begin starts a role, and tells where its gateway would be.
func (f *failoverRun) begin(ctx context.Context, role string, model *witness) (*process, string, error) {
	s, err := f.o.station(f.at, role, f.group, model.url(role), f.mode.settings...)
	if err != nil {
		return nil, "", err
	}
	p, err := f.o.working(ctx, s)
	return p, s.Gateway, err
}

// underLoad loads the gateway while brokers are killed, and reads predictions.
func (f *failoverRun) underLoad(ctx context.Context, cluster *kafka.Cluster) error {
	reading, unread := context.WithCancel(ctx)
	defer unread()
	f.arrived = &arrivals{at: map[string]time.Time{}}
	read, err := f.arrived.watch(reading, cluster)
	if err != nil {
		return err
	}
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); f.ledger.load(loading, or(f.o.rate, 300)) }()
	err = f.killInTurn(ctx, cluster)
	f.ended = time.Now()
	stop()
	<-loaded
	if err == nil {
		err = pause(ctx, f.o.quiet(f.session)) // what is under way is read
	}
	unread()
	return firstOf(err, <-read)
}

// killInTurn kills one broker after the other and starts it again.
func (f *failoverRun) killInTurn(ctx context.Context, cluster *kafka.Cluster) error {
	quiet, kills := f.o.quiet(f.session), or(f.o.count, 6)
	for n := range kills {
		if err := pause(ctx, quiet); err != nil {
			return err
		}
		id, was, err := f.choose(ctx, cluster, n)
		if err != nil {
			return err
		}
		f.outages = append(f.outages, outage{time.Now(), was})
		f.at.kill(id)
		f.o.progress("kill %d of %d: broker %d, %s", n+1, kills, id, was)
		if err := pause(ctx, quiet); err != nil {
			return err
		}
		f.outages = append(f.outages, outage{time.Now(), startsAgain})
		if err := f.at.start(id); err != nil {
			return err
		}
	}
	return pause(ctx, quiet)
}
