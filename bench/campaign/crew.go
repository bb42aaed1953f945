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
	model   asked
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

// asked is the model of a crew: one server, or several.
type asked interface {
	lead(*station) // to it
	total() int    // questions so far
	close()
}

// newCrew starts a crew whose members reach the brokers by seeds. Its model is the
// crew's from now on.
func (o options) newCrew(ctx context.Context, m mode, at *place, seeds []string, model asked) (c *crew, err error) {
	c = &crew{o: o, at: at, group: fmt.Sprintf("%s%d", o.name, o.seed), mode: m, model: model, members: map[string]*member{}}
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
	s, err := c.o.station(at, role, c.group, "", append(slices.Clone(crewSettings), c.mode.settings...)...)
	if err != nil {
		return err
	}
	c.model.lead(s)
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

// killing is whose members are killed at random moments, and when.
type killing struct {
	what        string // for the table
	who         []string
	least, most time.Duration
	cells       func(context.Context) (row, error) // more of them; nil: none
}

// killCrew kills members of a crew.
func (o options) killCrew(ctx context.Context, m mode, at *place, r *report) error {
	model, err := newMoody(failLeast, failMost)
	if err != nil {
		return err
	}
	c, err := o.newCrew(ctx, m, at, at.seeds, model)
	if err != nil {
		return err
	}
	defer c.end()
	return c.killed(ctx, killing{what: "gateway and two streams on " + at.what, who: crewNames, least: crewLeast, most: crewMost}, r)
}

// killed kills members under load, judges, and adds a row.
func (c *crew) killed(ctx context.Context, k killing, r *report) error {
	blows := fault.Schedule(fault.Plan{
		Seed: c.o.seed, Count: or(c.o.count, 10), Who: k.who, Means: []fault.Means{fault.Kill},
		Least: k.least, Most: k.most, Soon: killSoonShare,
	})
	times := map[string]int{}
	verdict, e, err := c.loaded(ctx, r, func(ctx context.Context) error {
		err := c.nemesis(func(b fault.Blow, over time.Time) {
			c.died(over)
			times[b.Who]++
			if n := len(c.faults); n%50 == 0 {
				c.o.progress("%d of %d kills", n, len(blows))
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
	one := append(row{{"run", k.what}, {"kills", len(blows)}}, e.cells(&verdict)...)
	if k.cells != nil {
		more, err := k.cells(ctx)
		if err != nil {
			return err
		}
		one = append(one, more...)
	}
	r.add(one)
	r.note("%s: killed: %s", k.what, listed(times))
	return nil
}
