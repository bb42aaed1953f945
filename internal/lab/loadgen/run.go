package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"betimes/internal/event"
)

const (
	// maxEvents bounds the events of one run.
	maxEvents = 50_000_000
	// ahead is how many events are made before they are due.
	ahead = 4096
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

// planned is an event made ahead of its moment.
type planned struct {
	item
	intended time.Time
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

// open makes workload and schedule.
func (r *run) open() error {
	var err error
	switch r.config.Workload {
	case Payments:
		r.workload = newPayments(r.config)
	case Crayfish:
		r.workload = newCrayfish(r.config)
	default:
		if r.workload, err = newFile(r.config); err != nil {
			return err
		}
	}
	if r.config.Rate == 0 && !strings.HasPrefix(r.config.Shape, trace) {
		return nil
	}
	r.schedule, err = newSchedule(r.config)
	if err == nil {
		r.schedule = r.schedule.cut(r.config.For)
	}
	return err
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

// make makes the events ahead of time.
func (r *run) make(ctx context.Context) {
	defer close(r.plan)
	for range maxEvents {
		p, err := r.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.planErr = err
			}
			return
		}
		select {
		case r.plan <- p:
		case <-ctx.Done():
			return
		}
	}
	r.planErr = fmt.Errorf("a run sends at most %d events; lower rate or for", maxEvents)
}

// next makes the next event and its moment; io.EOF is the end.
func (r *run) next() (planned, error) {
	if r.schedule == nil { // by the events' own times
		it, err := r.workload.next(r.start)
		if err == nil && r.config.For > 0 && it.offset >= r.config.For {
			err = io.EOF
		}
		return planned{it, r.start.Add(it.offset)}, err
	}
	offset, err := r.schedule()
	if err != nil {
		return planned{}, err
	}
	at := r.start.Add(offset)
	it, err := r.workload.next(at)
	return planned{it, at}, err
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

// tell tells the progress until everything is sent.
func (r *run) tell(sent <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-sent:
			return
		case <-tick.C:
			r.progress(false)
		}
	}
}

// settle waits for what was accepted and has not ended, as long as there is
// progress, and says whether all of it came.
func (r *run) settle() bool {
	tick := time.NewTicker(look)
	defer tick.Stop()
	seen, since, told := int64(-1), time.Now(), time.Now()
	for {
		outstanding, changes := r.tracker.waiting()
		if outstanding == 0 {
			return true
		}
		if changes != seen {
			seen, since = changes, time.Now()
		}
		if time.Since(since) >= r.config.Settle {
			return false
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			r.progress(true)
		}
		<-tick.C
	}
}

func (r *run) progress(settling bool) {
	if r.deps.Progress == nil {
		return
	}
	p := r.tracker.progress()
	p.Elapsed, p.Settling = max(time.Since(r.start), 0), settling
	if r.config.For > 0 && !settling {
		p.Left = max(r.config.For-p.Elapsed, 0)
	}
	r.deps.Progress(p)
}

func (t *Tracker) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.measures.latency.quantiles()
	return Progress{
		Sent: t.sent, Predicted: t.predicted, Outstanding: t.pending + t.open,
		LatencyP50US: q.P50, LatencyP99US: q.P99,
	}
}
