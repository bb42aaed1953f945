package trail

import (
	"context"
	"errors"
	"sync"

	"betimes/internal/event"
)

// maxExpected bounds how many endings are waited for at once.
const maxExpected = 100_000

var errTooManyWaits = errors.New("too many endings are waited for at once; ask for the event later")

// waits are those who wait for an ending.
type waits struct {
	mu    sync.Mutex
	byID  map[string][]chan event.Whereabouts
	count int
}

// add begins to wait for id. The channel gets one value; nil when there are too many.
func (w *waits) add(id string) chan event.Whereabouts {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == maxExpected {
		return nil
	}
	if w.byID == nil {
		w.byID = make(map[string][]chan event.Whereabouts)
	}
	c := make(chan event.Whereabouts, 1)
	w.byID[id] = append(w.byID[id], c)
	w.count++
	return c
}

// remove ends a wait, told or not.
func (w *waits) remove(id string, c chan event.Whereabouts) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.byID[id]
	for i := range all {
		if all[i] != c {
			continue
		}
		w.count--
		if len(all) == 1 {
			delete(w.byID, id)
		} else {
			all[i] = all[len(all)-1]
			w.byID[id] = all[:len(all)-1]
		}
		return
	}
}

// tell gives the ending to all who wait for its id.
func (w *waits) tell(e *event.Event, place event.Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == 0 {
		return
	}
	all := w.byID[idOf(e)]
	if len(all) == 0 {
		return
	}
	where := ended(e, place)
	for _, c := range all {
		c <- where // the one value of each
	}
	w.count -= len(all)
	delete(w.byID, where.ID)
}

// waiting is how many wait.
func (w *waits) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// Expect begins to wait for the ending of id: call it before the event is sent,
// then wait, and cancel in any case. The ending's own record is told, so its
// payload is empty for a prediction.
func (t *Trail) Expect(id string) (wait func(context.Context) (event.Whereabouts, error), cancel func()) {
	c := t.waits.add(id)
	if c == nil {
		return func(context.Context) (event.Whereabouts, error) { return event.Whereabouts{}, errTooManyWaits }, func() {}
	}
	t.wake()
	wait = func(ctx context.Context) (event.Whereabouts, error) {
		select {
		case w := <-c:
			return w, nil
		case <-ctx.Done():
			return event.Whereabouts{ID: id}, ctx.Err()
		}
	}
	return wait, func() { t.waits.remove(id, c) }
}
