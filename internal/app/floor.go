package app

import (
	"fmt"
	"sync/atomic"
	"time"

	"betimes/internal/config"
	"betimes/internal/flow/admit"
)

// floor says when the objective asks for less time than an event takes that waits for
// no other: then all are late, or shed, whatever is done.
type floor struct {
	app     *App
	latency atomic.Int64 // objective, ns
	below   string       // what is below it; empty: nothing
}

func (a *App) newFloor() *floor {
	f := &floor{app: a}
	f.latency.Store(int64(a.config.Objective.Latency))
	a.onReload(func(c config.Config) { f.latency.Store(int64(c.Objective.Latency)) })
	return f
}

// look compares, once for each pulse; it says when something has changed.
func (f *floor) look() {
	latency, below := time.Duration(f.latency.Load()), ""
	takes, waits := admit.Alone(f.app.live)
	if takes > latency && !waits {
		below = "events"
	}
	for _, l := range f.app.limiters {
		if d := l.Alone(); d > latency {
			takes, below = d, "model "+l.Model()
		}
	}
	if below == f.below {
		return
	}
	f.below = below
	if below == "" {
		f.app.log.Info("the objective can be kept again", "objective", latency)
		return
	}
	f.app.log.Warn("the objective is below what an event takes that waits for no other: raise objective.latency, or make the model quicker", "objective", latency, "takes", takes.Round(100*time.Microsecond), "by", below)
	f.app.change("objective", fmt.Sprintf("%s alone takes %s, objective.latency is %s", below, takes.Round(100*time.Microsecond), latency))
}
