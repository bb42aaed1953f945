package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fastjson"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/feature"
	"betimes/internal/flow/stream"
	"betimes/internal/kafka"
	"betimes/internal/pointer"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

// buildStream makes the workers of this process.
func (a *App) buildStream(ctx context.Context) error {
	chain, endpoints, err := a.buildChain(ctx)
	if err != nil {
		return err
	}
	meter, err := latency.NewMeter(a.metrics)
	if err != nil {
		return err
	}
	a.tellNeeds()
	parking, err := a.buildParking()
	if err != nil {
		return err
	}
	all := newCrew()
	for i := range a.config.Flow.Stream.Workers {
		if err := a.addWorker(i, workerDeps{all, chain, endpoints, meter, parking, a.pace(meter)}); err != nil {
			return err
		}
	}
	if parking != nil {
		a.add("parking", parking)
	}
	return nil
}

// workerDeps are what the workers of a process share.
type workerDeps struct {
	crew      *crew
	chain     *chain
	endpoints *endpoints
	meter     *latency.Meter
	parking   *parking // nil: nothing is parked
	pace      func() *pulse.Admission
}

// addWorker makes one member of the group with its lanes.
func (a *App) addWorker(i int, shared workerDeps) error {
	name := "stream-" + strconv.Itoa(i)
	cluster, err := a.cluster(name)
	if err != nil {
		return err
	}
	sink, transactions, err := a.sink(cluster, name)
	if err != nil {
		return err
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	topics := a.config.Kafka.Topics
	deps := stream.Deps{
		Log: a.log, Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"worker": strconv.Itoa(i)}, a.metrics),
		Join: func(h stream.Hooks) (stream.Member, error) { return join(cluster, a.memberConfig(name, h)) },
		Sink: sink, Transactions: transactions, Work: shared.chain.work, Share: shared.chain.allShare(), Budget: a.budget, Show: a.privacy.Key, Clock: clock, Finished: a.finished(shared.meter),
		Topics: stream.Topics{
			Predictions: topics.Predictions.Name, DeadLetters: topics.DeadLetters.Name,
			Quarantine: topics.Quarantine.Name, Shed: topics.Shed.Name, Parked: parkedTopic(a.config),
		},
		Drain: a.config.ShutdownTimeout, Changed: func(kind, what string) { a.change(kind, name+": "+what) },
	}
	if shared.parking != nil {
		deps.Waiting = shared.parking.waiting
	}
	worker := stream.New(a.config.Flow.Stream, deps)
	if shared.parking != nil {
		shared.parking.workers = append(shared.parking.workers, worker)
	}
	a.onReload(func(c config.Config) { worker.SetBudget(budgetOf(c)) })
	a.check(name, func(context.Context) error { return worker.Ready() })
	a.add(name, shared.crew.member(worker))
	if a.options.Role == "up" {
		a.add(name+" joined", waiting{worker.Joined(), joinPatience})
	}
	return a.addPulse("stream", a.instance.name+"-"+strconv.Itoa(i), cluster, func(p *pulse.Pulse) {
		worker.Snapshot(p)
		if i == 0 { // the meter and the endpoints are those of the whole process
			shared.meter.Fill(p)
			p.Admission = shared.pace()
			p.Endpoints = shared.endpoints.snapshot()
			p.Models, p.NeedUS = shared.chain.snapshot(), needs(a.live)
		}
	})
}

// finished tells those who measure of an event that has ended.
func (a *App) finished(meter *latency.Meter) func(*event.Event, event.Place, time.Time) {
	return func(e *event.Event, place event.Place, at time.Time) {
		meter.Observe(e, place, at)
		if place == event.Predicted {
			a.live.Observe(&e.Timeline, at)
		}
	}
}

// sink is where the endings of a worker are written: a producer, or
// transactions in its place. The name of the transactions is the worker's own, so
// that a restart ends what was left open.
func (a *App) sink(cluster *kafka.Cluster, name string) (stream.Sink, stream.Transactions, error) {
	c := a.config.Flow.Stream
	if c.Exactly() {
		t := cluster.NewTransactions("endings", kafka.TransactionsConfig{ID: a.memberName(name), Timeout: c.SessionTimeout})
		a.close(t.Close)
		return nil, t, nil
	}
	producer, err := cluster.NewPatientProducer("endings")
	if err != nil {
		return nil, nil, err
	}
	a.close(producer.Close)
	return producer, nil, nil
}

// memberName is what one worker is called in the whole group.
func (a *App) memberName(worker string) string {
	return a.config.Name + "-" + a.instance.name + "-" + worker
}

// join makes a member of a consumer group, or of a share group.
func join(c *kafka.Cluster, cfg kafka.MemberConfig) (stream.Member, error) {
	if cfg.Protocol != kafka.ProtocolShare {
		return c.NewMember(cfg)
	}
	m, err := c.NewShareMember(cfg)
	if err != nil {
		return nil, err
	}
	return stream.Share(m), nil
}

func (a *App) memberConfig(name string, h stream.Hooks) kafka.MemberConfig {
	c := a.config.Flow.Stream
	static := ""
	if c.Membership == "static" || c.Membership == "auto" && a.instance.stable {
		static = a.memberName(name)
	}
	return kafka.MemberConfig{
		Group: c.Group, Topics: []string{a.config.Kafka.Topics.Events.Name}, Protocol: c.Protocol, StaticID: static,
		SessionTimeout: c.SessionTimeout, From: c.From, Exact: c.Exactly(), Assigned: h.Assigned, Revoked: h.Revoked, Problem: h.Problem,
	}
}

// clock tells when the clock of a foreign event starts: objective.from.
func (a *App) clock() (func(*event.Event) (time.Time, bool), error) {
	format, err := a.format()
	if err != nil {
		return nil, err
	}
	return clockOf(a.config.Objective.From, format.Decoder)
}

func clockOf(from string, decoder feature.Decoder) (func(*event.Event) (time.Time, bool), error) {
	switch {
	case from == "record":
		return nil, nil
	case from == "log_append":
		return func(e *event.Event) (time.Time, bool) { return e.Recorded, e.Appended }, nil
	case from == "fetch":
		return func(e *event.Event) (time.Time, bool) { return e.Fetched, true }, nil
	case strings.HasPrefix(from, "/"):
		at, err := pointer.Parse(from)
		if err != nil {
			return nil, fmt.Errorf("objective.from: %w", err)
		}
		return func(e *event.Event) (time.Time, bool) {
			text, err := e.Value, error(nil)
			if decoder != nil {
				text, err = decoder.JSON(e.Value)
			}
			if err != nil {
				return time.Time{}, false
			}
			doc, err := fastjson.ParseBytes(text)
			if err != nil {
				return time.Time{}, false
			}
			t := pointer.Time(at.In(doc))
			return t, !t.IsZero()
		}, nil
	}
	return nil, fmt.Errorf("objective.from: %q is not known; use record, log_append, fetch or a JSON pointer", from)
}

// joinPatience is how long up waits for partitions before it says that it is
// ready: members of a process that was killed keep theirs for a while.
const joinPatience = 15 * time.Second

// waiting is a room that only waits: the next one starts when done is closed.
type waiting struct {
	done     <-chan struct{}
	patience time.Duration
}

// Ready is closed when done is, or patience is over.
func (w waiting) Ready() <-chan struct{} {
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		select {
		case <-w.done:
		case <-time.After(w.patience):
		}
	}()
	return ready
}

// Run does nothing until ctx ends.
func (w waiting) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
