package sagemaker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	orphanEvery = time.Second // looks for results that nobody waits for
	orphansOnce = 64
	sweepEvery  = 10 * time.Minute
	deleteWait  = 10 * time.Second
	cleaners    = 4 // that delete at once
	// oldest is the age at which an object belongs to no request any longer, whatever
	// TTL and time-out the process that made it has.
	oldest     = 7*time.Hour + lifeMargin
	retryPause = time.Second // of the queue, doubles
	retryMost  = 30 * time.Second
)

// Run takes notifications, keeps the endpoint's state known and cleans until ctx
// ends. It never fails.
func (a *Async) Run(ctx context.Context) error {
	var all sync.WaitGroup
	if a.queue != nil {
		all.Go(func() { a.listen(ctx) })
	}
	if !a.config.Keep {
		all.Go(func() { a.clean(ctx) })
		for range cleaners {
			all.Go(func() { a.dispose(ctx) })
		}
	}
	err := a.endpoint.Run(ctx)
	all.Wait()
	return err
}

// listen gives notifications to the jobs that wait for them. It logs the first
// failure of a series.
func (a *Async) listen(ctx context.Context) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		messages, err := a.queue.receive(ctx)
		if err == nil && len(messages) > 0 {
			a.hear(messages)
			err = a.queue.delete(ctx, messages)
		}
		if err == nil || ctx.Err() != nil {
			pause = 0
			continue
		}
		if pause == 0 {
			a.endpoint.log.WarnContext(ctx, "notifications cannot be read, results are looked for", slog.String("endpoint", a.endpoint.name), slog.Any("error", err))
		}
		pause = min(max(2*pause, retryPause), retryMost)
		rest(ctx, pause)
	}
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (a *Async) hear(messages []message) {
	for _, m := range messages {
		n, err := readNotice(m.Body)
		if err != nil {
			a.meter.notices[noticeOther].Inc()
			continue
		}
		verdict, orphan := a.ledger.tell(n)
		a.meter.notices[verdict].Inc()
		a.discard(orphan)
	}
}

// dispose deletes the objects of jobs that ended; when the process ends, also those
// that are still on the list.
func (a *Async) dispose(ctx context.Context) {
	for {
		select {
		case p := <-a.litter:
			a.stays(ctx, a.delete(ctx, p))
		case <-ctx.Done():
			a.empty(ctx)
			return
		}
	}
}

func (a *Async) empty(ctx context.Context) {
	for end := time.Now().Add(deleteWait); time.Now().Before(end); {
		select {
		case p := <-a.litter:
			a.stays(ctx, a.delete(ctx, p))
		default:
			return
		}
	}
}

// clean looks for results that came too late, and now and then for what an earlier
// run left.
func (a *Async) clean(ctx context.Context) {
	looks, sweeps := time.NewTicker(orphanEvery), time.NewTicker(sweepEvery)
	defer looks.Stop()
	defer sweeps.Stop()
	for {
		select {
		case <-looks.C:
			a.stays(ctx, a.seek(ctx))
		case <-sweeps.C:
			a.stays(ctx, a.sweep(ctx, time.Now().Add(-oldest)))
		case <-ctx.Done():
			return
		}
	}
}

// stays says once that objects cannot be deleted.
func (a *Async) stays(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && a.dirty.CompareAndSwap(false, true) {
		a.endpoint.log.WarnContext(ctx, "objects that are not needed stay in S3", slog.String("endpoint", a.endpoint.name), slog.Any("error", err))
	}
}

// delete is not cut short by the end of ctx: the object would stay.
func (a *Async) delete(ctx context.Context, p place) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteWait)
	defer cancel()
	return a.objects.Delete(ctx, p.bucket, p.key)
}

// seek looks for results of jobs that were given up.
func (a *Async) seek(ctx context.Context) error {
	for _, j := range a.ledger.orphans(time.Now(), orphansOnce) {
		for _, p := range []place{j.output, j.failure} {
			if p == (place{}) {
				continue
			}
			there, err := a.objects.Exists(ctx, p.bucket, p.key)
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			a.meter.late.Inc()
			a.ledger.found(j)
			if err := a.delete(ctx, p); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// sweep deletes our objects that are older than any job.
func (a *Async) sweep(ctx context.Context, before time.Time) error {
	for _, at := range []*place{&a.input, a.outputs.Load(), a.failures.Load()} {
		if at == nil || *at == (place{}) {
			continue
		}
		if err := a.sweepBelow(ctx, *at, before); err != nil {
			return err
		}
	}
	return nil
}

func (a *Async) sweepBelow(ctx context.Context, at place, before time.Time) error {
	at.key += "/"
	for token := ""; ; {
		page, next, err := a.objects.list(ctx, at, token)
		if err != nil {
			return err
		}
		for _, o := range page {
			if o.LastModified.After(before) {
				continue
			}
			if err := a.delete(ctx, place{at.bucket, o.Key}); err != nil {
				return err
			}
			a.meter.swept.Inc()
		}
		if token = next; token == "" {
			return nil
		}
	}
}

// learnFolder remembers what results lie under, when that is ours alone.
func learnFolder(into *atomic.Pointer[place], result place) {
	folder := result.parent()
	if into.Load() == nil && folder.isOurs() {
		into.Store(&folder)
	}
}
