package batch

import "betimes/internal/model"

// went learns from a call how many events one can be about: half as many after one
// that took too long or was too large, one more after a full one that went well.
func (q *Queue) went(n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch class := model.ClassOf(err); {
	case err == nil && n == q.most && q.most < q.config.MaxEvents:
		q.most++
	case class == model.ClassTimeout, class == model.ClassTooLarge:
		q.most = max(min(q.most, n/2), 2) // a pair that works lets it grow again
	}
	if err != nil {
		q.meter.splits.Inc()
		q.tally.splits++
	}
}
