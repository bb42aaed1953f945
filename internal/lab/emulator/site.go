package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/logs"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/queues"
	"betimes/internal/lab/emulator/scaling"
	"betimes/internal/lab/emulator/store"
	"betimes/internal/lab/emulator/tokens"
	"betimes/internal/lab/emulator/topics"
	"betimes/internal/lab/emulator/training"
	"betimes/internal/listen"
)

// site is the services of one place, with a state of their own. All sites share
// the clock, the faults, the journal and the buckets, whose names are unique in all of S3.
type site struct {
	place
	log       *slog.Logger
	launcher  *fleet.Launcher
	training  *training.Runner
	inference *inference.Service
	control   *control.Service
	storage   *objects.Server
	tokens    *tokens.Service
	watch     *metrics.Service
	scaling   *scaling.Service
	logs      *logs.Service
	topics    *topics.Service
	queues    *queues.Service
}

// newSite makes the services, each after those it needs.
func (e *Emulator) newSite(at place, dir string) (*site, error) {
	kept, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	s := &site{place: at, log: e.log}
	notes := e.journal
	if at != home {
		notes = notes.In(at.region, at.account)
	}
	c, p := e.config, pace(e.config, e.seed)
	variables, beyond := e.variables(at), ""
	if !listen.IsLoopback(e.Addr()) {
		beyond = e.Addr()
	}
	s.logs = &logs.Service{Region: at.region, Account: at.account, Dir: filepath.Join(dir, "logs"), Clock: e.clock, Journal: notes, Log: e.log}
	s.launcher = &fleet.Launcher{Buckets: e.buckets, Dir: filepath.Join(dir, "instances"), Variables: variables, Beyond: beyond, Retry: c.Assumed.PingInterval, Log: e.log, Output: s.endpointLog, Engine: e.engine}
	s.inference = &inference.Service{Region: at.region, Account: at.account, Seed: e.seed, Lengthless: !c.StrictAsyncContentLength, MaxBody: int64(c.Assumed.MaxBody), Throttle: c.Assumed.ThrottlePerInstance, PerInstance: c.Assumed.AsyncConcurrency, Faults: e.faults, Journal: notes, Observe: e.counters.observe}
	s.watch, err = metrics.New(metrics.Deps{
		Region: at.region, Account: at.account, Dir: filepath.Join(dir, "metric-data"), Clock: e.clock, Store: kept, Journal: notes, Log: e.log,
		Delay: alarmDelay(c.Profile), Act: s.act,
	})
	if err != nil {
		return nil, err
	}
	s.inference.Meters = s.watch
	if s.queues, err = queues.New(queues.Deps{Region: at.region, Account: at.account, Clock: e.clock, Store: kept, Journal: notes, Log: e.log}); err != nil {
		return nil, err
	}
	s.topics, err = topics.New(topics.Deps{
		Region: at.region, Account: at.account, Anywhere: c.Subscribers == "any", Clock: e.clock, Store: kept, Journal: notes, Faults: e.faults, Queues: post{&e.sites}, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	s.scaling, err = scaling.New(scaling.Deps{
		Region: at.region, Account: at.account, Clock: e.clock, Store: kept, Periods: c.Assumed.HighResolutionPeriods, Alarms: s.watch, Journal: notes, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	s.inference.Backlog = &inference.Backlog{Clock: e.clock, Store: kept, Buckets: e.buckets, Topics: s.topics, Measure: s.backlog, Record: s.asyncMetrics, Log: e.log}
	s.storage = &objects.Server{Region: at.region, Account: at.account, Buckets: e.buckets, Journal: notes, Faults: e.faults, Log: e.log}
	s.tokens = &tokens.Service{Region: at.region, Account: at.account, Clock: e.clock, Journal: notes}
	s.training = &training.Runner{Buckets: e.buckets, Clock: e.clock, Dir: filepath.Join(dir, "training"), Variables: variables, Beyond: beyond, Delay: p.Training, Output: s.jobLog, Observe: s.jobMetrics, Engine: e.engine}
	s.control, err = control.New(control.Deps{
		Region: at.region, Account: at.account, Pace: p, Clock: e.clock, Store: kept, Buckets: e.buckets, Launcher: s.launcher,
		Inference: s.inference, Training: s.training, Journal: notes, Faults: e.faults, Quotas: c.Quotas, Approval: c.Assumed.PackageApproval, Reachable: c.Assumed.CheckModelData, Alarms: s.watch, Scaling: s.scaling, Log: e.log,
	})
	s.scaling.Fleet = s.control // the two ask each other
	return s, err
}

// sweep removes the folders of programs that a killed run has left.
func sweep(dir string) error {
	for _, left := range []string{"instances", filepath.Join("training", "running")} {
		if err := os.RemoveAll(filepath.Join(dir, left)); err != nil {
			return fmt.Errorf("emulator: %w", err)
		}
	}
	return nil
}

// start takes up what an earlier run has left; it waits for endpoints until ctx ends.
func (s *site) start(ctx context.Context, url string) {
	s.topics.Run(url)
	s.control.Resume(ctx)
	if err := s.inference.Resume(); err != nil {
		s.log.Error("asynchronous requests not resumed", "error", err)
	}
	s.watch.Run()
	s.scaling.Run()
}

// release lets go of callers that wait.
func (s *site) release() {
	s.queues.Close()
	s.control.Close()
}

// close ends all that works.
func (s *site) close() {
	s.release()
	s.watch.Close()
	s.scaling.Close()
	s.inference.Close()
	s.topics.Close()
	s.launcher.Close()
}

// reset removes all that is held.
func (s *site) reset() error {
	return errors.Join(s.control.Reset(), s.scaling.Reset(), s.watch.Reset(), s.logs.Reset(), s.topics.Reset(), s.queues.Reset(), s.inference.Reset())
}

// state is what is held, for the state page.
func (s *site) state() map[string]any {
	state := s.control.Summary()
	state["cloudwatch"] = s.watch.Summary()
	state["scalable_targets"] = s.scaling.Summary()
	state["topics"] = s.topics.Summary()
	state["queues"] = s.queues.Summary()
	load := map[string]any{}
	for name, l := range s.inference.Load() {
		load[name] = map[string]int64{"in_flight": l[0], "limit": l[1]}
	}
	state["load"] = load
	return state
}
