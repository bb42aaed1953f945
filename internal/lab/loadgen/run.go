package loadgen

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"betimes/internal/event"
)

const (
	// lead is the time between the decision to start and the first intended
	// moment, so that the first events are made by then.
	lead = 50 * time.Millisecond
	// look is how often the end of the settling is looked for.
	look = 20 * time.Millisecond
	// readPause is the wait after a read-back that failed.
	readPause = 200 * time.Millisecond
)

// Tail tells the newest records of the terminal topics.
type Tail interface {
	Poll(ctx context.Context) ([]*event.Event, error)
}

// Progress is told once a second.
type Progress struct {
	Elapsed, Left              time.Duration // Left is 0 when there is no end
	Sent, Predicted            int64
	Outstanding                int
	Settling                   bool
	LatencyP50US, LatencyP99US int64
}

// Deps are the collaborators of a run.
type Deps struct {
	Sender   Sender
	Tail     Tail // of Topics.All(), opened before Run and closed after it
	Topics   Topics
	Through  string         // gateway or kafka, for the report
	Progress func(Progress) // may be nil
	Pacer    Pacer          // nil: the finest there is
}

// Run sends the load and reports. An ended ctx stops the sending; what was sent
// is still waited for. The Report is also valid next to an error.
func Run(ctx context.Context, c Config, deps Deps) (Report, error) {
	if problems := c.Validate(); len(problems) > 0 {
		return Report{}, problems[0]
	}
	if c.Run == "" {
		c.Run = "load" + strconv.FormatInt(time.Now().UnixMicro(), 36)
	}
	start := time.Now().Add(lead)
	r := &run{config: c, deps: deps, start: start, tracker: NewTracker(c.Run, start, c.Warmup, deps.Topics), plan: make(chan planned, ahead)}
	if err := r.open(); err != nil {
		return Report{}, err
	}
	return r.do(ctx)
}

// run is one load under way.
type run struct {
	config   Config
	deps     Deps
	start    time.Time
	tracker  *Tracker
	workload workload
	schedule schedule // nil: by the workload's own times
	plan     chan planned
	planErr  error // why the plan ended early; set before plan is closed
	readErr  error // the last failed read-back
}

func (r *run) do(ctx context.Context) (Report, error) {
	sending, stop := context.WithCancel(ctx)
	defer stop()
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	read := make(chan struct{})
	go func() { defer close(read); r.read(reading) }()
	made := make(chan struct{})
	go func() { defer close(made); r.make(sending) }()

	var last time.Time
	sent := make(chan struct{})
	go func() { defer close(sent); last = r.send(sending) }()
	r.tell(sent)
	stop()
	<-made
	r.workload.close()
	settled := r.settle()
	stopReading()
	<-read

	report := r.tracker.report()
	report.Run, report.Workload, report.Shape = r.config.Run, r.config.Workload, r.config.Shape
	report.Rate, report.Seed, report.Through = r.config.Rate, r.config.Seed, r.deps.Through
	report.Duration, report.Stopped, report.Settled = last.Sub(r.start).Microseconds(), ctx.Err() != nil, settled
	if !settled && r.readErr != nil {
		return report, errors.Join(r.planErr, fmt.Errorf("read back: %w", r.readErr))
	}
	return report, r.planErr
}

// send sends every event at its moment, or at once when that is past, and
// returns when the last one was.
func (r *run) send(ctx context.Context) time.Time {
	pace := r.deps.Pacer
	if pace == nil {
		var free func()
		pace, free = newPacer()
		defer free()
	}
	outlasting := context.WithoutCancel(ctx) // what was sent is waited for
	last := r.start
	var id []byte
	for p := range r.plan {
		pace(ctx, p.intended)
		if ctx.Err() != nil {
			return last
		}
		id = appendID(id[:0], r.config.Run, p.number)
		r.tracker.sending(&p.item, p.intended)
		number := p.number
		r.deps.Sender.Send(outlasting, Outgoing{
			ID: string(id), Key: p.key, Body: p.body, ContentType: p.contentType, Intended: p.intended,
		}, func(result Result) { r.tracker.settled(number, result) })
		last = time.Now()
	}
	return last
}

// read reads the terminal topics until ctx ends.
func (r *run) read(ctx context.Context) {
	for ctx.Err() == nil {
		events, err := r.deps.Tail.Poll(ctx)
		for _, e := range events {
			r.tracker.Ended(e)
		}
		if err != nil && ctx.Err() == nil {
			r.readErr = err
			coarse(ctx, readPause)
		}
	}
}
