package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"betimes/internal/admin"
	"betimes/internal/budget"
	"betimes/internal/config"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/balance"
	"betimes/internal/flow/feature"
	"betimes/internal/kafka"
	"betimes/internal/lifecycle"
	"betimes/internal/model/exchange"
	"betimes/internal/privacy"
	"betimes/internal/pulse"
	"betimes/internal/sagemaker"
	"betimes/internal/watch/trail"
)

// Options are what a command says beside the file.
type Options struct {
	Role      string   // up, gateway, stream, watch, emulate or broker
	Without   []string // roles of up that are left out
	Yes       bool     // train and deploy also where it costs money
	Temporary bool     // keep everything in a folder that is removed at the end
	Log       *slog.Logger
	Version   string
	// Progress is told what takes a while before the process is ready; what passes
	// is a figure of the moment that the next replaces. It may be nil.
	Progress func(text string, passes bool)
	Emulator string                         // HOST:PORT of one that runs already, instead of this process's own
	Level    *slog.LevelVar                 // of Log, set anew by a reload; nil: stays
	Reload   func() (*config.Loaded, error) // reads the file again; nil: never
}

// App is one process: the rooms of a role.
type App struct {
	loaded    *config.Loaded // of the newest reload; only the reloader asks
	file      string         // as given
	config    config.Config
	options   Options
	log       *slog.Logger
	registry  *prometheus.Registry
	metrics   prometheus.Registerer // with the pipeline's label
	privacy   privacy.Policy
	budget    budget.Budget
	live      *budget.Live // what each stage takes
	limiters  []*admit.Limiter
	instance  instance
	untouched []byte // see useMemory

	folder    *folder
	group     lifecycle.Group
	closers   []func()
	addresses Addresses

	seeds     []string
	clusters  map[string]*kafka.Cluster
	admin     *admin.Server
	intake    net.Listener // of the gateway
	trail     *trail.Trail
	payload   *feature.Format // what the events are, once asked for
	started   time.Time
	account   *sagemaker.Account
	allowance *balance.Allowance // of calls that are made again
	answers   *exchange.Room     // of models, while they are read
	emulated  string             // URL of the emulator in this process
	reloads   []func(config.Config)
	drains    []func() // each makes a listener unready

	changesMu sync.Mutex
	changes   []pulse.Change // for the next pulse
}

// New makes the App of a role. Nothing runs yet.
func New(loaded *config.Loaded, options Options) (*App, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Progress == nil {
		options.Progress = func(string, bool) {}
	}
	a := &App{
		loaded: loaded, file: loaded.File, config: loaded.Config, options: options, log: options.Log,
		registry: prometheus.NewRegistry(), clusters: map[string]*kafka.Cluster{}, started: time.Now(),
		live:      &budget.Live{},
		allowance: balance.NewAllowance(loaded.Config.Flow.Balance),
		answers:   exchange.NewRoom(answersOf(loaded.Config)),
	}
	a.metrics = prometheus.WrapRegistererWith(prometheus.Labels{"pipeline": a.config.Name}, a.registry)
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(options.Version))
	a.instance = instanceOf(a.config, options.Temporary)
	a.onReload(a.setLevel)
	a.privacy = policy(a.config)
	a.budget = budgetOf(a.config)
	return a, nil
}

// budgetOf is the time that the objective gives an event.
func budgetOf(c config.Config) budget.Budget { return budget.Budget{Latency: c.Objective.Latency} }

// onReload calls f with the file as it is after each reload.
func (a *App) onReload(f func(config.Config)) { a.reloads = append(a.reloads, f) }

// policy is what people may see of events.
func policy(c config.Config) privacy.Policy {
	return privacy.Policy{Show: c.Privacy.Show, Salt: []byte(c.Name)}
}

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "betimes_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": version}})
	g.Set(1)
	return g
}

// Run builds the rooms of the role and runs them until ctx ends. ready is
// called once all of them work.
func (a *App) Run(ctx context.Context, ready func(Addresses)) error {
	defer a.closeAll()
	a.useMemory()
	if err := a.open(); err != nil {
		return err
	}
	if embedded[a.options.Role] == nil {
		if err := a.openAdmin(); err != nil {
			return err
		}
	}
	for _, part := range partsOf(a.options.Role, a.options.Without) {
		if err := part.build(a, ctx); err != nil {
			return err
		}
	}
	draining, drained := context.WithCancel(context.WithoutCancel(ctx))
	defer drained()
	go a.drainThenStop(ctx, drained)
	err := a.group.Run(draining, func() {
		a.announce()
		if ready != nil {
			ready(a.addresses)
		}
	})
	return ended(err)
}

// ended leaves out that the end was asked for.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// closeAll gives back what was opened, the newest first.
func (a *App) closeAll() {
	for _, f := range slices.Backward(a.closers) {
		f()
	}
}

// announce says on disk where the process listens, for the commands that ask.
func (a *App) announce() {
	file := filepath.Join(a.folder.path, addressFile)
	if err := a.addresses.WriteFile(file); err != nil {
		a.log.Warn("addresses not written, commands must be told with --at", "error", err)
		return
	}
	a.close(func() { os.Remove(file) })
	if a.options.Role == "up" {
		a.close(noteHere(a.file, filepath.Dir(a.folder.path)))
	}
}

// drainThenStop turns the process unready, goes on answering for drain_delay,
// then stops the rooms.
func (a *App) drainThenStop(ctx context.Context, stop func()) {
	<-ctx.Done()
	a.drain()
	time.Sleep(time.Duration(a.config.DrainDelay))
	stop()
}

// drain turns the process unready, on every listener that says so.
func (a *App) drain() {
	for _, f := range a.drains {
		f()
	}
}

// open locks the folder of the role.
func (a *App) open() error {
	f, err := a.place()
	if err != nil {
		return err
	}
	a.folder = f
	a.closers = append(a.closers, f.close)
	return nil
}

func (a *App) place() (*folder, error) {
	if !a.options.Temporary {
		return openFolder(a.config.DataDir, a.options.Role)
	}
	f, err := openTemporary(os.TempDir(), a.options.Role)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() { os.RemoveAll(filepath.Dir(f.path)) })
	return f, nil
}

// setLevel takes log.level over.
func (a *App) setLevel(c config.Config) {
	if a.options.Level != nil {
		_ = a.options.Level.UnmarshalText([]byte(c.Log.Level)) // config has checked it
	}
}

// add puts a room after those already added.
func (a *App) add(name string, r lifecycle.Runner) { a.group.Add(name, r) }

// close calls f at the end, after all rooms have stopped.
func (a *App) close(f func()) { a.closers = append(a.closers, f) }
