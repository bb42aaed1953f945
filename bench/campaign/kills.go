package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/verify"
)

// How kills are placed: most hit a pipeline at work, some one that is starting.
const (
	killLeast     = 1500 * time.Millisecond
	killMost      = 6 * time.Second
	killSoon      = 200 * time.Millisecond
	killSoonShare = 0.3
)

// moment is how long to wait for the next kill.
func moment(random *rand.Rand) time.Duration {
	if random.Float64() < killSoonShare {
		return time.Duration(random.Int64N(int64(killSoon)))
	}
	return killLeast + time.Duration(random.Int64N(int64(killMost-killLeast)))
}

// inFlight is how long before a kill an event's prediction may have been written
// and be written again: offsets are committed ten times a second, and only
// below the lowest unfinished one.
const inFlight = time.Second

// The service time of the slow model: with it, some events are at the model at
// every kill, and offsets are committed meanwhile. The hottest key still keeps up.
const (
	slowLeast = 5 * time.Millisecond
	slowMost  = 95 * time.Millisecond
)

// kills kills up again and again while it is loaded, then counts: once V1, whose
// emulator dies with it, once with a slow model that survives. Then it kills
// gateways and streams whose brokers live on, embedded and real ones; and streams
// whose model is on several servers, each with troubles of its own.
func kills(ctx context.Context, o options, r *report) error {
	model, err := newStub(slowLeast, slowMost)
	if err != nil {
		return err
	}
	defer model.close()
	for _, one := range []struct{ name, what, model string }{
		{"v1", "V1 with its own emulator", ""}, {"slow", "rest door, stub of 5 to 95 ms", model.url},
	} {
		if o.only != "" && o.only != one.name {
			continue
		}
		o.progress("%s: %g events/s", one.what, or(o.rate, 300))
		if err := o.killUp(ctx, one.what, one.model, r); err != nil {
			return fmt.Errorf("%s: %w", one.what, err)
		}
	}
	if o.only == "" || o.only == "roles" {
		if err := o.inEveryMode(ctx, func(ctx context.Context, m mode, at *place) error { return o.killCrew(ctx, m, at, r) }); err != nil {
			return err
		}
	}
	if o.only != "" && o.only != "endpoints" {
		return nil
	}
	return o.inEveryMode(ctx, func(ctx context.Context, m mode, at *place) error { return o.killFleet(ctx, m, at, r) })
}

func (o options) killUp(ctx context.Context, what, model string, r *report) error {
	g, err := o.ground("kills")
	if err != nil {
		return err
	}
	g.Latency, g.Model = "60s", model
	file, err := g.write("kills.yaml")
	if err != nil {
		return err
	}
	p, err := o.start("up", file)
	if err != nil {
		return err
	}
	defer func() { p.clear() }()
	if _, err := p.await(ctx); err != nil {
		return err
	}
	l, err := newLedger(g.Gateway, o.seed)
	if err != nil {
		return err
	}
	defer l.gateway.Close()
	if l.disk, err = verify.OpenLedger(g.sends()); err != nil {
		return err
	}
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); l.load(loading, or(o.rate, 300)) }()
	moments, err := o.killAgainAndAgain(ctx, file, &p)
	stop()
	<-loaded
	if err := errors.Join(err, l.disk.Close()); err != nil {
		return err
	}
	if err := judgeKills(ctx, g, l, hurt{what, moments}, r); err != nil {
		return err
	}
	stopped := p.stop()
	r.require(stopped == nil, "%v", stopped)
	return nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// killAgainAndAgain kills the process at random moments, starts it again at
// once, and tells when each of the killed was gone: what it wrote is before
// that, what its successor writes after.
func (o options) killAgainAndAgain(ctx context.Context, file string, p **process) ([]time.Time, error) {
	random := rand.New(rand.NewPCG(o.seed, 9))
	var moments []time.Time
	for n := range or(o.count, 10) {
		wait := moment(random)
		if n == 0 {
			wait += killLeast // something must be under way
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		if err := (*p).kill(); err != nil {
			return nil, err
		}
		moments = append(moments, time.Now())
		next, err := o.start("up", file)
		if err != nil {
			return nil, err
		}
		*p = next
		o.progress("kill %d of %d, %s after the last", n+1, or(o.count, 10), seconds(wait))
	}
	if _, err := (*p).await(ctx); err != nil {
		return nil, err
	}
	return moments, pause(ctx, killLeast)
}

// pause waits, or tells that ctx has ended.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// hurt is a run that was killed at these moments.
type hurt struct {
	what    string
	moments []time.Time
}

// judgeKills waits for the end of everything and compares ledger and topics.
func judgeKills(ctx context.Context, g *ground, l *ledger, h hurt, r *report) error {
	cluster, err := g.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	e := examined{what: h.what, group: g.Name, ledger: g.sends()}
	for _, kill := range h.moments {
		e.faults = append(e.faults, verify.Window{From: kill, To: kill})
	}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	ends, err := endings(ctx, cluster)
	if err != nil {
		return err
	}
	restarts := firstAfter(ends, h.moments)
	head := row{{"run", h.what}, {"kills", len(h.moments)}}
	r.add(append(append(head, e.cells(&v)...), cell{"first prediction after a kill, worst", seconds(slices.Max(append(restarts, 0)))}))
	e.predicted(&v, r)
	if len(l.problems) > 0 {
		r.note("%s: sends without 202: %s", h.what, listed(l.problems))
	}
	r.note("%s: restart to first prediction: %s", h.what, durations(restarts))
	return nil
}

// sends is the file of the ledger.
func (g *ground) sends() string { return filepath.Join(g.dir, "sends.ledger") }

func listed(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

func durations(list []time.Duration) string {
	var parts []string
	for _, d := range list {
		parts = append(parts, seconds(d))
	}
	return strings.Join(parts, ", ")
}
