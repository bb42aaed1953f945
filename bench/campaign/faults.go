package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/lab/fault"
	"betimes/internal/lab/verify"
)

// trial is one kind of fault: of what is said to brokers, or of a process.
type trial struct {
	name  string
	wire  []fault.Fault
	means fault.Means
	hurts bool // events in flight may end again
}

// How long a trial lasts, and within what time events must be worked on after it.
const (
	trialLength  = 6 * time.Second
	trialStop    = 9 * time.Second // longer than a session
	trialRecover = 15 * time.Second
	trialEnough  = 50 // questions to the model that say that events are worked on
)

// often is a fault of one in so many requests of a kind.
func often(every int, side fault.Side, do fault.Action, keys ...kmsg.Key) []fault.Fault {
	return []fault.Fault{{Keys: keys, Every: every, Count: -1, On: side, Do: do, For: 700 * time.Millisecond}}
}

func refusing(every int, side fault.Side, code int16, keys ...kmsg.Key) []fault.Fault {
	list := often(every, side, fault.Refuse, keys...)
	list[0].Code = code
	return list
}

// silent is one broker that hears, or says, nothing.
func silent(side fault.Side) []fault.Fault {
	return []fault.Fault{{Nodes: []int32{1}, Count: -1, On: side, Do: fault.Hold}}
}

// wireTrials are faults between a crew and its brokers. None may make anything
// end twice: no process dies, no session ends.
func wireTrials() []trial {
	return []trial{
		{name: "records lost", wire: often(7, fault.Request, fault.Drop, kmsg.Produce)},
		{name: "answers to records lost", wire: often(7, fault.Response, fault.Drop, kmsg.Produce)},
		{name: "records twice", wire: often(7, fault.Request, fault.Duplicate, kmsg.Produce)},
		{name: "records late", wire: often(7, fault.Request, fault.Delay, kmsg.Produce)},
		{name: "records cut off", wire: often(7, fault.Request, fault.Reset, kmsg.Produce)},
		{name: "leader is another", wire: refusing(7, fault.Request, kerr.NotLeaderForPartition.Code, kmsg.Produce)},
		{name: "written, replicas too few", wire: refusing(7, fault.Response, kerr.NotEnoughReplicasAfterAppend.Code, kmsg.Produce)},
		{name: "commits lost", wire: often(3, fault.Request, fault.Drop, kmsg.OffsetCommit)},
		{name: "answers to commits lost", wire: often(3, fault.Response, fault.Drop, kmsg.OffsetCommit)},
		{name: "commits twice", wire: often(3, fault.Request, fault.Duplicate, kmsg.OffsetCommit)},
		{name: "commits late", wire: often(3, fault.Request, fault.Delay, kmsg.OffsetCommit)},
		{name: "coordinator is another", wire: refusing(3, fault.Request, kerr.NotCoordinator.Code, kmsg.OffsetCommit)},
		{name: "coordinator not found", wire: append(refusing(3, fault.Request, kerr.NotCoordinator.Code, kmsg.OffsetCommit),
			refusing(2, fault.Request, kerr.CoordinatorNotAvailable.Code, kmsg.FindCoordinator)...)},
		{name: "fetches lost", wire: often(11, fault.Response, fault.Drop, kmsg.Fetch)},
		{name: "fetches cut off", wire: often(11, fault.Response, fault.Reset, kmsg.Fetch)},
		{name: "heartbeats lost", wire: often(3, fault.Request, fault.Drop, kmsg.Heartbeat)},
		{name: "offsets of transactions lost", wire: often(3, fault.Response, fault.Drop, kmsg.TxnOffsetCommit)},
		{name: "offsets of transactions refused", wire: refusing(7, fault.Request, kerr.UnknownServerError.Code, kmsg.TxnOffsetCommit)},
		{name: "ends of transactions lost", wire: often(5, fault.Response, fault.Drop, kmsg.EndTxn)},
	}
}

// roughTrials end sessions or processes: what was in flight may end again.
func roughTrials() []trial {
	return []trial{
		{name: "a broker hears nothing", wire: silent(fault.Request), hurts: true},
		{name: "a broker says nothing", wire: silent(fault.Response), hurts: true},
		{name: "killed", means: fault.Kill, hurts: true},
		{name: "terminated", means: fault.Terminate, hurts: true},
		{name: "stopped longer than a session", means: fault.Stop, hurts: true},
		{name: "no more files", means: fault.Starve, hurts: true},
	}
}

// faults goes through every trial while a crew is loaded, then judges all.
func faults(ctx context.Context, o options, r *report) error {
	return o.inEveryMode(ctx, func(ctx context.Context, m mode, at *place) error { return o.faultsOn(ctx, m, at, r) })
}

// faultRun is one run on one place.
type faultRun struct {
	*crew
	proxy *fault.Proxy
	r     *report
}

func (o options) faultsOn(ctx context.Context, m mode, at *place, r *report) error {
	proxy, err := fault.NewProxy(at.seeds, o.seed, nil)
	if err != nil {
		return err
	}
	defer proxy.Close()
	model, err := newMoody(failLeast, failMost)
	if err != nil {
		return err
	}
	c, err := o.newCrew(ctx, m, at, proxy.Addrs(), model)
	if err != nil {
		return err
	}
	defer c.end()
	f := faultRun{c, proxy, r}
	hits := 0
	verdict, e, err := c.loaded(ctx, r, func(ctx context.Context) error {
		for _, one := range append(wireTrials(), roughTrials()...) {
			if !strings.Contains(one.name, o.only) {
				continue
			}
			n, err := f.through(ctx, one)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			hits += n
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.add(append(row{{"run", "all trials on " + at.what}, {"faults", hits}}, e.cells(&verdict)...))
	return nil
}

// through goes through one trial and sees events being worked on after it.
func (f *faultRun) through(ctx context.Context, one trial) (hits int, err error) {
	asked := f.model.total()
	began := time.Now()
	for range or(f.o.count, 1) {
		var n int
		if one.wire != nil {
			n, err = f.wire(ctx, one)
		} else {
			n, err = f.processes(ctx, one)
		}
		if hits += n; err != nil {
			return hits, err
		}
	}
	healed := time.Now()
	if one.hurts { // who was stopped goes on with what it held until its group tells it that it was given up
		f.faults = append(f.faults, verify.Window{From: began, To: healed.Add(inFlight)})
	}
	during := f.model.total() - asked
	asked = f.model.total()
	err = until(ctx, trialRecover, "events to be worked on", func() bool { return f.model.total() >= asked+trialEnough })
	f.r.add(row{
		{"trial", one.name}, {"brokers", f.at.what}, {"faults", hits}, {"lasted", seconds(healed.Sub(began))},
		{"asked of the model meanwhile", during}, {"going on again after", seconds(time.Since(healed))},
	})
	f.o.progress("%s: %d faults", one.name, hits)
	return hits, err
}

func (f *faultRun) wire(ctx context.Context, one trial) (hits int, err error) {
	var handles []*fault.Handle
	for _, w := range one.wire {
		handles = append(handles, f.proxy.Add(w))
	}
	err = pause(ctx, trialLength)
	for _, h := range handles {
		hits += h.Hits()
		h.Remove()
	}
	return hits, err
}

// processes hits each member once.
func (f *faultRun) processes(ctx context.Context, one trial) (hits int, err error) {
	var blows []fault.Blow
	for n, name := range crewNames {
		blows = append(blows, fault.Blow{At: time.Duration(n) * time.Second, Who: name, What: one.means, For: trialStop})
	}
	err = f.nemesis(func(fault.Blow, time.Time) { hits++ }).Run(ctx, blows)
	return hits, err
}
