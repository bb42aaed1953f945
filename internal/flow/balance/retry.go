package balance

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"betimes/internal/model"
	"betimes/internal/setting"
)

// Allowance is what all Pickers of a process may ask beside what they are asked for:
// again after faults of their endpoints, a share of all calls and a few to begin
// with; and a second time where a call takes long, another share. It is safe for
// concurrent use.
type Allowance struct {
	retries, hedges purse
}

// purse holds calls that may be made beside those that were asked for.
type purse struct {
	share  int64        // millionths of one that each call earns
	tokens atomic.Int64 // millionths
}

const (
	oneRetry   = 1_000_000
	fewRetries = 10 * oneRetry // saved up at most
)

// NewAllowance gives every call so much of a retry.
func NewAllowance(c Config) *Allowance {
	a := &Allowance{}
	if a.retries.share = shareOf(c.Retries); a.retries.share > 0 {
		a.retries.tokens.Store(fewRetries)
	}
	if c.Hedge != nil {
		a.hedges.share = shareOf(c.Hedge.Budget)
	}
	return a
}

// shareOf is what each call earns; some, however small the ratio is.
func shareOf(r setting.Ratio) int64 { return int64(math.Ceil(float64(r) * oneRetry)) }

// earn counts a call.
func (a *Allowance) earn() {
	a.retries.earn()
	a.hedges.earn()
}

func (p *purse) earn() {
	if p.share > 0 && p.tokens.Load() < fewRetries {
		p.tokens.Add(p.share)
	}
}

// spend takes a retry, when there is one.
func (a *Allowance) spend() bool { return a.retries.spend() }

// spendHedge takes a second call, when there is one.
func (a *Allowance) spendHedge() bool { return a.hedges.spend() }

func (p *purse) spend() bool {
	for {
		n := p.tokens.Load()
		if n < oneRetry {
			return false
		}
		if p.tokens.CompareAndSwap(n, n-oneRetry) {
			return true
		}
	}
}

const (
	throttlePatience = 2 * time.Second // for an endpoint that refuses for load, though the deadline be over
	notReadyPause    = time.Second
	faultPause       = 25 * time.Millisecond // doubles, with full jitter
	faultPauseMax    = time.Second
)

// tries is what one Invoke has been through.
type tries struct {
	ask
	refused time.Time // first, for load
	faults  int
	once    bool // asked again at once, as the door advised
	moved   bool // asked elsewhere though the event may be the cause
}

// again says whether and after what pause a failed call is made again.
func (p *Picker) again(ctx context.Context, t *tries, err error, now time.Time) (time.Duration, bool) {
	e, is := errors.AsType[*model.Error](err)
	if !is || ctx.Err() != nil {
		return 0, false
	}
	if e.Again && !t.once {
		t.once = true
		return 0, true
	}
	if p.line.another(t.ask) {
		return 0, p.elsewhere(t, e.Class, now)
	}
	t.tried = 0
	switch e.Class {
	case model.ClassThrottled:
		return t.throttled(now)
	case model.ClassNotReady:
		return notReadyPause, t.inTime(now.Add(notReadyPause))
	case model.ClassConnection, model.ClassUnavailable:
		return p.fault(t, now)
	}
	return 0, false
}

// elsewhere says whether a failed call is made at once at another endpoint. Where
// the event may be the cause, it is made there once, also when it is late: what the
// other answers decides if the event is to blame.
func (p *Picker) elsewhere(t *tries, class model.Class, now time.Time) bool {
	switch {
	case class == model.ClassThrottled:
		return true
	case class == model.ClassCanceled || class.OfEvent() || t.over(now):
		return false
	case !class.OfEndpoint():
		if t.moved {
			return false
		}
		t.moved = true
	case !t.inTime(now):
		return false
	}
	return p.deps.Allowance.spend()
}

// throttled: late events are served too, so a refusal for load is waited out here
// while the endpoint takes some; one that takes nothing is stream's to wait for.
func (t *tries) throttled(now time.Time) (time.Duration, bool) {
	pause := 20*time.Millisecond + rand.N(80*time.Millisecond)
	if t.refused.IsZero() {
		t.refused = now
	}
	end := t.refused.Add(throttlePatience)
	if t.deadline.After(end) {
		end = t.deadline
	}
	if !t.latest.IsZero() {
		end = t.latest
	}
	return pause, now.Add(pause).Before(end)
}

// over says that no try may begin any more.
func (t *tries) over(now time.Time) bool { return !t.latest.IsZero() && !now.Before(t.latest) }

// inTime says whether a try at a moment is before the event's deadline, and begins
// before it is too late to.
func (t *tries) inTime(at time.Time) bool {
	return (t.deadline.IsZero() || at.Before(t.deadline)) && !t.over(at)
}

// fault: full jitter, so that calls which failed together do not come together.
func (p *Picker) fault(t *tries, now time.Time) (time.Duration, bool) {
	pause := rand.N(min(faultPause<<min(t.faults, 10), faultPauseMax))
	t.faults++
	return pause, t.inTime(now.Add(pause)) && p.deps.Allowance.spend()
}

// sleep waits; it says no when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
