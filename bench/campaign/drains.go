package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// What is promised of the end that was asked for, and how it is tried.
const (
	drainUnder    = 50 // events in flight at each SIGTERM, at least
	drainIn       = 10 * time.Second
	drainClients  = 100
	drainLeast    = 60 * time.Millisecond // service time of the model
	drainMost     = 240 * time.Millisecond
	drainPatience = time.Minute
)

// drains ends gateway and stream again and again with SIGTERM while both have
// events in flight.
func drains(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: brokersOf}, func(ctx context.Context, at *place) error { return o.drainOn(ctx, at, r) })
}

// drainRun is one run on one place.
type drainRun struct {
	o        options
	what     string
	random   *rand.Rand
	witness  *witness
	clients  *clients
	stations map[string]*station
	running  map[string]*process
	took     []time.Duration
	least    map[string]int // events in flight at a SIGTERM, by role
	bad      []string       // ends that were none as promised
}

func (o options) drainOn(ctx context.Context, at *place, r *report) error {
	model, err := newWitness(drainLeast, drainMost)
	if err != nil {
		return err
	}
	defer model.close()
	d := &drainRun{
		o: o, what: at.what, random: rand.New(rand.NewPCG(o.seed, 11)), witness: model,
		stations: map[string]*station{}, running: map[string]*process{}, least: map[string]int{},
	}
	defer d.clear()
	pipeline := fmt.Sprintf("drains%d", o.seed)
	for _, role := range []string{"stream", "gateway"} {
		if d.stations[role], err = o.station(at, role, pipeline, model.url("stream"), "concurrency: 96"); err != nil {
			return err
		}
		if d.running[role], err = o.working(ctx, d.stations[role]); err != nil {
			return err
		}
	}
	d.clients = newClients(d.stations["gateway"].Gateway, fmt.Sprintf("drain%d", o.seed), drainClients)
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); d.clients.load(loading) }()
	err = d.again(ctx)
	stop()
	<-loaded
	if err != nil {
		return err
	}
	return d.finish(ctx, at, pipeline, r)
}

func (d *drainRun) clear() {
	for _, p := range d.running {
		p.clear()
	}
}

// again ends and starts the two roles in turn.
func (d *drainRun) again(ctx context.Context) error {
	for n := range or(d.o.count, 200) {
		role := []string{"stream", "gateway"}[n%2]
		if err := d.once(ctx, role); err != nil {
			return fmt.Errorf("SIGTERM %d, %s: %w", n+1, role, err)
		}
		if n%10 == 9 {
			d.o.progress("%d of %d, the slowest end %s", n+1, or(d.o.count, 200), seconds(slices.Max(d.took)))
		}
	}
	return nil
}

// under is how many events a role has in flight.
func (d *drainRun) under(role string) int {
	if role == "stream" {
		return d.witness.under("stream")
	}
	return int(d.clients.under.Load())
}

func (d *drainRun) enough(role string) func() bool {
	return func() bool { return d.under(role) >= drainUnder }
}

// once waits for enough events in flight and a moment more, and ends a role.
func (d *drainRun) once(ctx context.Context, role string) error {
	what := fmt.Sprintf("%d events in flight", drainUnder)
	if err := until(ctx, drainPatience, what, d.enough("stream")); err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(d.random.Int64N(int64(500*time.Millisecond)))); err != nil {
		return err
	}
	if err := until(ctx, drainPatience, what, d.enough(role)); err != nil {
		return err
	}
	n := d.under(role)
	if least, known := d.least[role]; !known || n < least {
		d.least[role] = n
	}
	began := time.Now()
	if err := d.running[role].stop(); err != nil {
		d.bad = append(d.bad, err.Error())
	}
	d.took = append(d.took, time.Since(began))
	next, err := d.o.startStation(d.stations[role])
	if err != nil {
		return err
	}
	d.running[role] = next
	_, err = next.await(ctx)
	return err
}

// finish waits for the last commit, reads the topics and judges.
func (d *drainRun) finish(ctx context.Context, at *place, group string, r *report) error {
	cluster, err := at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	e := examined{what: d.what, group: group}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	places, err := idsOf(ctx, cluster, topicEvents)
	if err != nil {
		return err
	}
	in := map[string]bool{}
	for _, id := range places {
		in[id] = true
	}
	c := v.Counts
	missing, unanswered := 0, 0
	for id := range d.clients.accepted {
		if !in[id] {
			missing++
		}
	}
	for id, why := range d.clients.lost {
		if in[id] {
			unanswered++
			r.note("%s: accepted and not answered: %s", d.what, why)
		}
	}
	again := repeats(d.witness.log())
	slices.Sort(d.took)
	r.add(row{
		{"brokers", d.what}, {"SIGTERMs", len(d.took)}, {"in flight, least (stream / gateway)", fmt.Sprintf("%d / %d", d.least["stream"], d.least["gateway"])},
		{"accepted", len(d.clients.accepted)}, {"predicted", v.Places["predictions"]}, {"lost", c.Waiting + int64(missing)}, {"redelivered", max(int64(again), c.Duplicated)}, {"reordered", c.Reordered},
		{"accepted, then failed", unanswered}, {"no answer and not taken", len(d.clients.lost) - unanswered},
		{"end p50", seconds(d.took[len(d.took)/2])}, {"end, slowest", seconds(d.took[len(d.took)-1])},
	})
	if len(d.clients.refused) > 0 {
		r.note("%s: other answers than 2xx: %s", d.what, listed(d.clients.refused))
	}
	for _, one := range d.bad {
		r.require(false, "%s: %s", d.what, one)
	}
	r.require(len(d.clients.accepted) > 0, "%s: nothing was accepted", d.what)
	r.require(missing == 0, "%s: %d accepted events are not in the topic", d.what, missing)
	r.require(again == 0, "%s: the model was asked again about %d events", d.what, again)
	e.once(&v, int(c.Events), r)
	r.require(unanswered == 0 && len(d.clients.refused) == 0, "%s: %d accepted events were not answered, others were refused: %s", d.what, unanswered, listed(d.clients.refused))
	r.timely(d.took[len(d.took)-1] <= drainIn, "%s: an end took %s, promised %s", d.what, seconds(d.took[len(d.took)-1]), drainIn)
	for role, least := range d.least {
		r.require(least >= drainUnder, "%s: only %d events in flight at a SIGTERM of the %s", d.what, least, role)
	}
	return nil
}
