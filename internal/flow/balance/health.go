package balance

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"betimes/internal/model"
)

// health knows whether an endpoint does its work.
type health struct {
	target  Target
	others  bool // endpoints of the model there are
	log     *slog.Logger
	last    atomic.Pointer[model.Error]
	newest  atomic.Int64 // Unix µs of the newest call that was answered
	failing atomic.Int64 // Unix µs since when every call fails for the endpoint's fault; 0: it answers
}

// flicker is an outage too short for a line of its own: one event that the endpoint
// cannot stand among others that it answers makes many a second.
const flicker = time.Second

// note takes in how a call ended; nil: well.
func (h *health) note(err error, now time.Time) {
	class := model.ClassOf(err)
	switch {
	case err != nil && (class == model.ClassCanceled || class == model.ClassLate):
		return
	case err == nil || !class.OfEndpoint():
		h.answered(now)
		return
	}
	if e, is := errors.AsType[*model.Error](err); is {
		h.last.Store(e)
	}
	if class == model.ClassThrottled && now.Sub(time.UnixMicro(h.newest.Load())) < flicker {
		return // it takes others
	}
	if h.failing.CompareAndSwap(0, now.UnixMicro()) {
		text := "endpoint fails, its events wait"
		if h.others {
			text = "endpoint fails, others are asked"
		}
		h.log.Warn(text, "endpoint", h.target.Endpoint, "model", h.target.Model, "cause", h.cause())
	}
}

// answered notes that the endpoint does its work, whatever the answer.
func (h *health) answered(now time.Time) {
	h.newest.Store(now.UnixMicro())
	if h.failing.Load() == 0 {
		return
	}
	if since := h.failing.Swap(0); since != 0 && now.Sub(time.UnixMicro(since)) >= flicker {
		h.log.Info("endpoint answers again", "endpoint", h.target.Endpoint, "model", h.target.Model)
	}
}

func (h *health) up() bool { return h.failing.Load() == 0 }

// err is why the endpoint does not answer, nil when it does.
func (h *health) err() error {
	if h.up() {
		return nil
	}
	return fmt.Errorf("models.%s: %s", h.target.Model, h.cause())
}

// cause says why the newest call failed, without the other side's own words:
// they may repeat the event.
func (h *health) cause() string {
	e := h.last.Load()
	if e == nil {
		return "unknown"
	}
	short := model.Error{Class: e.Class, Status: e.Status, OriginalStatus: e.OriginalStatus, Err: e.Err, Endpoint: h.target.Endpoint}
	return short.Error()
}
