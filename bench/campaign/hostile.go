package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"betimes/bench/machine"
	"betimes/internal/kafka"
)

// How hostile inputs are mixed with good events.
const (
	hostileCount = 5000
	hostilePairs = 5    // of a stretch without hostile inputs and one with them
	hostileRate  = 200  // good events a second
	hostileMore  = 1.05 // of p99, at most
	hostileGrows = 64 << 20
)

// hostile sends inputs that are meant to harm through the gateway and straight
// into the topic, beside good events.
func hostile(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error { return o.hostileOn(ctx, at, r) })
}

// hostileRun is one run on one place.
type hostileRun struct {
	o        options
	at       *place
	pipeline string
	cluster  *kafka.Cluster
	ledger   *ledger
	arrived  *arrivals
	siege    *siege
	stream   *process
	gateway  *process
	edges    []time.Time // beginnings of the stretches, and the end of the last
	memory   []int64     // held by gateway and stream after each pair
}

func (o options) hostileOn(ctx context.Context, at *place, r *report) error {
	model, err := newWitness(5*time.Millisecond, 15*time.Millisecond)
	if err != nil {
		return err
	}
	defer model.close()
	h := &hostileRun{o: o, at: at, pipeline: fmt.Sprintf("hostile%d", o.seed), arrived: &arrivals{at: map[string]time.Time{}}}
	if h.cluster, err = at.open(); err != nil {
		return err
	}
	defer h.cluster.Close()
	if h.stream, _, err = h.begin(ctx, "stream", model); err != nil {
		return err
	}
	defer h.stream.clear()
	gateway, address, err := h.begin(ctx, "gateway", model)
	if err != nil {
		return err
	}
	h.gateway = gateway
	defer gateway.clear()
	if h.ledger, err = newLedger(address, o.seed); err != nil {
		return err
	}
	defer h.ledger.gateway.Close()
	g := &attacker{Rand: rand.New(rand.NewPCG(o.seed, 13)), oldest: time.UnixMilli(1)}
	if h.siege, err = newSiege(h.cluster, address, fmt.Sprintf("hostile%d-", o.seed), g); err != nil {
		return err
	}
	defer h.siege.close()
	if err := h.underLoad(ctx); err != nil {
		return err
	}
	return h.judge(ctx, r)
}

// begin starts a role that maps fields, and tells where its gateway would be.
func (h *hostileRun) begin(ctx context.Context, role string, model *witness) (*process, string, error) {
	s, err := h.o.station(h.at, role, h.pipeline, model.url(role))
	if err != nil {
		return nil, "", err
	}
	s.Feature = "{fields: [amount, hour]}"
	p, err := h.o.working(ctx, s)
	return p, s.Gateway, err
}

// each is the length of one stretch.
func (h *hostileRun) each() time.Duration { return h.o.length / 8 }

// underLoad sends good events all the time, and hostile ones in every other stretch.
func (h *hostileRun) underLoad(ctx context.Context) error {
	reading, unread := context.WithCancel(ctx)
	defer unread()
	read, err := h.arrived.watch(reading, h.cluster)
	if err != nil {
		return err
	}
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); h.ledger.load(loading, or(h.o.rate, hostileRate)) }()
	err = h.pairs(ctx)
	stop()
	<-loaded
	if err == nil {
		err = pause(ctx, 3*time.Second) // what is under way is read
	}
	unread()
	return firstOf(err, <-read)
}

func (h *hostileRun) pairs(ctx context.Context) error {
	if err := pause(ctx, h.each()/2); err != nil { // what is new is slow
		return err
	}
	each := max(1, or(h.o.count, hostileCount)/hostilePairs)
	for n := range hostilePairs {
		h.edges = append(h.edges, time.Now())
		if err := pause(ctx, h.each()); err != nil {
			return err
		}
		h.edges = append(h.edges, time.Now())
		if err := h.siege.lay(ctx, each, h.each()); err != nil {
			return err
		}
		h.memory = append(h.memory, machine.Resident(h.gateway.cmd.Process.Pid)+machine.Resident(h.stream.cmd.Process.Pid))
		h.o.progress("pair %d of %d, %d inputs, gateway and stream hold %s", n+1, hostilePairs, h.siege.g.n, mebibytes(h.memory[n]))
	}
	h.edges = append(h.edges, time.Now())
	return nil
}
