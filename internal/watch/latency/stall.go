package latency

import (
	"time"

	"betimes/internal/event"
)

// stall is a time in which no event ends although some are held: what is not
// finished is in no histogram yet.
type stall struct {
	since           time.Time // when the last event ended
	quiet           time.Duration
	working, queued int
	endpoints       []Endpoint
}

// A stall is told after quietLeast, or after so many times the objective.
const (
	quietLeast      = 5 * time.Second
	quietObjectives = 4
)

// stalled says whether nothing ends; m.mu is held.
func (m *Monitor) stalled(now time.Time) (stall, bool) {
	s := stall{endpoints: m.endpoints()}
	m.live(func(one *instance) {
		s.working += one.newest.InFlight
		s.queued += one.newest.Queued
		if began := time.UnixMicro(one.newest.Epoch); s.since.Before(began) {
			s.since = began // nothing can have ended before
		}
	})
	if s.working+s.queued == 0 {
		return s, false
	}
	m.history.each(now.Add(-History).Unix(), now.Unix()+1, func(b *slot) {
		if at := time.Unix(b.start, 0); endings(b.outcomes) > 0 && at.After(s.since) {
			s.since = at
		}
	})
	s.quiet = now.Sub(s.since)
	return s, s.quiet > max(quietLeast, quietObjectives*m.objective.Latency)
}

func (s stall) why() Why {
	since := s.since.UTC().Truncate(time.Second)
	failing := failures(s.endpoints)
	stage, remedy := event.StageQueue, remedies[event.StageQueue]
	switch {
	case s.calls() > 0 && (len(failing) == 0 || s.calls() >= s.working):
		stage, remedy = event.StageNetwork, remedyHanging
	case len(failing) > 0:
		stage, remedy = event.StageRetry, remedies[event.StageRetry]
	}
	sentence := "No event has ended since " + clock(since) + ", while " + counted(int64(s.working), "event") + " are in work and " + thousands(int64(s.queued)) + " wait"
	if n := s.calls(); n > 0 {
		sentence += "; " + counted(int64(n), "call") + " have not come back"
	}
	return Why{
		Since: &since, Culprit: &Culprit{stage.String(), 1}, Sentence: sentence + ".",
		Evidence: append([]string{}, failing...), Remedy: remedy,
	}
}

// remedyHanging helps when calls do not come back.
const remedyHanging = "Calls hang: look at the endpoint. Each is given up after a minute, and its event is then tried again; models.NAME.rest.timeout and oip.timeout make that sooner."

// calls is how many calls are out.
func (s stall) calls() int {
	n := 0
	for _, e := range s.endpoints {
		n += e.InFlight
	}
	return n
}
