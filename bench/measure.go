package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"betimes/bench/floor/load"
)

// Bounds of one run.
const (
	partitions = 8
	keys       = 10_000
	warmUp     = 3 * time.Second
	patience   = 10 * time.Second // for what has not come back
	readyIn    = 60 * time.Second
)

// result is one run of one system.
type result struct {
	load.Outcome
	cpu         time.Duration // of the system's process tree, in the window
	foreign     float64       // cores that others used meanwhile
	peak        int64         // bytes
	calls       int64         // of the model, in the window
	connections int64         // opened for them
	void        string        // why it does not count; empty: it counts
}

// measure runs one system once, with everything of its own.
func measure(ctx context.Context, o options, s system, rate float64, seed uint64, home string) (result, error) {
	dir, err := os.MkdirTemp(home, s.name+"-")
	if err != nil {
		return result{}, err
	}
	defer tidy(o, dir)
	around, err := startServers(dir, o.service)
	if err != nil {
		return result{}, err
	}
	defer around.stop()
	r := place{Dir: dir, URL: around.URL, Group: "bench", Topics: load.Topics{Seeds: around.Seeds, In: "bench-in", Out: "bench-out"}}
	plan := load.Plan(load.Shape{Rate: rate, WarmUp: warmUp, Window: o.window, Keys: keys, Partitions: partitions, Seed: seed})
	pipe, err := load.New(ctx, r.Topics, plan, s.asks)
	if err != nil {
		return result{}, err
	}
	defer pipe.Close()
	return drive(ctx, s, r, around, pipe)
}

// drive starts the system, waits for it, loads it and reads what it cost.
func drive(ctx context.Context, s system, r place, around *servers, pipe *load.Load) (result, error) {
	args, err := s.args(r)
	if err != nil {
		return result{}, err
	}
	outFile := filepath.Join(r.Dir, "output.txt")
	p, err := start(s.program, args, r.Dir, outFile)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	if err := await(ctx, p, pipe); err != nil {
		said, _ := os.ReadFile(outFile)
		return result{}, fmt.Errorf("%w; it said:\n%s", err, said[:min(len(said), 4000)])
	}
	w := window{pid: p.cmd.Process.Pid, around: around}
	out, err := pipe.Run(ctx, patience, w.edge)
	if err = errors.Join(err, w.failed, ctx.Err()); err != nil {
		return result{}, err
	}
	res := result{
		Outcome: out, cpu: w.ended.System - w.began.System, foreign: w.foreign(), peak: w.ended.Peak,
		calls: w.ended.Calls - w.began.Calls, connections: w.ended.Connections - w.began.Connections,
	}
	res.void = voidness(res)
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
	pid    int
	around *servers

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
	c, err := w.around.cost(w.pid)
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
