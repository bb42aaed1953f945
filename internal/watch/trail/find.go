package trail

import (
	"context"
	"errors"
	"fmt"

	"betimes/internal/event"
)

// maxCandidates is how many records are read for one id, the newest first. A
// foreign writer may give one id to all of its records.
const maxCandidates = 64

// Find says where the event of an id is; event.ErrUnknown when no record of it is
// known. The place of its accepted record, topic:partition:offset, names it too.
func (t *Trail) Find(ctx context.Context, id string) (event.Whereabouts, error) {
	t.wake()
	w, err := t.find(ctx, id)
	at, isPlace := event.ParseSource(id)
	if !errors.Is(err, event.ErrUnknown) || !isPlace || at.Topic != t.topics.Events {
		return w, err
	}
	e, readErr := t.reader.ReadAt(ctx, at)
	if readErr != nil || idOf(e) == id {
		return w, err
	}
	return t.find(ctx, idOf(e))
}

func (t *Trail) find(ctx context.Context, id string) (event.Whereabouts, error) {
	candidates, err := t.index.find(id)
	if err != nil {
		return event.Whereabouts{}, err
	}
	candidates = candidates[:min(len(candidates), maxCandidates)]
	best := event.Whereabouts{}
	known := false
	for _, c := range candidates {
		w, ok, err := t.read(ctx, id, c)
		if err != nil {
			return event.Whereabouts{}, err
		}
		if ok && (!known || better(w, best)) {
			best, known = w, true
		}
	}
	if !known {
		return event.Whereabouts{}, t.unknown()
	}
	return complete(ctx, t.reader, best)
}

func (t *Trail) unknown() error {
	if !t.CaughtUp() {
		return fmt.Errorf("%w so far; the topics are still being read", event.ErrUnknown)
	}
	return event.ErrUnknown
}

// read gives what one record says of id; not ok when it is gone or another event's.
func (t *Trail) read(ctx context.Context, id string, at event.Source) (event.Whereabouts, bool, error) {
	e, err := t.reader.ReadAt(ctx, at)
	if errors.Is(err, ErrGone) {
		return event.Whereabouts{}, false, nil
	}
	if err != nil {
		return event.Whereabouts{}, false, fmt.Errorf("reading %s: %w", at, err)
	}
	if idOf(e) != id {
		return event.Whereabouts{}, false, nil
	}
	if place := t.topics.place(at.Topic); place != event.Unfinished {
		return ended(e, place), true, nil
	}
	return accepted(e), true, nil
}

// better says whether a tells more than b: an ending more than none, then the newer.
func better(a, b event.Whereabouts) bool {
	if (a.Place == event.Unfinished) != (b.Place == event.Unfinished) {
		return b.Place == event.Unfinished
	}
	if a.Place == event.Unfinished {
		return a.At.After(b.At)
	}
	return a.EndedAt.After(b.EndedAt)
}

// complete adds to an ending what only the accepted record knows.
func complete(ctx context.Context, r Reader, w event.Whereabouts) (event.Whereabouts, error) {
	if w.Place == event.Unfinished || w.Accepted.Topic == "" {
		return w, nil
	}
	e, err := r.ReadAt(ctx, w.Accepted)
	if errors.Is(err, ErrGone) {
		return w, nil
	}
	if err != nil {
		return w, fmt.Errorf("reading %s: %w", w.Accepted, err)
	}
	if idOf(e) != w.ID {
		return w, nil
	}
	w.At, w.Payload = e.Recorded, e.Value
	if !w.Timeline.Started() {
		w.Timeline = accepted(e).Timeline
	}
	return w, nil
}
