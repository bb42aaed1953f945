package fault

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Victim is a process that comes back.
type Victim interface {
	// Process is the one that runs now.
	Process() *os.Process
	// Gone waits until it has ended.
	Gone(ctx context.Context) error
	// Again starts it; it need not wait until it works.
	Again(ctx context.Context) error
}

// Nemesis carries a Schedule out.
type Nemesis struct {
	Victims map[string]Victim
	// Struck is told of each blow: before it, and when it was over. A killed
	// process is gone before `over` and its successor starts after it. It may be nil.
	Struck func(b Blow, over time.Time)

	holding sync.WaitGroup // stopped and starved ones
}

// Run strikes each blow at its time, or at once when the one before took
// longer. Whoever was stopped goes on and whoever was starved may eat when it
// returns.
func (n *Nemesis) Run(ctx context.Context, blows []Blow) error {
	defer n.holding.Wait()
	began := time.Now()
	for _, b := range blows {
		if err := rest(ctx, b.At-time.Since(began)); err != nil {
			return err
		}
		v := n.Victims[b.Who]
		if v == nil {
			return fmt.Errorf("nobody is called %s", b.Who)
		}
		if err := n.strike(ctx, b, v); err != nil {
			return fmt.Errorf("%s: %w", b, err)
		}
	}
	return nil
}

func (n *Nemesis) strike(ctx context.Context, b Blow, v Victim) error {
	process := v.Process()
	var err error
	switch b.What {
	case Kill:
		return n.end(ctx, b, v, syscall.SIGKILL)
	case Terminate:
		return n.end(ctx, b, v, syscall.SIGTERM)
	case Stop:
		err = n.hold(ctx, b, func() error { return process.Signal(syscall.SIGSTOP) },
			func() error { return process.Signal(syscall.SIGCONT) })
	case Starve:
		var before limit
		err = n.hold(ctx, b, func() (err error) { before, err = starve(process.Pid); return err },
			func() error { return before.restore(process.Pid) })
	}
	n.tell(b)
	return err
}

func (n *Nemesis) tell(b Blow) {
	if n.Struck != nil {
		n.Struck(b, time.Now())
	}
}

// end ends a process and starts it again.
func (n *Nemesis) end(ctx context.Context, b Blow, v Victim, s syscall.Signal) error {
	process := v.Process()
	if err := process.Signal(s); err != nil {
		return err
	}
	if s == syscall.SIGTERM {
		_ = process.Signal(syscall.SIGCONT) // who is stopped cannot obey
	}
	if err := v.Gone(ctx); err != nil {
		return err
	}
	n.tell(b)
	return v.Again(ctx)
}

// hold begins something that ends after b.For, or with ctx. The process may be
// gone by then.
func (n *Nemesis) hold(ctx context.Context, b Blow, begin, end func() error) error {
	if err := begin(); err != nil {
		return err
	}
	n.holding.Go(func() {
		_ = rest(ctx, b.For)
		_ = end() // it may have ended meanwhile
	})
	return nil
}

// rest waits, or tells that ctx has ended.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
