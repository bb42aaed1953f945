package inference

import (
	"net/http"
	"time"

	"betimes/internal/lab/emulator/fleet"
)

// Outcome is how an invocation went that a variant had.
type Outcome struct {
	Instances       int // of the variant
	Model, Overhead time.Duration
	Unavailable     bool // no model was asked
	ModelFailed     bool
	ModelStatus     int // when ModelFailed: what the container answered, 0 for nothing
}

// Meter counts the invocations of one variant; it takes no lock.
type Meter interface {
	Done(o Outcome)
}

// Meters gives meters.
type Meters interface {
	// Serve gives the meter of a variant, or of the new fleet of config beside it;
	// waiting tells the calls under way per instance; nil for an asynchronous
	// endpoint, which has fewer metrics.
	Serve(endpoint, variant, config string, waiting func() []int64) Meter
	// Keep forgets what is not one of these pairs of variant and config.
	Keep(endpoint string, kept [][2]string)
}

// measure gives the variants of r and their shadows meters, before r has traffic.
func (s *Service) measure(name string, r *Routing) {
	var kept [][2]string
	serve := func(v *Variant) {
		waiting := func() []int64 { return outstanding(v.Instances) }
		if r.Async != nil {
			waiting = nil
		}
		v.meter = s.Meters.Serve(name, v.Name, v.Config, waiting)
		kept = append(kept, [2]string{v.Name, v.Config})
	}
	if r != nil {
		for i := range r.Variants {
			serve(&r.Variants[i])
			if shadow := r.Variants[i].Shadow; shadow != nil {
				serve(shadow)
			}
		}
	}
	s.Meters.Keep(name, kept)
}

func outstanding(instances []*fleet.Instance) []int64 {
	all := make([]int64, len(instances))
	for i, instance := range instances {
		all[i] = instance.Outstanding()
	}
	return all
}

// done counts an invocation that began at a moment.
func (v *Variant) done(began time.Time, t fleet.Timing, bad *refusal) {
	if v.meter == nil {
		return
	}
	o := Outcome{Instances: len(v.Instances), Model: t.Queue + t.Compute}
	o.Overhead = max(time.Since(began)-o.Model, 0)
	if bad != nil {
		o.ModelFailed, o.ModelStatus = bad.status == http.StatusFailedDependency, bad.original
		o.Unavailable = !o.ModelFailed
	}
	v.meter.Done(o)
}
