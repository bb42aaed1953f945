package metrics

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/journal"
)

// hosting is the namespace of SageMaker's endpoints.
const hosting = "AWS/SageMaker"

// meters are those of the variants in service.
type meters struct {
	mu  sync.Mutex
	all map[measured]*meter
}

// measured is whose invocations a meter counts.
type measured struct {
	endpoint, variant string
	config            string // of the new fleet while traffic shifts to it; else empty
}

func (m *meters) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.all)
}

// Serve gives what counts the invocations of a variant, and of the new fleet of a
// config beside it; waiting tells the calls under way per instance. Asynchronous
// endpoints have none: they publish errors and the model's latency only.
func (s *Service) Serve(endpoint, variant, config string, waiting func() []int64) inference.Meter {
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	if s.meters.all == nil {
		s.meters.all = map[measured]*meter{}
	}
	at := measured{endpoint, variant, config}
	m := s.meters.all[at]
	if m == nil {
		m = &meter{}
		s.meters.all[at] = m
	}
	m.waiting.Store(&waiting)
	return m
}

// meter counts the invocations of one variant until they are collected.
type meter struct {
	waiting                       atomic.Pointer[func() []int64]
	invocations                   atomic.Uint64
	shares                        atomic.Uint64 // 1/instances per invocation, in billionths
	clientErrors, serverErrors    atomic.Uint64
	modelErrors                   atomic.Uint64
	modelLatency, overheadLatency spread
}

const billion = 1e9

// Done counts an invocation.
func (m *meter) Done(o inference.Outcome) {
	m.invocations.Add(1)
	m.shares.Add(uint64(billion / float64(max(o.Instances, 1))))
	switch status := o.ModelStatus; {
	case o.ModelFailed && status >= 400 && status < 500:
		m.clientErrors.Add(1)
	case o.ModelFailed || o.Unavailable:
		m.serverErrors.Add(1)
	}
	if o.ModelFailed {
		m.modelErrors.Add(1)
	}
	if !o.Unavailable {
		m.modelLatency.add(o.Model)
		m.overheadLatency.add(o.Overhead)
	}
}

// spread is how long things took, in microseconds: classes up to 20 minutes, in
// the summary's steps, so that nothing is lost when it is read beside additions.
type spread struct {
	sum     atomic.Int64
	classes [spreadClasses]atomic.Uint32
}

const spreadClasses = 1060 // log(1.2e9 µs) ÷ log(1.02), rounded up

func (s *spread) add(d time.Duration) {
	micros := max(d.Microseconds(), 0)
	s.sum.Add(micros)
	class := 0
	if micros > 0 {
		class = int(classOf(float64(micros))) - zeroClass + 1
	}
	s.classes[min(class, spreadClasses-1)].Add(1)
}

// take gives what was added since the last time.
func (s *spread) take() summary {
	sum := summary{Sum: float64(s.sum.Swap(0)), Classes: map[int32]float64{}}
	for i := range s.classes {
		n := float64(s.classes[i].Swap(0))
		if n == 0 {
			continue
		}
		class := int32(0)
		if i > 0 {
			class = int32(i - 1 + zeroClass)
		}
		sum.Classes[class] = n
		v := math.Round(middle(class))
		if sum.Count == 0 {
			sum.Min = v
		}
		sum.Count += n
		sum.Max = v
	}
	return sum
}

// collect makes data points of what the meters counted. At a tick it also looks
// how many calls wait and run.
func (s *Service) collect(sample bool) {
	now := s.Clock.Now()
	if sample { // what happened since the last tick belongs before this one
		now = now.Add(-time.Millisecond)
	}
	var data []datum
	s.meters.mu.Lock()
	for at, m := range s.meters.all {
		data = append(data, m.collect(at, now, sample)...)
	}
	s.meters.mu.Unlock()
	if err := s.keep(data, false); err != nil {
		s.Log.Error("data points not kept", "error", err)
	}
}

func (m *meter) collect(at measured, now time.Time, sample bool) []datum {
	var data []datum
	add := func(metric, unit string, fine bool, sum summary) {
		for _, n := range at.names(metric) {
			data = append(data, datum{Name: n, Unit: unit, Fine: fine, At: now.UnixMilli(), Summary: sum})
		}
	}
	synchronous := *m.waiting.Load() != nil
	if sample && synchronous {
		add("ConcurrentRequestsPerModel", "Count", true, m.concurrency())
	}
	n := float64(m.invocations.Swap(0))
	if n == 0 {
		return data
	}
	shares, modelErrors, overhead := float64(m.shares.Swap(0))/billion, float64(m.modelErrors.Swap(0)), m.overheadLatency.take()
	if synchronous {
		add("Invocations", "None", false, times(n, n))
		add("InvocationsPerInstance", "None", false, times(n, shares))
		add("InvocationModelErrors", "None", false, times(n, modelErrors))
		add("OverheadLatency", "Microseconds", false, overhead)
	}
	add("Invocation4XXErrors", "None", false, times(n, float64(m.clientErrors.Swap(0))))
	add("Invocation5XXErrors", "None", false, times(n, float64(m.serverErrors.Swap(0))))
	add("ModelLatency", "Microseconds", false, m.modelLatency.take())
	return data
}

// times is n values that sum up to sum and are 0 or 1, or all the same.
func times(n, sum float64) summary {
	switch s := (summary{Count: n, Sum: sum, Min: sum / n, Max: sum / n}); {
	case sum == 0 || sum == n:
		s.Classes = map[int32]float64{classOf(s.Min): n}
		return s
	case sum == math.Trunc(sum) && sum < n:
		s.Min, s.Max = 0, 1
		s.Classes = map[int32]float64{classOf(0): n - sum, classOf(1): sum}
		return s
	default:
		return s
	}
}

// concurrency is one value per instance.
func (m *meter) concurrency() summary {
	var sum summary
	for _, n := range (*m.waiting.Load())() {
		sum.add(float64(n), 1)
	}
	return sum
}

// names are those of a metric: a new fleet counts for its variant and by itself,
// so that an alarm can watch it alone.
func (m measured) names(metric string) []name {
	variant := []dimension{{"EndpointName", m.endpoint}, {"VariantName", m.variant}}
	all := []name{{hosting, metric, variant}}
	if m.config != "" {
		all = append(all, name{hosting, metric, append([]dimension{{"EndpointConfigName", m.config}}, variant...)})
	}
	return all
}

// Keep forgets the meters of an endpoint's other variants and configs, after a last look.
func (s *Service) Keep(endpoint string, kept [][2]string) {
	s.collect(false)
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	for at := range s.meters.all {
		if at.endpoint == endpoint && !slices.Contains(kept, [2]string{at.variant, at.config}) {
			delete(s.meters.all, at)
		}
	}
}

func journalEntry(t told) journal.Entry {
	return journal.Entry{Time: t.notice.At, Kind: journal.State, Resource: "alarm/" + t.notice.Alarm, Text: t.notice.Old + " → " + t.notice.New + ": " + t.action}
}
