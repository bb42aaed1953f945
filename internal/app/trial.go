package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// A model that is asked in the wrong way refuses every event: it takes another content
// type, or other columns than the file sends. That must not become a topic of dead
// letters. Until a version of a model has answered one event well, those that it
// refuses wait for a moment; after so many that it refused, all wait until one is
// answered well, which a good event, another version or a better file brings about.
// Fewer end by themselves, as any event does that its model refuses; those that are
// tried again anyway have their attempts meanwhile.
const (
	trialCount = 3
	trialWait  = 2 * time.Second
	trialPause = time.Second // between two questions about one event
)

// trial is that of one model. It is safe for concurrent use.
type trial struct {
	model, contentType string
	version            func() string // of the model, as far as it is known
	log                *slog.Logger
	passed             atomic.Pointer[string] // version that has answered well

	mu      sync.Mutex
	of      string                     // version that refused
	refused map[event.Source]time.Time // since when, at most trialCount
	cause   error                      // of the first
}

// judge lets an ending be, or has its event wait.
func (t *trial) judge(e *event.Event, ending event.Ending) event.Ending {
	version := t.version()
	if p := t.passed.Load(); p != nil && *p == version {
		return ending
	}
	if ending.Place == event.Predicted {
		t.pass(version)
		return ending
	}
	if !isRefusal(ending) {
		return ending
	}
	pause := t.doubt(e, ending, version)
	if pause <= 0 {
		return ending
	}
	return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: ending.Err, After: pause}
}

// isRefusal says whether the model, or what its answer is read with, is why an event
// was not predicted.
func isRefusal(ending event.Ending) bool {
	switch model.ClassOf(ending.Err) {
	case model.ClassBadInput, model.ClassBadOutput, model.ClassModelFault:
		return true
	}
	return ending.Reason == event.ReasonFeature && ending.Stage == event.StageModel
}

func (t *trial) pass(version string) {
	t.passed.Store(&version)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused, t.cause = nil, nil
}

// doubt counts an event that was refused, and says for how long it waits; 0: not at all.
func (t *trial) doubt(e *event.Event, ending event.Ending, version string) time.Duration {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of != version || t.refused == nil {
		t.of, t.refused = version, map[event.Source]time.Time{}
		t.cause = t.sentence(ending)
		t.log.Warn("model refuses its first event, which waits", "model", t.model, "cause", t.cause)
	}
	since, known := t.refused[e.Source]
	if !known && len(t.refused) < trialCount {
		t.refused[e.Source] = now
		since = now
	}
	switch {
	case len(t.refused) == trialCount:
		return trialPause
	case ending.Counted:
		return 0
	}
	return since.Add(trialWait).Sub(now)
}

// err is why no event is predicted, nil as long as that is not known.
func (t *trial) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.refused) < trialCount {
		return nil
	}
	return fmt.Errorf("models.%s: no event was answered well, the first %d were refused, all wait: %w", t.model, trialCount, t.cause)
}

// sentence says what the first refusal was, without the model's own words, and what to do.
func (t *trial) sentence(ending event.Ending) error {
	e, is := errors.AsType[*model.Error](ending.Err)
	if !is {
		return fmt.Errorf("its answer does not fit response; compare models.%s.response with what betimes try shows", t.model)
	}
	short := model.Error{Class: e.Class, Endpoint: e.Endpoint, Status: e.Status, OriginalStatus: e.OriginalStatus, Err: e.Err}
	status := e.Status
	if e.OriginalStatus != 0 {
		status = e.OriginalStatus
	}
	switch {
	case status == http.StatusUnsupportedMediaType || status == http.StatusNotAcceptable:
		return fmt.Errorf("%w: it does not take %s; set models.%s.content_type, and accept, to what the model takes, and look at one event with betimes try", &short, t.contentType, t.model)
	case e.Class == model.ClassBadInput:
		return fmt.Errorf("%w: it does not take what it is asked; compare flow.feature with the columns that it was trained on, and models.%s.content_type (%s), and look at one event with betimes try", &short, t.model, t.contentType)
	case e.Class == model.ClassBadOutput:
		return fmt.Errorf("%w: its answers are not what they are read as; compare models.%s.accept and form with what betimes try shows", &short, t.model)
	}
	return fmt.Errorf("%w: it fails on what it is asked; read the container's log, and look at one event with betimes try", &short)
}
