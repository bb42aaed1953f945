package sagemaker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// bring puts a request into S3.
func (a *Async) bring(ctx context.Context, j *job, body []byte, contentType string) error {
	at := a.input.below(rand.Text())
	if err := a.objects.put(ctx, at, contentType, body); err != nil {
		return a.objectsFailed(ctx, err)
	}
	j.input = at
	return nil
}

// objectsFailed says what a failure of S3 means for a request.
func (a *Async) objectsFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return a.endpoint.fail(exchange.ClassOf(ctx.Err()), ctx.Err())
	}
	refused, is := errors.AsType[*ControlError](err)
	switch {
	case !is && model.ClassOf(err) != model.ClassUnknown:
		return a.endpoint.fail(model.ClassOf(err), err)
	case is && refused.Status == http.StatusForbidden:
		return a.endpoint.fail(model.ClassDenied, err)
	case is && refused.Status == http.StatusNotFound:
		return a.endpoint.fail(model.ClassNotFound, fmt.Errorf("%w; make the bucket, or name another with async.input", err))
	case !is:
		return a.endpoint.fail(model.ClassDenied, err) // it could not be signed
	}
	return a.endpoint.fail(model.ClassUnavailable, err)
}

// await waits until the result is there, its time is over or its caller gives up.
func (a *Async) await(ctx context.Context, j *job) (answer, outcome, error) {
	pause := a.pace.first()
	look := time.NewTimer(pause)
	defer look.Stop()
	for {
		var n notice
		select {
		case n = <-j.hints:
			pause = leastPause
		case <-look.C:
			pause = a.pace.next(pause)
		case <-ctx.Done():
			return answer{}, jobCanceled, a.endpoint.fail(exchange.ClassOf(ctx.Err()), ctx.Err())
		}
		got, how, err := a.settle(ctx, j, n)
		if how != "" {
			return got, how, err
		}
		a.unread(ctx, err)
		if ctx.Err() == nil && time.Now().After(j.expires) {
			return answer{}, jobExpired, a.endpoint.fail(model.ClassTimeout, errors.Join(fmt.Errorf("no result within %s", a.config.life()), err))
		}
		look.Reset(min(pause, max(time.Until(j.expires), leastPause)))
	}
}

// unread says once that results cannot be read.
func (a *Async) unread(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && a.blind.CompareAndSwap(false, true) {
		a.endpoint.log.WarnContext(ctx, "looking for asynchronous results failed, which goes on", slog.String("endpoint", a.endpoint.name), slog.Any("error", err))
	}
}

// settle ends a job by a notification or by what is in S3. Without an outcome the
// job goes on, and the error is why S3 could not be asked.
func (a *Async) settle(ctx context.Context, j *job, n notice) (answer, outcome, error) {
	if n.failed {
		return answer{}, jobFailed, a.failed(n.reason)
	}
	if n.body != nil {
		return answer{n.body, n.contentType, n.took}, jobCompleted, nil
	}
	at := firstPlace(n.output, j.output)
	found, err := a.fetch(ctx, at)
	switch {
	case err == nil && found != nil:
		return answer{found.Body, found.Header.Get("Content-Type"), n.took}, jobCompleted, nil
	case model.ClassOf(err) == model.ClassBadOutput:
		return answer{}, jobFailed, err
	}
	if j.failure != (place{}) {
		text, failed := a.fetch(ctx, j.failure)
		if text != nil {
			return answer{}, jobFailed, a.failed(string(text.Body))
		}
		err = errors.Join(err, failed)
	}
	if err == nil && a.losses.Load() != j.losses {
		return answer{}, jobFailed, a.endpoint.fail(model.ClassNotFound, errors.New("the endpoint is gone, and with it what waited there"))
	}
	return answer{}, "", err
}

// fetch reads an object; nil, nil: it is not there yet. Without the permission to
// list a bucket S3 refuses what is not there, so that a refusal may mean the same.
func (a *Async) fetch(ctx context.Context, at place) (*exchange.Reply, error) {
	a.meter.looks.Inc()
	reply, err := a.objects.do(ctx, objectCall{operation: "GetObject", method: http.MethodGet, path: at.bucket + "/" + at.key})
	switch {
	case err == nil:
		return &reply, nil
	case IsMissing(err):
		return nil, nil
	}
	return nil, a.objectsFailed(ctx, err)
}
