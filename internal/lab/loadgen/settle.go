package loadgen

import "time"

// tell tells the progress until everything is sent.
func (r *run) tell(sent <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-sent:
			return
		case <-tick.C:
			r.progress(false)
		}
	}
}

// settle waits for what was accepted and has not ended, as long as there is
// progress, and says whether all of it came.
func (r *run) settle() bool {
	tick := time.NewTicker(look)
	defer tick.Stop()
	seen, since, told := int64(-1), time.Now(), time.Now()
	for {
		outstanding, changes := r.tracker.waiting()
		if outstanding == 0 {
			return true
		}
		if changes != seen {
			seen, since = changes, time.Now()
		}
		if time.Since(since) >= r.config.Settle {
			return false
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			r.progress(true)
		}
		<-tick.C
	}
}

func (r *run) progress(settling bool) {
	if r.deps.Progress == nil {
		return
	}
	p := r.tracker.progress()
	p.Elapsed, p.Settling = max(time.Since(r.start), 0), settling
	if r.config.For > 0 && !settling {
		p.Left = max(r.config.For-p.Elapsed, 0)
	}
	r.deps.Progress(p)
}

func (t *Tracker) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.measures.latency.quantiles()
	return Progress{
		Sent: t.sent, Predicted: t.predicted, Outstanding: t.pending + t.open,
		LatencyP50US: q.P50, LatencyP99US: q.P99,
	}
}
