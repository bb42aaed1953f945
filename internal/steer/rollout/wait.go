package rollout

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"betimes/internal/sagemaker"
)

// How often a state is looked at on AWS, where describe calls share a low
// quota. The emulator holds its answer while a state changes.
const (
	endpointPoll = 10 * time.Second
	trainingPoll = 15 * time.Second
	emulatedPoll = 25 * time.Millisecond
)

// How long a call that may work a little later is made again.
const (
	patience     = 30 * time.Second
	firstContact = 2 * time.Second // of a command: nothing was reached yet, somebody waits for the message
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// pause waits between two looks; many processes look at the same time, so it varies by a fifth.
func (r *run) pause(ctx context.Context, onAWS time.Duration) error {
	d := onAWS
	if r.emulated {
		d = emulatedPoll
	}
	return sleep(ctx, d+rand.N(d/5))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(errStopped, ctx.Err())
	}
}

// patiently makes a call again while it fails for a reason that passes. A call
// whose answer was lost may have worked; the second then finds what the first made.
func (r *run) patiently(ctx context.Context, call func() error) error {
	until := time.Now().Add(patience)
	if r.hasty {
		until = time.Now().Add(firstContact)
	}
	for wait := firstBackoff; ; wait = min(2*wait, lastBackoff) {
		err := call()
		if err == nil || !sagemaker.IsPassing(err) || time.Now().After(until) || ctx.Err() != nil {
			if r.hasty {
				r.hasty = false
			}
			return err
		}
		r.Log.Debug("call failed, trying again", slog.String("model", r.plan.Model), slog.Any("error", err))
		if sleep(ctx, wait/2+rand.N(wait)) != nil {
			return errors.Join(errStopped, err)
		}
	}
}
