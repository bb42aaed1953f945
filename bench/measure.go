package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"betimes/bench/floor/load"
)

// Bounds of one run.
const (
	partitions = 8
	keys       = 10_000
	warmUp     = 3 * time.Second
	readyIn    = 60 * time.Second
)

// result is one run of one system.
type result struct {
	load.Outcome
	rate        float64 // offered, records a second
	window      time.Duration
	cpu         time.Duration // of the system's process tree, in the window
	foreign     float64       // cores that others used meanwhile
	peak        int64         // bytes
	calls       int64         // of the model, in the window
	connections int64         // opened by the end of the window
	asked       int64         // calls by then
	wave        wave          // of a load with bursts
	course      course        // of a model whose cost changes
	everCalled  int64         // calls in the whole run, with those of probes
	void        string        // why it does not count; empty: it counts
}

// trial is one system at one rate, once.
type trial struct {
	o        options
	ground   *ground
	scenario scenario
	system   system
	rate     float64
	window   time.Duration
	seed     uint64
	home     string
	patience time.Duration // with what has not come back; 0: the scenario's
}

// runs counts the runs of this process: each has topics and a group of its own.
var runs atomic.Int64

// measure runs the system once, with everything of its own.
func (r trial) measure(ctx context.Context) (result, error) {
	dir, err := os.MkdirTemp(r.home, r.system.name+"-")
	if err != nil {
		return result{}, err
	}
	defer tidy(r.o, dir)
	around, err := startServers(serving{
		Dir: dir, Service: r.scenario.service, Batches: r.scenario.batches, Network: r.scenario.network, TLS: r.scenario.tls, Brokers: len(r.ground.seeds) == 0,
	})
	if err != nil {
		return result{}, err
	}
	defer around.part.stop()
	where := r.place(dir, around)
	order := load.Order{Topics: where.Topics, Shape: r.shape()}
	pipe, err := load.New(ctx, where.Topics, load.Plan(order.Shape), r.system.asks)
	if err != nil {
		return result{}, err
	}
	defer pipe.Close()
	sends, err := startSender(order)
	if err != nil {
		return result{}, err
	}
	defer sends.stop()
	return r.drive(ctx, where, around, pipe, sends)
}

// shape is what the run sends.
func (r trial) shape() load.Shape {
	return r.scenario.shape(r.rate, max(warmUp, r.system.warmUp), r.window, r.seed)
}

// place is where the run happens.
func (r trial) place(dir string, around *servers) place {
	seeds := r.ground.seeds
	if len(seeds) == 0 {
		seeds = around.Seeds
	}
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), runs.Add(1))
	workers := r.scenario.batches.Executors
	if r.scenario.single {
		workers = 0
	}
	return place{
		Dir: dir, URL: around.URL, CA: around.CA, Group: name, Workers: workers,
		Topics: load.Topics{Seeds: seeds, In: name + "-in", Out: name + "-out"},
	}
}

// drive starts the system, waits for it, loads it and reads what it cost.
func (r trial) drive(ctx context.Context, where place, around *servers, pipe *load.Load, sends *sender) (result, error) {
	args, err := r.system.args(where)
	if err != nil {
		return result{}, err
	}
	outFile := filepath.Join(where.Dir, "output.txt")
	p, err := start(r.system, args, where.Dir, outFile)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	if err := await(ctx, p, pipe); err != nil {
		said, _ := os.ReadFile(outFile)
		return result{}, fmt.Errorf("%w; it said:\n%s", err, said[:min(len(said), 4000)])
	}
	if r.system.java {
		if err := freeCompilers(p.cmd.Process.Pid); err != nil {
			return result{}, err
		}
	}
	w := window{pid: p.cmd.Process.Pid, brokers: r.ground.pid, around: around}
	model := tellings{}
	out, err := pipe.Run(ctx, max(r.patience, r.scenario.patience()), sends.send, r.edges(&w, &model, around))
	if err = errors.Join(err, w.failed, ctx.Err()); err != nil {
		return result{}, err
	}
	last, err := around.cost(p.cmd.Process.Pid, 0)
	if err != nil {
		return result{}, err
	}
	res := result{
		Outcome: out, rate: r.rate, window: r.window, cpu: w.ended.System - w.began.System, foreign: w.foreign(), peak: w.ended.Peak,
		calls: w.ended.Calls - w.began.Calls, connections: w.ended.Connections, asked: w.ended.Calls, everCalled: last.Calls,
	}
	if err := r.readTrips(&res, &w, &model); err != nil {
		return result{}, err
	}
	res.void = r.scenario.voidness(res)
	return res, nil
}

// await waits until the system answers probes, or has ended by itself.
func await(ctx context.Context, p *process, pipe *load.Load) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyIn, errors.New("not ready in time"))
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- pipe.AwaitSystem(ctx) }()
	select {
	case err := <-ready:
		return err
	case err := <-p.done:
		cancel()
		<-ready
		p.done <- err
		return fmt.Errorf("the system ended by itself (%v)", err)
	}
}

// window reads the cost at both ends of the measured part.
type window struct {
	pid     int // of the system
	brokers int // that outlive the run, 0: none
	around  *servers

	mu           sync.Mutex
	began, ended cost
	own          time.Duration // CPU of this process: at the beginning, then the difference
	at           time.Time
	length       time.Duration
	failed       error
}

func (w *window) edge(begins bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.around.cost(w.pid, w.brokers)
	w.failed = errors.Join(w.failed, err)
	if begins {
		w.at, w.own, w.began = time.Now(), ownCPU(), c
		return
	}
	w.length, w.own, w.ended = time.Since(w.at), ownCPU()-w.own, c
}

// foreign is the cores that neither bench nor the system used.
func (w *window) foreign() float64 {
	ours := w.own + w.ended.System - w.began.System + w.ended.Servers - w.began.Servers
	return max(0, (w.ended.Busy-w.began.Busy-ours).Seconds()/w.length.Seconds())
}

// ownCPU is what this process alone has used so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tidy moves what a run left to the folder of -keep, without the brokers'.
func tidy(o options, dir string) {
	os.RemoveAll(filepath.Join(dir, "brokers"))
	if o.keep == "" {
		os.RemoveAll(dir)
		return
	}
	if err := os.MkdirAll(o.keep, 0o755); err == nil {
		err = os.CopyFS(filepath.Join(o.keep, filepath.Base(dir)), os.DirFS(dir))
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: -keep:", err)
		}
	}
	os.RemoveAll(dir)
}
