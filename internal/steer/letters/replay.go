package letters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Order says what to replay and how fast.
type Order struct {
	Letters  []Letter
	Rate     float64 // events a second, above zero
	Progress func(Progress)
}

// Progress is how far a replay has come.
type Progress struct {
	Done, Total int
	Left        time.Duration
}

// Report is what became of letters.
type Report struct {
	Asked    int       `json:"asked"`
	Done     int       `json:"done"`               // replayed and noted, or dropped
	Unnoted  int       `json:"unnoted,omitempty"`  // replayed, and open still: noting it failed
	Failures []Failure `json:"failures,omitempty"` // they stay open

	// Of parked keys, see Resume.
	Unread bool `json:"unread,omitempty"` // the stream has not finished them yet
	Again  int  `json:"again,omitempty"`  // letters of these keys that wait again
}

// Failure is a letter that could not be replayed, and why.
type Failure struct {
	ID    string `json:"id"`
	At    string `json:"at"`
	Error string `json:"error"`
}

// Left is how many letters stay open.
func (r *Report) Left() int { return r.Asked - r.Done }

var errGone = errors.New("retention has removed the letter meanwhile")

// Replay sends letters back into the topic they came from. The report is right
// also when it returns an error: then the rest was not begun.
func (b *Box) Replay(ctx context.Context, order Order) (Report, error) {
	report, _, err := b.replay(ctx, order)
	if err == nil {
		_ = b.sweep(ctx) // what it leaves the next one takes
	}
	return report, err
}

// replay also returns the newest event of each partition that it wrote.
func (b *Box) replay(ctx context.Context, order Order) (Report, map[int32]int64, error) {
	if order.Rate <= 0 {
		return Report{Asked: len(order.Letters)}, nil, fmt.Errorf("a rate of %g events/s never ends; give one above 0", order.Rate)
	}
	partitions, _, err := b.deps.Reader.Offsets(ctx, b.deps.Topics.Events)
	if err != nil {
		return Report{Asked: len(order.Letters)}, nil, err
	}
	r := newRound(b, order)
	r.partitions = partitions
	if err = r.send(ctx); !errors.Is(err, errSilent) {
		err = errors.Join(err, r.settle())
	}
	if errors.Is(err, errSilent) {
		err = fmt.Errorf("%w; what was sent last may come twice when it is replayed again, with the same betimes-id", err)
	}
	return r.report(err == nil), r.written(), err
}

// send reads the letters again, in the order of the topic, and writes each at its moment.
func (r *round) send(ctx context.Context) error {
	if len(r.pending) == 0 {
		return nil
	}
	topic := r.box.deps.Topics.Letters
	_, end, err := r.box.deps.Reader.Offsets(ctx, topic)
	if err != nil {
		return err
	}
	tail, err := r.box.deps.Reader.Tail(ctx, topic, kafka.TailOffsets(r.begin(topic, end)))
	if err != nil {
		return err
	}
	defer tail.Close()
	pace := pace{every: time.Duration(float64(time.Second) / r.order.Rate)}
	for !tail.CaughtUp() && len(r.pending) > 0 {
		events, err := poll(ctx, tail)
		if err != nil {
			return err
		}
		for _, e := range events {
			l, ok := r.pending[e.Source]
			if !ok {
				continue
			}
			if err := pace.wait(ctx); err != nil {
				return err
			}
			if err := r.one(ctx, l, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// one begins the new round of one letter. An error ends the whole replay.
func (r *round) one(ctx context.Context, l *Letter, e *event.Event) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	delete(r.pending, l.At)
	first, err := r.box.original(ctx, l, e)
	if err == nil {
		err = r.box.mayReplay(l)
	}
	if err != nil {
		r.failed(l, err, true)
		return ctx.Err()
	}
	r.box.deps.Sink.Write(r.again(l, first), func(into event.Source, err error) {
		if err != nil {
			r.failed(l, err, errors.Is(err, kafka.ErrTooLarge))
			return
		}
		r.wrote(into)
		r.note(l, Handled{Deed: Replayed, Into: into.String()})
	})
	return nil
}

// mayReplay refuses what no stream of this pipeline would read.
func (b *Box) mayReplay(l *Letter) error {
	switch {
	case l.Source.Topic == "":
		return fmt.Errorf("it does not say where it came from (header %s)", event.HeaderSource)
	case l.Source.Topic != b.deps.Topics.Events:
		return fmt.Errorf("it came from topic %s, which this pipeline does not read (kafka.topics.events.name: %s); replay it with the file of the pipeline that does", l.Source.Topic, b.deps.Topics.Events)
	}
	return nil
}

// pace lets one pass each so long.
type pace struct {
	every time.Duration
	next  time.Time
}

// maxBehind is how much of a delay is made up for: timers wake late, and a rate
// above a thousand a second must not suffer from it.
const maxBehind = 50 * time.Millisecond

func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	if late := now.Add(-maxBehind); p.next.IsZero() {
		p.next = now
	} else if p.next.Before(late) {
		p.next = late
	}
	pause := p.next.Sub(now)
	p.next = p.next.Add(p.every)
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
