package batch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"betimes/internal/budget"
	"betimes/internal/model"
)

// comparison is what is known of a model version: whether it answers together as
// it does alone. That it does not is believed when it is found twice in a row: a call
// may fail, and another endpoint may have another model for a while. It is guarded by
// the mutex of its Queue.
type comparison struct {
	version string
	known   bool // version was looked at
	state   state
	running bool
	suspect bool // the newest comparison found that it does not; one may be chance
	tries   int  // without a result
	batches int  // since one was looked at
}

type state uint8

const (
	unknown state = iota
	same
	apart
)

const (
	compared   = 4    // events, at most: each costs a call
	fruitless  = 8    // tries whose answers were all alike: then they always are
	everySoMay = 1000 // batches, of which one answer is looked at again
)

// of looks at the version; another one has to be compared anew.
func (c *comparison) of(version string) {
	if !c.known || c.version != version {
		*c = comparison{version: version, known: true, running: c.running}
	}
}

// allows says whether events of this version may share a call, be it to compare.
func (c *comparison) allows(version string) bool {
	c.of(version)
	return c.state == same || c.state == unknown && !c.running
}

// shares says whether events of this version share calls, and not to compare.
func (c *comparison) shares(version string) bool {
	c.of(version)
	return c.state == same
}

// refuses says that events of this version never share a call.
func (c *comparison) refuses(version string) bool {
	c.of(version)
	return c.state == apart
}

// begins says whether the next batch is for comparing.
func (c *comparison) begins(version string) bool {
	c.of(version)
	if c.running || c.state != unknown {
		return false
	}
	c.running, c.batches = true, 0
	return true
}

// looks says whether one event of the next batch is asked about again, alone.
func (c *comparison) looks(version string) bool {
	c.of(version)
	if c.batches++; c.state != same || c.batches < everySoMay {
		return false
	}
	c.batches = 0
	return true
}

// look asks about one event of an answered batch again, alone, in the place of the
// batch. Nobody waits for that answer. If it is another, the next batch is for
// comparing.
func (g *group) look() {
	i := rand.IntN(len(g.members))
	ctx, cancel := context.WithTimeout(context.Background(), budget.Call)
	defer cancel()
	alone, _, err := g.call(ctx, undated(g.members[i:i+1]))
	if err != nil || alone.Answers[0].Err != nil || g.answer.Answers[i].Err != nil {
		return
	}
	codec := g.queue.deps.Codec
	one, errOne := read(codec, alone.Answers[0].Body, alone.ContentType)
	shared, errShared := read(codec, g.answer.Answers[i].Body, g.answer.ContentType)
	if errOne == nil && errShared == nil && !alike(one, shared) {
		g.queue.suspect(g.looks)
	}
}

// suspect has a version compared again.
func (q *Queue) suspect(version string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := &q.compare; c.version == version && c.state == same {
		c.state, c.tries = unknown, 0
	}
}

// compare asks about some members alone, who get these answers, then about the
// same together. The others are told to ask alone.
func (g *group) compare(version string) {
	defer g.queue.ended(g.flight)
	defer g.cancel()
	some := g.members[:min(len(g.members), compared)]
	rest := g.members[len(some):]
	if len(rest) > 0 {
		g.queue.back(g, rest)
	}
	alone := make([]*model.Response, len(some))
	var wg sync.WaitGroup
	for i, m := range some {
		wg.Go(func() {
			resp, trace, err := g.call(g.ctx, some[i:i+1])
			t := told{err: err, began: g.began, trace: trace}
			if err == nil {
				alone[i], t.resp = resp, part(resp, 0)
			}
			g.tell(m, t)
		})
	}
	wg.Wait()
	found, why := g.conclude(some, alone)
	g.queue.concluded(version, found, why)
}

// conclude says what the answers alone and together tell.
func (g *group) conclude(some []*member, alone []*model.Response) (state, error) {
	for _, r := range alone {
		if r == nil || r.Answers[0].Err != nil {
			return unknown, nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), budget.Call) // all owners have their answers
	defer cancel()
	together, _, err := g.call(ctx, undated(some))
	switch class := model.ClassOf(err); {
	case err != nil && ofOne(class) && class != model.ClassTimeout:
		return apart, fmt.Errorf("asked together it fails: %s", class)
	case err != nil:
		return unknown, nil
	}
	return g.equal(alone, together)
}

// undated are the same members without their times: their owners have been answered.
func undated(members []*member) []*member {
	out := make([]*member, len(members))
	for i, m := range members {
		r := *m.request
		r.Items = []model.Item{{Body: r.Items[0].Body}}
		out[i] = &member{request: &r}
	}
	return out
}

// equal compares answer by answer. Answers that are all alike tell nothing of
// their order.
func (g *group) equal(alone []*model.Response, together *model.Response) (state, error) {
	codec, differ := g.queue.deps.Codec, false
	first, err := read(codec, alone[0].Answers[0].Body, alone[0].ContentType)
	for i := range alone {
		one, errOne := read(codec, alone[i].Answers[0].Body, alone[i].ContentType)
		shared, errShared := read(codec, together.Answers[i].Body, together.ContentType)
		if err = errors.Join(err, errOne, errShared, together.Answers[i].Err); err != nil {
			return unknown, nil
		}
		if !alike(one, shared) {
			return apart, errors.New("asked together it answers otherwise than alone")
		}
		differ = differ || !alike(first, one)
	}
	if !differ {
		return unknown, nil
	}
	return same, nil
}

// back puts members of a group at the head of the line again.
func (q *Queue) back(g *group, members []*member) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range members {
		if m.gone {
			continue
		}
		m.group, m.taken = nil, false
		g.left()
		q.join(m)
	}
	q.dispatch(time.Now())
}

// concluded notes the result of a comparison that began with a version; empty: its
// answers were the first to say one. Of a version that came meanwhile it says nothing.
func (q *Queue) concluded(version string, found state, why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := &q.compare
	c.of(q.inner.Version())
	c.running = false
	switch {
	case version != "" && version != c.version:
		return
	case found == same:
		c.state, c.tries, c.suspect = same, 0, false
	case found == apart && !c.suspect:
		c.state, c.tries, c.suspect = unknown, 0, true
		return
	case found == apart:
		c.state = apart
		q.meter.apart.Set(1)
		q.deps.Log.Warn("model is asked about one event at a time", "model", q.deps.Model, "version", c.version, "cause", why.Error())
		return
	default:
		if c.tries++; c.tries >= fruitless && c.state == unknown {
			c.state, c.tries = same, 0
		}
	}
	q.meter.apart.Set(0)
}
