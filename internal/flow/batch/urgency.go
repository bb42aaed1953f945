package batch

import "time"

// urgency lets a call begin although as many are under way as are worth while,
// when one who waits would be late otherwise: what is known of the model may be
// wrong. One such call at a time is the most that it costs.
type urgency struct {
	timer *time.Timer
	at    time.Time // when it rings; zero: not
	calls int       // under way
}

const (
	oneUrgent = 1
	leadShare = 1.25 // of how long a call takes: so early it begins
	leadLeast = time.Millisecond
)

// lastCall is when a member must go to be in time. q.mu is held.
func (q *Queue) lastCall(m *member) time.Time {
	return m.deadline.Add(-leadLeast - time.Duration(leadShare*float64(q.cost.predict(1))))
}

// watch sees to it that m is not forgotten. q.mu is held.
func (q *Queue) watch(m *member, now time.Time) {
	if m.taken || m.deadline.IsZero() || q.cost.weight == 0 {
		return
	}
	if at := q.lastCall(m); at.After(now) && (q.urgent.at.IsZero() || at.Before(q.urgent.at)) {
		q.ring(at, now)
	}
}

// ring sets the timer. q.mu is held.
func (q *Queue) ring(at, now time.Time) {
	q.urgent.at = at
	if q.urgent.timer == nil {
		q.urgent.timer = time.AfterFunc(at.Sub(now), q.rang)
		return
	}
	q.urgent.timer.Reset(at.Sub(now))
}

// rang begins a call about the one who must go now, if he still waits.
func (q *Queue) rang() {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.urgent.at = time.Time{}
	if _, limit, _ := q.inner.Capacity(); q.urgent.calls < oneUrgent && q.calls < limit && q.compare.allows(q.inner.Version()) {
		if l := q.pressed(now); l != nil {
			q.hurry(l, now)
		}
	}
	var next *member
	for _, l := range q.lanes {
		for _, m := range l.members {
			if !m.deadline.IsZero() && q.lastCall(m).After(now) && (next == nil || m.deadline.Before(next.deadline)) {
				next = m
			}
		}
	}
	if next != nil {
		q.ring(q.lastCall(next), now)
	}
}

// hurry begins a call beyond those that are worth while. q.mu is held.
func (q *Queue) hurry(l *lane, now time.Time) {
	members, _ := q.choose(l, now)
	if len(members) == 0 {
		return
	}
	q.part(members)
	f := q.launch(members, "deadline", now)
	f.urgent = true
	q.urgent.calls++
}

// pressed is the lane of one who must go now and can still be in time, nil when
// there is none. q.mu is held.
func (q *Queue) pressed(now time.Time) *lane {
	for _, l := range q.lanes {
		for _, m := range l.members {
			if !m.deadline.IsZero() && !q.lastCall(m).After(now) && q.cost.fits(m.left(now), 1) > 0 {
				return l
			}
		}
	}
	return nil
}
