package scaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// The states of an activity.
const (
	inProgress  = "InProgress"
	successful  = "Successful"
	failed      = "Failed"
	unfulfilled = "Unfulfilled"
)

// activity is one change, or one that was not made.
type activity struct {
	place
	ID          string      `json:"id"`
	Description string      `json:"description"`
	Cause       string      `json:"cause"`
	Started     reply.Time  `json:"started"`
	Ended       *reply.Time `json:"ended,omitempty"`
	Status      string      `json:"status"`
	Message     string      `json:"message,omitempty"`
	NotScaled   []notScaled `json:"not_scaled,omitempty"`
	Serial      int         `json:"serial"`
}

// notScaled is why nothing changed.
type notScaled struct {
	Code            string
	MaxCapacity     *int `json:",omitempty"`
	MinCapacity     *int `json:",omitempty"`
	CurrentCapacity *int `json:",omitempty"`
}

// maxActivities is how many are kept.
const maxActivities = 1000

// loadActivities reads what is kept, oldest first.
func (s *Service) loadActivities() error {
	all, err := store.Load[*activity](s.Store, activityKind)
	if err != nil {
		return err
	}
	s.activities = slices.SortedFunc(maps.Values(all), func(a, b *activity) int { return cmp.Compare(a.Serial, b.Serial) })
	return nil
}

// finishActivities ends what an earlier run left under way: a restart starts what was desired.
func (s *Service) finishActivities() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.activities {
		if a.Status == inProgress {
			s.finish(a, nil)
		}
	}
}

// begin notes an activity; s.mu is held.
func (s *Service) begin(p place, description, cause string) *activity {
	a := &activity{place: p, ID: reply.ID(), Description: description, Cause: cause, Started: s.now(), Status: inProgress}
	if n := len(s.activities); n > 0 {
		a.Serial = s.activities[n-1].Serial + 1
	}
	s.activities = append(s.activities, a)
	if len(s.activities) > maxActivities {
		s.must(s.Store.Delete(activityKind, s.activities[0].ID))
		s.activities = slices.Delete(s.activities, 0, 1)
	}
	s.must(s.Store.Put(activityKind, a.ID, a))
	return a
}

// conclude says how an activity went; s.mu is held.
func (s *Service) conclude(a *activity, status, message string) {
	if !slices.Contains(s.activities, a) { // forgotten by Reset
		return
	}
	now := s.now()
	a.Status, a.Message, a.Ended = status, message, &now
	s.must(s.Store.Put(activityKind, a.ID, a))
}

// finish is conclude for a change of capacity.
func (s *Service) finish(a *activity, err error) {
	if err != nil {
		s.conclude(a, failed, "Failed to "+perfect(a.Description)+" Reason: "+err.Error())
		return
	}
	s.conclude(a, successful, "Successfully "+perfect(a.Description)+" Change successfully fulfilled by sagemaker.")
}

// perfect is what "Setting …" is when it is done, or was to be.
func perfect(description string) string { return "set" + strings.TrimPrefix(description, "Setting") }

// must logs what cannot be told to anyone.
func (s *Service) must(err error) {
	if err != nil {
		s.Log.Error("scaling state not kept", "error", err)
	}
}

func (s *Service) describeActivities(body []byte) (any, error) {
	return s.describe(body, "ScalingActivities", func(f *filter) []map[string]any {
		var all []map[string]any
		for _, a := range slices.Backward(s.activities) {
			if f.matches(a.place) && (f.NotScaled || len(a.NotScaled) == 0) {
				all = append(all, a.describe())
			}
		}
		return all
	})
}

func (a *activity) describe() map[string]any {
	o := a.place.describe()
	maps.Copy(o, map[string]any{"ActivityId": a.ID, "Description": a.Description, "Cause": a.Cause, "StartTime": a.Started, "StatusCode": a.Status})
	if a.Ended != nil {
		o["EndTime"] = *a.Ended
	}
	if a.Message != "" {
		o["StatusMessage"] = a.Message
	}
	if len(a.NotScaled) > 0 {
		o["NotScaledReasons"] = a.NotScaled
	}
	return o
}
