package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/fault"
	"betimes/internal/lab/verify"
)

// crew is a gateway and two streams, a process each, that are loaded and hurt.
// Brokers and model live on.
type crew struct {
	o       options
	at      *place
	group   string
	mode    mode
	model   *moody
	cluster *kafka.Cluster
	members map[string]*member
	faults  []verify.Window
}

// crewNames are its members, the gateway first.
var crewNames = []string{"gateway", "stream-1", "stream-2"}

// How the members are set.
var crewSettings = []string{"attempts: 3", "backoff: {min: 20ms, max: 200ms}", "session_timeout: 6s"}

// member is one process of a crew, and whoever comes after it. It is a Victim.
type member struct {
	o       options
	station *station
	running *process
}

// Process is the one that runs now.
func (m *member) Process() *os.Process { return m.running.cmd.Process }

// Gone waits until it has ended.
func (m *member) Gone(ctx context.Context) error {
	select {
	case <-m.running.ended:
		return nil
	case <-time.After(stopIn):
		return fmt.Errorf("%s did not end within %s; it said:\n%s", m.running.role, stopIn, m.running.output())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Again starts a successor.
func (m *member) Again(context.Context) (err error) {
	m.running, err = m.o.startStation(m.station)
	return err
}

// newCrew starts a crew whose members reach the brokers by seeds.
func (o options) newCrew(ctx context.Context, m mode, at *place, seeds []string) (*crew, error) {
	model, err := newMoody(failLeast, failMost)
	if err != nil {
		return nil, err
	}
	c := &crew{o: o, at: at, group: fmt.Sprintf("%s%d", o.name, o.seed), mode: m, model: model, members: map[string]*member{}}
	if c.cluster, err = at.open(); err != nil {
		return nil, errors.Join(err, c.end())
	}
	by := *at
	by.seeds = seeds
	for _, name := range crewNames {
		if err := c.hire(ctx, &by, name); err != nil {
			return nil, errors.Join(err, c.end())
		}
	}
	return c, nil
}

func (c *crew) hire(ctx context.Context, at *place, name string) error {
	role := "stream"
	if name == crewNames[0] {
		role = name
	}
	s, err := c.o.station(at, role, c.group, c.model.url, append(slices.Clone(crewSettings), c.mode.settings...)...)
	if err != nil {
		return err
	}
	m := &member{o: c.o, station: s}
	if m.running, err = c.o.working(ctx, s); err == nil {
		c.members[name] = m
	}
	return err
}

// end ends everything; what became of it is known by then.
func (c *crew) end() error {
	for _, m := range c.members {
		m.running.clear()
	}
	c.model.close()
	if c.cluster != nil {
		c.cluster.Close()
	}
	return nil
}

// loaded hurts the crew while events are sent, sees that it works again, and judges.
func (c *crew) loaded(ctx context.Context, r *report, hurt func(context.Context) error) (verify.Verdict, examined, error) {
	e := examined{what: c.at.what, group: c.group, mode: c.mode, moody: true}
	load, err := c.o.newSupply(c.members[crewNames[0]].station.Gateway, c.group, c.cluster)
	if err != nil {
		return verify.Verdict{}, e, err
	}
	loading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); load.load(loading, or(c.o.rate, crewRate)) }()
	err = hurt(ctx)
	stop()
	<-done
	if err = errors.Join(err, load.close()); err != nil {
		return verify.Verdict{}, e, err
	}
	for _, m := range c.members {
		if err := assigned(ctx, m.running, m.station.Admin); err != nil {
			return verify.Verdict{}, e, err
		}
	}
	e.ledger, e.faults = load.file, c.faults
	verdict, err := e.examine(ctx, c.cluster, r)
	return verdict, e, err
}

// crewRate is how many events a second a crew is sent.
const crewRate = 200

// nemesis hits the members.
func (c *crew) nemesis(struck func(fault.Blow, time.Time)) *fault.Nemesis {
	n := &fault.Nemesis{Victims: map[string]fault.Victim{}, Struck: struck}
	for name, m := range c.members {
		n.Victims[name] = m
	}
	return n
}

// died notes that a process was gone by then.
func (c *crew) died(by time.Time) {
	c.faults = append(c.faults, verify.Window{From: by.Add(-20 * time.Millisecond), To: by})
}

// How a crew's members are killed: sooner than up, they start in less time.
const (
	crewLeast = 200 * time.Millisecond
	crewMost  = 2500 * time.Millisecond
)

// killCrew kills members at random moments.
func (o options) killCrew(ctx context.Context, m mode, at *place, r *report) error {
	c, err := o.newCrew(ctx, m, at, at.seeds)
	if err != nil {
		return err
	}
	defer c.end()
	blows := fault.Schedule(fault.Plan{
		Seed: o.seed, Count: or(o.count, 10), Who: crewNames, Means: []fault.Means{fault.Kill},
		Least: crewLeast, Most: crewMost, Soon: killSoonShare,
	})
	killed := map[string]int{}
	verdict, e, err := c.loaded(ctx, r, func(ctx context.Context) error {
		err := c.nemesis(func(b fault.Blow, over time.Time) {
			c.died(over)
			killed[b.Who]++
			if n := len(c.faults); n%50 == 0 {
				o.progress("%d of %d kills", n, len(blows))
			}
		}).Run(ctx, blows)
		if err != nil {
			return err
		}
		return pause(ctx, killLeast)
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("gateway and two streams on %s", at.what)
	r.add(append(row{{"run", what}, {"kills", len(blows)}}, e.cells(&verdict)...))
	r.note("%s: killed: %s", what, listed(killed))
	return nil
}
