package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What is promised when a broker of three is killed, and how it is tried.
const (
	failoverBack  = 10 * time.Second // p99 is as before, after each fault
	failoverQuiet = 14 * time.Second // before each kill, and between it and the start; less in a short run
	failoverKnown = 8 * time.Second  // of them, what p99 before a kill is taken from
	failoverLeast = 25 * time.Millisecond
	failoverCalm  = 250 * time.Millisecond // p99 before a kill on a machine that can judge
)

// failover kills brokers of three in turn under load and starts them again, once
// with a session timeout of 2 s between brokers and controller and once with
// Kafka's own of 9 s. In three kills every leader and the group's coordinator
// have moved because of one, and moved back while all brokers live.
func failover(ctx context.Context, o options, r *report) error {
	if o.seeds != "" || o.on == onEmbedded {
		return errors.New("failover kills brokers of its own, a process each: it runs with -on real only")
	}
	for _, one := range []struct {
		name, what string
		kafkas     bool
	}{{"2s", "2 s", false}, {"9s", "9 s (Kafka's own)", true}} {
		if o.only != "" && o.only != one.name {
			continue
		}
		at, err := startReal(needs{brokers: brokersOf, kafkas: one.kafkas, properties: map[string]string{
			"leader.imbalance.check.interval.seconds": "4", // leaders go home, which moves them again
			"leader.imbalance.per.broker.percentage":  "0",
		}})
		if err != nil {
			return err
		}
		o.progress("%s, session timeout %s", at.what, one.what)
		f := &failoverRun{o: o, at: at, what: one.what, judged: !one.kafkas}
		err = f.run(ctx, r)
		at.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// failoverRun is one cluster that is killed broker by broker.
type failoverRun struct {
	o       options
	at      *place
	what    string
	judged  bool // what is promised of the time is required
	ledger  *ledger
	arrived *arrivals
	faults  []outage
}

// outage is a broker that was killed or started.
type outage struct {
	at     time.Time
	killed bool
}

func (f *failoverRun) run(ctx context.Context, r *report) error {
	model, err := newWitness(5*time.Millisecond, 15*time.Millisecond)
	if err != nil {
		return err
	}
	defer model.close()
	pipeline := fmt.Sprintf("failover%d", f.o.seed)
	stream, _, err := f.begin(ctx, "stream", pipeline, model)
	if err != nil {
		return err
	}
	defer stream.clear()
	gateway, address, err := f.begin(ctx, "gateway", pipeline, model)
	if err != nil {
		return err
	}
	defer gateway.clear()
	if f.ledger, err = newLedger(address, f.o.seed); err != nil {
		return err
	}
	defer f.ledger.gateway.Close()
	if err := f.underLoad(ctx); err != nil {
		return err
	}
	if err := f.judge(ctx, pipeline, r); err != nil {
		return err
	}
	for _, p := range []*process{gateway, stream} {
		stopped := p.stop()
		r.require(stopped == nil, "%s: %v", f.what, stopped)
	}
	return nil
}

// begin starts a role, and tells where its gateway would be.
func (f *failoverRun) begin(ctx context.Context, role, pipeline string, model *witness) (*process, string, error) {
	s, err := f.o.station(f.at, role, pipeline, model.url(role))
	if err != nil {
		return nil, "", err
	}
	p, err := f.o.working(ctx, s)
	return p, s.Gateway, err
}

// underLoad loads the gateway while brokers are killed, and reads predictions.
func (f *failoverRun) underLoad(ctx context.Context) error {
	cluster, err := f.at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
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
	err = f.killInTurn(ctx)
	stop()
	<-loaded
	if err == nil {
		err = pause(ctx, failoverKnown) // what is under way is read
	}
	unread()
	return firstOf(err, <-read)
}

func (f *failoverRun) quiet() time.Duration { return min(failoverQuiet, f.o.length/4) }

// killInTurn kills one broker after the other and starts it again.
func (f *failoverRun) killInTurn(ctx context.Context) error {
	for n := range or(f.o.count, 6) {
		id := n%f.at.count + 1
		if err := pause(ctx, f.quiet()); err != nil {
			return err
		}
		f.faults = append(f.faults, outage{time.Now(), true})
		f.at.kill(id)
		f.o.progress("kill %d of %d: broker %d", n+1, or(f.o.count, 6), id)
		if err := pause(ctx, f.quiet()); err != nil {
			return err
		}
		f.faults = append(f.faults, outage{time.Now(), false})
		if err := f.at.start(id); err != nil {
			return err
		}
	}
	return pause(ctx, f.quiet())
}
