package app

import (
	"fmt"
	"sync/atomic"
	"time"

	"betimes/internal/config"
	"betimes/internal/flow/admit"
)

// floor says when the objective asks for less time than an event takes that waits for
// no other: then all are late, or shed, whatever is done. What hovers about the
// objective is said once: it counts as below after looksBelow looks in a row, and as
// kept again after looksKept of them with some room.
type floor struct {
	app     *App
	latency atomic.Int64 // objective, ns
	below   bool         // it was said
	looks   int          // in a row that speak against what was said
}

const (
	looksBelow = 3  // a look is a second
	looksKept  = 30 // as many
	room       = 0.9
)

func (a *App) newFloor() *floor {
	f := &floor{app: a}
	f.latency.Store(int64(a.config.Objective.Latency))
	a.onReload(func(c config.Config) { f.latency.Store(int64(c.Objective.Latency)) })
	return f
}

// look compares, once for each pulse; it says when something has changed. Where nothing
// is known, because no event came, nothing has.
func (f *floor) look() {
	latency := time.Duration(f.latency.Load())
	takes, by := f.longest()
	if takes <= 0 {
		return
	}
	if against := float64(takes) > float64(latency) != f.below; !against || f.below && float64(takes) > room*float64(latency) {
		f.looks = 0
		return
	}
	f.looks++
	switch {
	case !f.below && f.looks >= looksBelow:
		f.below, f.looks = true, 0
		f.app.log.Warn("the objective is below what an event takes that waits for no other: raise objective.latency, or make the model quicker", "objective", latency, "takes", takes.Round(100*time.Microsecond), "by", by)
		f.app.change("objective", fmt.Sprintf("%s alone takes %s, objective.latency is %s", by, takes.Round(100*time.Microsecond), latency))
	case f.below && f.looks >= looksKept:
		f.below, f.looks = false, 0
		f.app.log.Info("the objective can be kept again", "objective", latency)
	}
}

// longest is what takes longest where nobody waits, and what that is: a whole event, or
// a model. Zero: nothing is known.
func (f *floor) longest() (takes time.Duration, by string) {
	if d, waits := admit.Alone(f.app.live); !waits {
		takes, by = d, "an event"
	}
	for _, l := range f.app.limiters {
		if d := l.Alone(); d > takes {
			takes, by = d, "model "+l.Model()
		}
	}
	return takes, by
}
