package latency

import (
	"time"

	"betimes/internal/event"
)

// untaken is a time in which gateways cannot make most events durable: what is not
// accepted is in no histogram, and would leave a picture of health.
type untaken struct {
	onset
	failed, taken int64 // within the last untakenFor
}

// Of so many seconds so many events must have failed, and more than were taken.
const (
	untakenFor  = 15
	fewUntaken  = 5
	failedName  = "failed"
	acceptsName = "accepted"
)

// refusing says whether brokers do not take events; m.mu is held.
func (m *Monitor) refusing(now time.Time) (untaken, bool) {
	var u untaken
	to := now.Unix() + 1
	m.history.each(now.Add(-History).Unix(), to, func(s *slot) {
		failed, taken := s.outcomes[failedName], s.outcomes[acceptsName]
		u.note(s.start, taken, failed)
		if s.start >= to-untakenFor {
			u.failed += failed
			u.taken += taken
		}
	})
	return u, u.failed >= fewUntaken && u.failed > u.taken && !u.since.IsZero()
}

func (u untaken) why() Why {
	share := float64(u.failed) / float64(u.failed+u.taken)
	return Why{
		Since: &u.since, Culprit: &Culprit{event.StageProduce.String(), share},
		Sentence: "Brokers do not take events since " + clock(u.since) + ": gateways could not make " + thousands(u.failed) + " of the newest " +
			counted(u.failed+u.taken, "event") + " durable and answered 503.",
		Evidence: []string{},
		Remedy:   "Look at what gateways log, at the brokers' logs and disks, and at the in-sync replicas of the topic of events.",
	}
}
