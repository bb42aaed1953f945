package latency

import (
	"cmp"
	"maps"
	"slices"

	"betimes/internal/pulse"
)

// Model is how all processes together ask one model; what is counted is of the last
// minute.
type Model struct {
	Name  string `json:"name"`
	Admit *Admit `json:"admit,omitempty"` // where something may be refused
	Batch *Batch `json:"batch,omitempty"` // where events may share calls
}

// Admit is what was let in to a model.
type Admit struct {
	Decisions   map[string]int64 `json:"decisions"` // pass, probe, late, would_be_late, priority
	Fallbacks   int64            `json:"fallbacks"` // of the refused, answered by another model
	InPerS      float64          `json:"in_per_s"`
	RefusedPerS float64          `json:"refused_per_s"`
	Inside      int              `json:"inside"`
	NeedUS      int64            `json:"need_us"`  // that one more would take, where it takes longest; 0: not known
	AloneUS     int64            `json:"alone_us"` // that one takes when nobody is before it
}

// Batch is how events shared the calls to a model.
type Batch struct {
	Reasons   map[string]int64 `json:"reasons"` // calls by why no more shared them
	Sizes     []int64          `json:"sizes"`   // calls about 1, 2, 3 and 4, 5 to 8, … events
	CallsPerS float64          `json:"calls_per_s"`
	Mean      float64          `json:"mean_events"` // of a call
	UnderWay  int              `json:"under_way"`
	Limit     int              `json:"limit"` // calls at once that are worth while, as learned
	Most      int              `json:"most"`  // events that a call may be about now
	CallUS    float64          `json:"call_us"`
	EventUS   float64          `json:"event_us"`
	Waiting   int              `json:"waiting"`
	Lanes     []pulse.Lane     `json:"lanes"`
	Splits    int64            `json:"splits"`
	Apart     bool             `json:"apart"`
}

// Models lists the models by name, as their askers say.
func (m *Monitor) Models() []Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	byName := map[string]*Model{}
	m.live(func(one *instance) {
		newest, oldest := one.minute[len(one.minute)-1], one.minute[0]
		seconds := newest.at.Sub(oldest.at).Seconds()
		for _, now := range newest.models {
			sum, ok := byName[now.Name]
			if !ok {
				sum = &Model{Name: now.Name}
				byName[now.Name] = sum
			}
			sum.add(now, modelIn(oldest, now.Name), seconds)
		}
	})
	out := make([]Model, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name].finished())
	}
	return out
}

// modelIn is a model as an instance had it; empty parts when it had none.
func modelIn(then calledAt, name string) pulse.Model {
	i := slices.IndexFunc(then.models, func(m pulse.Model) bool { return m.Name == name })
	m := pulse.Model{}
	if i >= 0 {
		m = then.models[i]
	}
	m.Admit, m.Batch = cmp.Or(m.Admit, &pulse.Admit{}), cmp.Or(m.Batch, &pulse.Batch{})
	return m
}

func (sum *Model) add(now, before pulse.Model, seconds float64) {
	if now.Admit != nil {
		sum.Admit = cmp.Or(sum.Admit, &Admit{Decisions: map[string]int64{}})
		sum.Admit.add(now.Admit, before.Admit, seconds)
	}
	if now.Batch != nil {
		sum.Batch = cmp.Or(sum.Batch, &Batch{Reasons: map[string]int64{}})
		sum.Batch.add(now.Batch, before.Batch, seconds)
	}
}

func (sum *Admit) add(now, before *pulse.Admit, seconds float64) {
	in, refused := int64(0), int64(0)
	for name, n := range now.Decisions {
		n -= before.Decisions[name]
		sum.Decisions[name] += n
		if name == "pass" || name == "probe" {
			in += n
		} else {
			refused += n
		}
	}
	sum.InPerS += perSecond(in, seconds)
	sum.RefusedPerS += perSecond(refused, seconds)
	sum.Fallbacks += now.Fallbacks - before.Fallbacks
	sum.Inside += now.Inside
	sum.NeedUS, sum.AloneUS = max(sum.NeedUS, now.NeedUS), max(sum.AloneUS, now.AloneUS)
}

func (sum *Batch) add(now, before *pulse.Batch, seconds float64) {
	calls := int64(0)
	for why, n := range now.Reasons {
		n -= before.Reasons[why]
		sum.Reasons[why] += n
		calls += n
	}
	sum.CallsPerS += perSecond(calls, seconds)
	for i, n := range now.Sizes[:min(len(now.Sizes), mostSizes)] {
		if i < len(before.Sizes) {
			n -= before.Sizes[i]
		}
		if i == len(sum.Sizes) {
			sum.Sizes = append(sum.Sizes, 0)
		}
		sum.Sizes[i] += n
	}
	sum.Mean += float64(now.Events - before.Events) // of all calls, so far
	sum.Splits += now.Splits - before.Splits
	sum.UnderWay += now.UnderWay
	sum.Limit += now.Limit
	sum.Waiting += now.Waiting
	sum.Most = max(sum.Most, now.Most)
	sum.CallUS, sum.EventUS = max(sum.CallUS, now.CallUS), max(sum.EventUS, now.EventUS)
	sum.Lanes = append(sum.Lanes, now.Lanes...)
	sum.Apart = sum.Apart || now.Apart
}

const (
	mostSizes = 16
	mostLanes = 8
)

func (sum *Model) finished() Model {
	b := sum.Batch
	if b == nil {
		return *sum
	}
	calls := int64(0)
	for _, n := range b.Reasons {
		calls += n
	}
	b.Mean /= float64(max(calls, 1))
	slices.SortStableFunc(b.Lanes, func(x, y pulse.Lane) int { return cmp.Compare(y.Waiting, x.Waiting) })
	b.Lanes = append([]pulse.Lane{}, b.Lanes[:min(len(b.Lanes), mostLanes)]...)
	b.Sizes = append([]int64{}, b.Sizes...)
	return *sum
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}
