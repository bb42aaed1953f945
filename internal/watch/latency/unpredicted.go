package latency

import (
	"fmt"
	"strings"
	"time"

	"betimes/internal/event"
)

// unpredicted is a time in which most events end without a prediction: those that have
// one may be as quick as ever, and would leave a picture of health.
type unpredicted struct {
	onset
	elsewhere [len(elsewhere)]int64
	all       int64 // that ended
	endpoints []Endpoint
}

// elsewhere are the places of events without a prediction.
var elsewhere = [...]struct {
	place event.Place
	name  string
}{{event.Shed, "shed"}, {event.DeadLetter, "dead letters"}, {event.Quarantined, "quarantined"}, {event.Parked, "parked"}}

// Of so many seconds so many events must have ended elsewhere, and more than were
// predicted.
const (
	unpredictedFor = 30
	fewUnpredicted = 5
)

// unpredicts says whether most events end without a prediction; m.mu is held.
func (m *Monitor) unpredicts(now time.Time) (unpredicted, bool) {
	u := unpredicted{endpoints: m.endpoints()}
	to := now.Unix() + 1
	m.history.each(now.Add(-History).Unix(), to, func(s *slot) {
		predicted, lost := s.outcomes[event.Predicted.String()], int64(0)
		for i, e := range elsewhere {
			n := s.outcomes[e.place.String()]
			if lost += n; s.start >= to-unpredictedFor {
				u.elsewhere[i] += n
			}
		}
		if s.start >= to-unpredictedFor {
			u.all += predicted + lost
		}
		u.note(s.start, predicted, lost)
	})
	lost := u.lost()
	return u, lost >= fewUnpredicted && 2*lost > u.all && !u.since.IsZero()
}

func (u unpredicted) lost() int64 {
	var sum int64
	for _, n := range u.elsewhere {
		sum += n
	}
	return sum
}

func (u unpredicted) why() Why {
	var where []string
	for i, e := range elsewhere {
		if n := u.elsewhere[i]; n > 0 {
			where = append(where, thousands(n)+" "+e.name)
		}
	}
	stage, remedy := u.blame()
	return Why{
		Since: &u.since, Culprit: &Culprit{stage.String(), float64(u.lost()) / float64(u.all)},
		Sentence: fmt.Sprintf("Most events are not predicted since %s: %s of the newest %s.", clock(u.since), strings.Join(where, ", "), thousands(u.all)),
		Evidence: append([]string{}, failures(u.endpoints)...), Remedy: remedy,
	}
}

// refused says whether the model is to blame: an endpoint does not do its work, or as
// many calls failed as half of the events that are lost.
func (u unpredicted) refused() bool {
	var failed int64
	for _, e := range u.endpoints {
		if !e.Up {
			return true
		}
		for class, n := range e.Invocations {
			if isFailure(class) {
				failed += n
			}
		}
	}
	return 2*failed > u.lost()
}

// blame is where they end, as far as figures tell.
func (u unpredicted) blame() (event.Stage, string) {
	const each = "; `betimes dead-letters list`, with --topic shed for those, and `betimes explain ID` say why of each."
	switch {
	case u.refused():
		return event.StageModel, "Calls fail or the model refuses events: see its errors" + each
	case 2*u.elsewhere[0] > u.lost():
		return event.StageAdmit, "Events cannot be in time: add instances to the endpoint, raise objective.latency, or serve them late (flow.admit.late: predict)."
	}
	return event.StageFeature, "Events cannot be read or mapped, or answers not used" + each
}
