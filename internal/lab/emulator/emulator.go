package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/logs"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/program"
	"betimes/internal/lab/emulator/queues"
	"betimes/internal/lab/emulator/scaling"
	"betimes/internal/lab/emulator/signature"
	"betimes/internal/lab/emulator/store"
	"betimes/internal/lab/emulator/tokens"
	"betimes/internal/lab/emulator/topics"
	"betimes/internal/lab/emulator/training"
	"betimes/internal/listen"
)

// The one region and account of the emulator.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Deps are what the emulator works with.
type Deps struct {
	Log      *slog.Logger // nil: nowhere
	Dir      string       // its state; made when missing
	Listener net.Listener // nil: Config.Listen is opened
	Metrics  prometheus.Registerer
}

// Emulator is all services on one port. Make one with New.
type Emulator struct {
	log       *slog.Logger
	dir       string // of the state, absolute
	listener  net.Listener
	seed      uint64
	clock     *clock.Clock
	journal   *journal.Journal
	faults    *injection.Book
	buckets   *objects.Buckets
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
	verifier  *signature.Verifier // nil: signatures are not checked
	counters  *counters
	ready     chan struct{}
	readyOnce sync.Once
}

// New opens the state and the port. Nothing is served before Run.
func New(c Config, d Deps) (*Emulator, error) {
	if ps := c.Validate(); len(ps) > 0 {
		return nil, ps[0]
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	e := &Emulator{log: d.Log, listener: d.Listener, clock: clock.New(), journal: &journal.Journal{}, ready: make(chan struct{})}
	if err := e.build(c, d); err != nil {
		return nil, err
	}
	if e.listener == nil {
		var err error
		if e.listener, err = listen.Open(c.Listen, "lab.emulator.listen"); err != nil {
			return nil, err
		}
	}
	e.launcher.Self, e.training.Self = e.URL(), e.URL()
	if !listen.IsLoopback(e.Addr()) {
		e.launcher.Beyond, e.training.Beyond = e.Addr(), e.Addr()
	}
	return e, nil
}

// build makes the services, each after those it needs.
func (e *Emulator) build(c Config, d Deps) error {
	kept, err := store.Open(d.Dir)
	if err != nil {
		return err
	}
	if e.buckets, err = objects.Open(filepath.Join(d.Dir, "objects"), e.clock); err != nil {
		return err
	}
	if err := e.sweep(d.Dir); err != nil {
		return err
	}
	e.seed = seedOf(c)
	if e.verifier, err = newVerifier(c); err != nil {
		return err
	}
	p := pace(c.Profile, e.seed)
	e.counters = newCounters(d.Metrics)
	e.faults = injection.New(e.clock, e.seed)
	e.faults.Storage = objects.Operations()
	e.logs = &logs.Service{Region: Region, Account: Account, Dir: filepath.Join(d.Dir, "logs"), Clock: e.clock, Journal: e.journal, Log: d.Log}
	e.launcher = &fleet.Launcher{Buckets: e.buckets, Dir: filepath.Join(d.Dir, "instances"), Log: d.Log, Output: e.endpointLog}
	e.inference = &inference.Service{Region: Region, Account: Account, Seed: e.seed, Faults: e.faults, Journal: e.journal, Observe: e.counters.observe}
	e.watch, err = metrics.New(metrics.Deps{
		Region: Region, Account: Account, Dir: filepath.Join(d.Dir, "metric-data"), Clock: e.clock, Store: kept, Journal: e.journal, Log: d.Log,
		Delay: alarmDelay(c.Profile), Act: e.act,
	})
	if err != nil {
		return err
	}
	e.inference.Meters = e.watch
	if err := e.buildMessaging(c, kept); err != nil {
		return err
	}
	e.scaling, err = scaling.New(scaling.Deps{
		Region: Region, Account: Account, Clock: e.clock, Store: kept, Alarms: e.watch, Journal: e.journal, Log: d.Log,
	})
	if err != nil {
		return err
	}
	e.inference.Backlog = &inference.Backlog{Clock: e.clock, Store: kept, Buckets: e.buckets, Topics: e.topics, Measure: e.backlog, Record: e.asyncMetrics, Log: d.Log}
	e.storage = &objects.Server{Buckets: e.buckets, Journal: e.journal, Faults: e.faults, Log: d.Log}
	e.tokens = &tokens.Service{Region: Region, Account: Account, Clock: e.clock, Journal: e.journal}
	e.training = &training.Runner{Buckets: e.buckets, Clock: e.clock, Dir: filepath.Join(d.Dir, "training"), Delay: p.Training, Output: e.jobLog, Observe: e.jobMetrics}
	e.control, err = control.New(control.Deps{
		Region: Region, Account: Account, Pace: p, Clock: e.clock, Store: kept, Buckets: e.buckets, Launcher: e.launcher,
		Inference: e.inference, Training: e.training, Journal: e.journal, Faults: e.faults, Quotas: c.Quotas, Alarms: e.watch, Scaling: e.scaling, Log: d.Log,
	})
	e.scaling.Fleet = e.control // the two ask each other
	return err
}

// sweep ends programs that a killed run has left, and removes their folders.
func (e *Emulator) sweep(dir string) (err error) {
	if e.dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	if n := program.Sweep(e.dir); n > 0 {
		e.log.Warn("processes of an earlier run ended", "count", n)
	}
	for _, left := range []string{"instances", filepath.Join("training", "running")} {
		if err := os.RemoveAll(filepath.Join(dir, left)); err != nil {
			return fmt.Errorf("emulator: %w", err)
		}
	}
	return nil
}

// endpointLog is the log stream of a container.
func (e *Emulator) endpointLog(endpoint, stream string) (io.WriteCloser, error) {
	return e.logs.Open("/aws/sagemaker/Endpoints/"+endpoint, stream)
}

// jobLog is the log stream of a training job's host.
func (e *Emulator) jobLog(stream string) (io.WriteCloser, error) {
	return e.logs.Open("/aws/sagemaker/TrainingJobs", stream)
}

// jobMetrics puts what a training job measured where SDKs look for it.
func (e *Emulator) jobMetrics(job string, found []training.Metric) {
	values := make([]metrics.Measured, len(found))
	for i, m := range found {
		values[i] = metrics.Measured{Namespace: "/aws/sagemaker/TrainingJobs", MetricName: m.MetricName, Unit: "None", Dimensions: map[string]string{"TrainingJobName": job}, Value: m.Value}
	}
	if err := e.watch.Record(values...); err != nil {
		e.log.Error("data points not kept", "error", err)
	}
}

// backlog puts what waits at an asynchronous endpoint where scaling policies look for it.
func (e *Emulator) backlog(w inference.Waiting) {
	value := func(metric, unit string, v float64) metrics.Measured {
		return metrics.Measured{Namespace: "AWS/SageMaker", MetricName: metric, Unit: unit, Dimensions: map[string]string{"EndpointName": w.Endpoint}, Value: v}
	}
	without := 0.0
	all := []metrics.Measured{value("ApproximateBacklogSize", "Count", float64(w.Size)), value("ApproximateAgeOfOldestRequest", "Seconds", w.Oldest.Seconds())}
	if w.Instances > 0 {
		all = append(all, value("ApproximateBacklogSizePerInstance", "Count", float64(w.Size)/float64(w.Instances)))
	} else if w.Size > 0 {
		without = 1
	}
	if err := e.watch.Record(append(all, value("HasBacklogWithoutCapacity", "Count", without))...); err != nil {
		e.log.Error("data points not kept", "error", err)
	}
}

// asyncMetrics puts what became of an asynchronous request where AWS publishes it.
func (e *Emulator) asyncMetrics(found ...inference.Measure) {
	values := make([]metrics.Measured, len(found))
	for i, m := range found {
		values[i] = metrics.Measured{Namespace: "AWS/SageMaker", MetricName: m.Metric, Unit: m.Unit, Dimensions: map[string]string{"EndpointName": m.Endpoint, "VariantName": m.Variant}, Value: m.Value}
	}
	if err := e.watch.Record(values...); err != nil {
		e.log.Error("data points not kept", "error", err)
	}
}

// buildMessaging makes SQS and SNS.
func (e *Emulator) buildMessaging(c Config, kept *store.Store) (err error) {
	e.queues, err = queues.New(queues.Deps{Region: Region, Account: Account, Clock: e.clock, Store: kept, Journal: e.journal, Log: e.log})
	if err != nil {
		return err
	}
	e.topics, err = topics.New(topics.Deps{
		Region: Region, Account: Account, Anywhere: c.Subscribers == "any", Clock: e.clock, Store: kept, Journal: e.journal, Faults: e.faults, Queues: e.queues, Log: e.log,
	})
	return err
}

// act is what an alarm does.
func (e *Emulator) act(action string, n metrics.Notice) {
	switch {
	case strings.HasPrefix(action, "arn:aws:autoscaling:"):
		e.scaling.Trigger(action, n)
	case strings.HasPrefix(action, "arn:aws:sns:"):
		if err := e.topics.Publish(action, n.Subject, n.Message); err != nil {
			e.log.Warn("alarm not published", "alarm", n.Alarm, "topic", action, "error", err)
		}
	}
}

// Addr is where it listens, HOST:PORT.
func (e *Emulator) Addr() string { return e.listener.Addr().String() }

// URL is what AWS_ENDPOINT_URL must be.
func (e *Emulator) URL() string { return "http://" + e.Addr() }

// Ready is closed when endpoints of an earlier run are back in service.
func (e *Emulator) Ready() <-chan struct{} { return e.ready }

// bodyTime is the longest time to send a request: 5 GiB at 10 MB/s.
const bodyTime = 10 * time.Minute

// resumeTime is how long Ready waits for endpoints of an earlier run.
const resumeTime = 10 * time.Second

// programGrace is how long programs that serve may take to end with the emulator.
const programGrace = 2 * time.Second

// Run serves until ctx ends, then stops instances and training.
func (e *Emulator) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		server := &listen.Server{Listener: e.listener, Handler: e.handler(), Body: bodyTime, Grace: 2 * time.Second, Log: e.log}
		served <- server.Run(serving)
	}()
	// Who waits for a state to change learns at once that it will not: the server drains sooner.
	release := context.AfterFunc(ctx, func() {
		e.queues.Close()
		e.control.Close()
	})
	defer release()
	limited, cancel := context.WithTimeout(serving, resumeTime)
	e.topics.Run(e.URL())
	e.control.Resume(limited)
	cancel()
	if err := e.inference.Resume(); err != nil {
		e.log.Error("asynchronous requests not resumed", "error", err)
	}
	e.watch.Run()
	e.scaling.Run()
	e.readyOnce.Do(func() { close(e.ready) })
	err := <-served
	e.control.Close()
	e.watch.Close()
	e.scaling.Close()
	e.inference.Close()
	e.topics.Close()
	e.launcher.Close()
	program.End(e.dir, programGrace)
	if errors.Is(err, net.ErrClosed) && ctx.Err() != nil {
		return nil
	}
	return err
}
