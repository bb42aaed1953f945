package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/program"
	"betimes/internal/lab/emulator/signature"
	"betimes/internal/lab/emulator/store"
	"betimes/internal/listen"
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
	config    Config
	sites     sites
	issued    *issuer
	verifier  *signature.Verifier // nil: signatures are not checked
	counters  *counters
	engine    *engine.Engine
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
	e := &Emulator{config: c, log: d.Log, listener: d.Listener, clock: clock.New(), journal: &journal.Journal{}, seed: seedOf(c), issued: newIssuer(), ready: make(chan struct{})}
	if e.listener == nil {
		var err error
		if e.listener, err = listen.Open(c.Listen, "lab.emulator.listen"); err != nil {
			return nil, err
		}
	}
	if err := e.build(d); err != nil {
		if d.Listener == nil {
			err = errors.Join(err, e.listener.Close())
		}
		return nil, err
	}
	return e, nil
}

// build reads the state.
func (e *Emulator) build(d Deps) (err error) {
	if e.dir, err = filepath.Abs(d.Dir); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	if n := program.Sweep(e.dir); n > 0 {
		e.log.Warn("processes of an earlier run ended", "count", n)
	}
	e.engine = &engine.Engine{Dir: e.dir}
	if e.config.Engine != noEngine {
		e.engine.Program = e.config.Engine
	}
	e.report(e.engine.Sweep())
	if _, err := store.Open(e.dir); err != nil { // of this version, before anything is changed
		return err
	}
	if e.buckets, err = objects.Open(filepath.Join(e.dir, "objects"), e.clock); err != nil {
		return err
	}
	if e.verifier, err = newVerifier(e.config, e.issued); err != nil {
		return err
	}
	e.counters = newCounters(d.Metrics)
	e.faults = injection.New(e.clock, e.seed)
	e.faults.Storage = objects.Operations()
	return e.openSites()
}

// Addr is where it listens, HOST:PORT.
func (e *Emulator) Addr() string { return e.listener.Addr().String() }

// URL is what AWS_ENDPOINT_URL must be.
func (e *Emulator) URL() string { return "http://" + e.Addr() }

// Ready is closed when endpoints of an earlier run are back in service.
func (e *Emulator) Ready() <-chan struct{} { return e.ready }

// bodyTime is the longest time to send a request: 5 GiB at 10 MB/s.
const bodyTime = 10 * time.Minute

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
	release := context.AfterFunc(ctx, e.release)
	defer release()
	e.startSites(serving)
	e.readyOnce.Do(func() { close(e.ready) })
	err := <-served
	e.closeSites()
	program.End(e.dir, programGrace)
	e.report(e.engine.Close())
	if errors.Is(err, net.ErrClosed) && ctx.Err() != nil {
		return nil
	}
	return err
}

// report says that containers are left, if they are.
func (e *Emulator) report(err error) {
	if err != nil {
		e.log.Error("containers not removed", "error", err)
	}
}
