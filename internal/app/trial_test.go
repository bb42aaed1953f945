package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// onTrial is a model that has answered nobody, and its log.
func onTrial(version *string) (*trial, *bytes.Buffer) {
	var log bytes.Buffer
	return &trial{model: "m", contentType: "text/csv", version: func() string { return *version }, log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

func numbered(n int64) *event.Event {
	return &event.Event{Source: event.Source{Topic: "events", Offset: n}}
}

// refusedBy is how an event ends that its model refuses.
func refusedBy(class model.Class, status int) event.Ending {
	return failed(&model.Error{Class: class, Endpoint: "m", Status: 424, OriginalStatus: status, Message: "4111111111111111"})
}

func TestAModelThatRefusesEveryEventMakesThemWaitAndSaysWhy(t *testing.T) {
	for remedy, ending := range map[string]event.Ending{
		"models.m.content_type, and accept":               refusedBy(model.ClassBadInput, 415),
		"compare flow.feature with the columns":           refusedBy(model.ClassBadInput, 400),
		"compare models.m.accept and form":                refusedBy(model.ClassBadOutput, 0),
		"read the container's log":                        refusedBy(model.ClassModelFault, 500),
		"compare models.m.response with what betimes try": event.Fail(event.ReasonFeature, event.StageModel, errors.New("no field score")),
	} {
		t.Run(remedy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var version string
				m, log := onTrial(&version)
				for n := range int64(5) {
					got := m.judge(numbered(n), ending)
					if got.Place != event.Unfinished || got.Counted && n+1 >= trialCount {
						t.Fatalf("event %d: %s, counted %v", n, got.Place, got.Counted)
					}
				}
				time.Sleep(time.Hour)
				if got := m.judge(numbered(0), ending); got.Place != event.Unfinished || got.Counted {
					t.Errorf("after an hour: %s", got.Place)
				}
				err := m.err()
				if err == nil || !strings.Contains(err.Error(), "models.m: ") || !strings.Contains(err.Error(), remedy) {
					t.Errorf("got %v", err)
				}
				if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), remedy) || strings.Contains(log.String()+fmt.Sprint(err), "4111") {
					t.Errorf("logged %s", log.String())
				}
			})
		})
	}
}

func TestOneGoodAnswerEndsTheTrialAndTheRefusedEndByThemselves(t *testing.T) {
	var version string
	m, _ := onTrial(&version)
	ending := refusedBy(model.ClassBadInput, 400)
	for n := range int64(4) {
		m.judge(numbered(n), ending)
	}
	m.judge(numbered(9), event.Ending{Place: event.Predicted})
	if got := m.judge(numbered(0), ending); got.Place != event.DeadLetter || m.err() != nil {
		t.Errorf("%s, %v", got.Place, m.err())
	}
}

func TestFewRefusedEventsEndByThemselvesAfterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var version string
		m, _ := onTrial(&version)
		for n := range int64(2) {
			if got := m.judge(numbered(n), refusedBy(model.ClassBadInput, 400)); got.Place != event.Unfinished {
				t.Errorf("at first: %s", got.Place)
			}
		}
		time.Sleep(trialWait)
		for n := range int64(2) {
			if got := m.judge(numbered(n), refusedBy(model.ClassBadInput, 400)); got.Place != event.DeadLetter || m.err() != nil {
				t.Errorf("after a moment: %s, %v", got.Place, m.err())
			}
		}
	})
}

func TestAnotherVersionIsOnTrialAgain(t *testing.T) {
	version := "1"
	m, _ := onTrial(&version)
	m.judge(numbered(0), event.Ending{Place: event.Predicted})
	if got := m.judge(numbered(1), refusedBy(model.ClassBadInput, 400)); got.Place != event.DeadLetter {
		t.Errorf("the first version: %s", got.Place)
	}
	version = "2"
	if got := m.judge(numbered(2), refusedBy(model.ClassBadInput, 400)); got.Place != event.Unfinished {
		t.Errorf("the second: %s", got.Place)
	}
}

func TestWhatIsTheEndpointsFaultOrTooLargeIsNoRefusal(t *testing.T) {
	var version string
	m, _ := onTrial(&version)
	for n := range int64(5) {
		m.judge(numbered(n), refusedBy(model.ClassThrottled, 0))
		m.judge(numbered(10+n), refusedBy(model.ClassTimeout, 0))
		if got := m.judge(numbered(20+n), refusedBy(model.ClassTooLarge, 413)); got.Place != event.DeadLetter {
			t.Errorf("too large: %s", got.Place)
		}
	}
	if m.err() != nil {
		t.Error(m.err())
	}
}
