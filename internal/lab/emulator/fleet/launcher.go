package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/program"
)

// Launcher starts instances.
type Launcher struct {
	Buckets *objects.Buckets
	Dir     string // folders of processes: model and log
	Log     *slog.Logger
	Startup time.Duration                                         // how long a container may take to answer /ping; 0: AWS's 4 minutes
	Beyond  string                                                // address, when others than this machine's users reach it: then no exec: images
	Output  func(endpoint, stream string) (io.WriteCloser, error) // where programs log; nil: a file beside their model
	Retry   time.Duration                                         // between pings, and before a dead container is started again; 0: 100 ms

	Variables map[string]string // of processes: where AWS is
	Programs  program.Starter
	Engine    *engine.Engine // of images of a registry; nil: none

	serial  atomic.Int64 // of process folders
	mu      sync.Mutex
	running map[*Instance]struct{}
}

// defaultStartup is AWS's.
const defaultStartup = 4 * time.Minute

// Said is an error in AWS's own words: clients compare them, capitals and full stops included.
type Said string

// Error gives the words.
func (s Said) Error() string { return string(s) }

// ErrHealth is what AWS says, after the variant's name, when /ping did not answer in time.
const ErrHealth = Said("did not pass the ping health check. Please check CloudWatch logs for this endpoint.")

// Launch starts instances first … first+count-1 of a variant. It returns when
// all of them answer /ping, or with an error and none of them running.
func (l *Launcher) Launch(ctx context.Context, s Spec, first, count int) ([]*Instance, error) {
	containers, err := l.maker(ctx, s)
	if err != nil {
		return nil, err
	}
	instances := make([]*Instance, count)
	failures := make([]error, count)
	var booting sync.WaitGroup
	for n := range instances {
		booting.Go(func() {
			instances[n], failures[n] = l.boot(ctx, s, first+n, containers)
		})
	}
	booting.Wait()
	if err := errors.Join(failures...); err != nil {
		Stop(instances)
		return nil, failures[firstFailure(failures)]
	}
	return instances, nil
}

func firstFailure(failures []error) int {
	for n, err := range failures {
		if err != nil {
			return n
		}
	}
	return 0
}

// boot starts one container, waits until it is healthy and watches over it.
func (l *Launcher) boot(ctx context.Context, s Spec, number int, containers maker) (*Instance, error) {
	c, err := l.start(ctx, s, number, containers)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.Background())
	i := &Instance{Number: number}
	ended := make(chan struct{})
	i.stop = func() { stop(); <-ended }
	i.enter(c)
	l.note(i, true)
	go func() {
		defer close(ended)
		defer l.note(i, false)
		l.watch(life, i, c, func() (Container, error) { return l.start(life, s, number, containers) })
	}()
	return i, nil
}

// start makes a container and pings it until it is well.
func (l *Launcher) start(ctx context.Context, s Spec, number int, containers maker) (Container, error) {
	c, err := containers(number)
	if err != nil {
		return nil, err
	}
	window := l.startup(s)
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	for {
		err := c.Ping(ctx)
		if err == nil {
			return c, nil
		}
		select {
		case <-c.Gone():
			return nil, fmt.Errorf("the container ended before it answered /ping: %w", ErrHealth)
		case <-ctx.Done():
			c.Close()
			return nil, fmt.Errorf("no answer within %s (%w): %w", window, err, ErrHealth)
		case <-time.After(l.retry()):
		}
	}
}

// watch starts a container again when it dies, until life ends. One that keeps
// dying is started less and less often.
func (l *Launcher) watch(life context.Context, i *Instance, c Container, again func() (Container, error)) {
	wait, began := l.retry(), time.Now()
	for {
		select {
		case <-life.Done():
			i.current.Store(nil) // it may have come back while it was stopped
			c.Close()
			return
		case <-c.Gone():
		}
		i.current.Store(nil)
		l.Log.Warn("container ended and is started again", "instance", i.Number)
		if time.Since(began) > longestWait {
			wait = l.retry()
		}
		for {
			if !pause(life, wait) {
				return
			}
			wait = min(2*wait, longestWait)
			began = time.Now()
			next, err := again()
			if err == nil {
				c = next
				i.enter(c)
				break
			}
			if life.Err() == nil {
				l.Log.Warn("container did not start", "instance", i.Number, "error", err)
			}
		}
	}
}

// longestWait is the most before a container is started again. One that lived for longer is well.
const longestWait = 10 * time.Second

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (l *Launcher) startup(s Spec) time.Duration {
	if s.StartupSeconds > 0 {
		return time.Duration(s.StartupSeconds) * time.Second
	}
	if l.Startup > 0 {
		return l.Startup
	}
	return defaultStartup
}

func (l *Launcher) retry() time.Duration {
	if l.Retry > 0 {
		return l.Retry
	}
	return 100 * time.Millisecond
}

// note keeps the instances that run, so that Close finds them.
func (l *Launcher) note(i *Instance, runs bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil {
		l.running = map[*Instance]struct{}{}
	}
	if runs {
		l.running[i] = struct{}{}
	} else {
		delete(l.running, i)
	}
}

// Close stops every instance.
func (l *Launcher) Close() {
	l.mu.Lock()
	all := make([]*Instance, 0, len(l.running))
	for i := range l.running {
		all = append(all, i)
	}
	l.mu.Unlock()
	Stop(all)
}

// Stop takes instances out of rotation and ends their containers.
func Stop(instances []*Instance) {
	for _, i := range instances {
		if i != nil {
			i.Stop()
		}
	}
}

// Retire stops instances that get no new calls, once those under way are done
// or limit is over.
func Retire(instances []*Instance, limit time.Duration) {
	const look = 20 * time.Millisecond
	time.Sleep(5 * look) // a call may have chosen its instance and not arrived there yet
	for waited := time.Duration(0); waited < limit && busy(instances); waited += look {
		time.Sleep(look)
	}
	Stop(instances)
}

func busy(instances []*Instance) bool {
	for _, i := range instances {
		if i.Outstanding() > 0 {
			return true
		}
	}
	return false
}

// open reads a model artefact.
func (l *Launcher) open(modelURL string) (io.ReadCloser, error) {
	rest, ok := strings.CutPrefix(modelURL, "s3://")
	bucket, key, hasKey := strings.Cut(rest, "/")
	if !ok || !hasKey {
		return nil, fmt.Errorf("model data %q is not s3://BUCKET/KEY", modelURL)
	}
	body, _, err := l.Buckets.Read(bucket, key)
	if err != nil {
		return nil, Said("Could not find model data at " + modelURL + ".")
	}
	return body, nil
}
