package loadgen

import (
	"runtime"
	"time"

	"betimes/internal/event"
)

// Report says what became of a load. Times are in µs.
type Report struct {
	Run      string    `json:"run"`
	Workload string    `json:"workload"`
	Shape    string    `json:"shape"`
	Rate     float64   `json:"rate"`
	Seed     uint64    `json:"seed"`
	Through  string    `json:"through,omitempty"`
	Started  time.Time `json:"started"`
	Duration int64     `json:"duration_us"` // from the start to the last send
	Stopped  bool      `json:"stopped"`     // before its end, by the user
	Settled  bool      `json:"settled"`     // everything accepted was found; else the wait for it ended without progress
	Machine  string    `json:"machine"`

	Counts
	Quantiles // of the latency: intended → read back, predictions only

	Lag      Quantiles        `json:"generator_lag"`
	Stages   []Row            `json:"stages"`
	Residual *Residual        `json:"residual,omitempty"`
	Quality  *Quality         `json:"quality,omitempty"`
	Problems map[string]int64 `json:"problems,omitempty"` // why sends were not accepted
	Dirt     map[string]int64 `json:"dirt,omitempty"`     // what was wrong with events, on purpose
}

// Counts are of events (distinct ids), but Sent and Reordered.
type Counts struct {
	Sent         int64 `json:"sent"` // sends; more than the events when dirt repeats some
	Events       int64 `json:"events"`
	Accepted     int64 `json:"accepted"`
	Refused      int64 `json:"refused"`
	Failed       int64 `json:"failed"`
	Unknown      int64 `json:"unknown"`     // no answer, or one that leaves it open
	Unconfirmed  int64 `json:"unconfirmed"` // of those not accepted: found in a terminal topic all the same
	Predicted    int64 `json:"predicted"`
	Late         int64 `json:"late"`
	Shed         int64 `json:"shed"`
	DeadLettered int64 `json:"dead_lettered"`
	Quarantined  int64 `json:"quarantined"`
	Parked       int64 `json:"parked"`     // waiting behind a poison event of their key, or one themselves
	Lost         int64 `json:"lost"`       // accepted, and found nowhere
	Duplicated   int64 `json:"duplicated"` // records beyond one for each accepted record
	TwoPlaces    int64 `json:"two_places"`
	Reordered    int64 `json:"reordered"` // predictions behind a later event of their key
	Foreign      int64 `json:"foreign"`   // terminal records of other senders
}

// report counts everything, at the end.
func (t *Tracker) report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Report{
		Started: t.start, Machine: machine(), Quantiles: t.measures.latency.quantiles(), Lag: t.measures.lag.quantiles(),
		Stages: t.measures.table(), Residual: t.measures.residuals(), Quality: t.quality.report(),
		Problems: t.problems, Dirt: t.dirt,
	}
	r.Counts = Counts{Sent: t.sent, Late: t.late, Reordered: t.reordered, Foreign: t.foreign}
	t.slots.all(r.Counts.add)
	return r
}

func (c *Counts) add(s *slot) {
	c.Events++
	switch s.outcome {
	case Accepted:
		c.Accepted++
	case Refused:
		c.Refused++
	case Failed:
		c.Failed++
	default: // an answer that never came leaves it open as well
		c.Unknown++
	}
	switch {
	case s.ended == 0 && s.found(event.Parked):
		c.Parked++
	case s.ended == 0 && s.outcome == Accepted:
		c.Lost++
	case s.ended > 0 && s.outcome != Accepted:
		c.Unconfirmed++
	}
	places := 0
	for _, p := range [...]struct {
		place event.Place
		n     *int64
	}{
		{event.Predicted, &c.Predicted}, {event.Shed, &c.Shed}, {event.DeadLetter, &c.DeadLettered}, {event.Quarantined, &c.Quarantined},
	} {
		if s.found(p.place) {
			*p.n++
			places++
		}
	}
	if places > 1 {
		c.TwoPlaces++
	}
	elsewhere := max(places-1, 0) // told by TwoPlaces
	c.Duplicated += int64(max(int(s.ended)-max(int(s.copies), 1)-elsewhere, 0))
}

func machine() string {
	return runtime.GOOS + "/" + runtime.GOARCH + ", " + plural(runtime.NumCPU(), "core") + ", " + runtime.Version()
}
