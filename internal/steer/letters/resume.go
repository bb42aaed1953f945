package letters

import (
	"context"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// passEvery is how often it is asked how far the stream is.
const passEvery = 100 * time.Millisecond

// maxRoundsBehind bounds the rounds in which letters of a key came back only because
// others of it were to come first.
const maxRoundsBehind = 5

// parkedKey is one key of one partition.
type parkedKey struct {
	partition int32
	key       string
}

func keyOf(l *Letter) parkedKey { return parkedKey{l.At.Partition, string(l.Key)} }

// resumption is how the resuming of one key goes.
type resumption struct {
	behind  int  // rounds that came back
	stopped bool // an event of it failed again
}

// Resume replays letters of parked keys, and goes on with what was parked of
// these keys meanwhile until nothing waits: then they flow again. A key of which
// an event failed again stays parked. It waits for the stream to finish what was
// sent, at most so long without progress.
func (b *Box) Resume(ctx context.Context, order Order, patience time.Duration) (Report, error) {
	began := time.Now()
	keys := map[parkedKey]*resumption{}
	for i := range order.Letters {
		keys[keyOf(&order.Letters[i])] = &resumption{}
	}
	var total Report
	for len(order.Letters) > 0 {
		report, into, err := b.replay(ctx, order)
		total.add(report)
		if err != nil || len(report.Failures) > 0 {
			return total, err
		}
		passed, err := b.passed(ctx, into, patience)
		if err != nil || !passed {
			total.Unread = true
			return total, err
		}
		found, err := b.Find(ctx, Filter{Oldest: true})
		if err != nil {
			return total, err
		}
		order.Letters, total.Again = rest(found.Letters, keys, began)
	}
	_ = b.sweep(ctx) // what it leaves the next one takes
	return total, nil
}

func (r *Report) add(more Report) {
	r.Asked, r.Done, r.Unnoted = r.Asked+more.Asked, r.Done+more.Done, r.Unnoted+more.Unnoted
	r.Failures = append(r.Failures, more.Failures...)
}

// rest picks from the open letters those to send next: of the keys that are being
// resumed, less those of which one came back for a reason of its own. again is
// how many letters of these keys wait that are not sent.
func rest(open []Letter, keys map[parkedKey]*resumption, began time.Time) (next []Letter, again int) {
	back := map[*resumption]bool{}
	for i := range open {
		l := &open[i]
		r := keys[keyOf(l)]
		if n := len(l.Replays); r != nil && n > 0 && !l.Replays[n-1].Replayed.Before(began) {
			back[r] = true
			r.stopped = r.stopped || l.Reason != event.ReasonKeyParked
		}
	}
	for r := range back {
		r.behind++
		r.stopped = r.stopped || r.behind > maxRoundsBehind
	}
	for i := range open {
		switch r := keys[keyOf(&open[i])]; {
		case r == nil:
		case r.stopped:
			again++
		default:
			next = append(next, open[i])
		}
	}
	return next, again
}

// passed waits until the stream has finished the events written, and says no when
// it made no progress for so long.
func (b *Box) passed(ctx context.Context, into map[int32]int64, patience time.Duration) (bool, error) {
	var before int64
	for moved := time.Now(); ; {
		committed, err := b.deps.Committed(ctx)
		if err != nil {
			return false, err
		}
		left, sum := false, int64(0)
		for partition, offset := range into {
			at := committed[kafka.Partition{Topic: b.deps.Topics.Events, Number: partition}]
			left, sum = left || at <= offset, sum+at
		}
		if !left {
			return true, nil
		}
		if sum > before {
			before, moved = sum, time.Now()
		}
		if time.Since(moved) >= patience {
			return false, nil
		}
		select {
		case <-time.After(passEvery):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
