package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"betimes/internal/kafka"
)

// ReaderConfig says what to read beside the topics, and for how long to wait.
type ReaderConfig struct {
	Group  string        // whose commits are looked at; empty: nobody's
	Ledger string        // file; empty: none
	Settle time.Duration // how long to wait without progress for events that have not ended
	// Silence is how long the topics' own records may not come before the reading
	// is judged as it is; 0: 30s.
	Silence time.Duration
	Tell    func(Progressed) // what was done, a few times a second; may be nil
}

// Progressed is how far a reading is.
type Progressed struct {
	Records, Events, Ended, Waiting int64
	Broken                          int
}

// Reader reads topics and ledger for a Checker. It can read again, for example
// after a restart of the brokers: what differs is found.
type Reader struct {
	checker *Checker
	brokers Brokers
	cfg     ReaderConfig
	lines   int64 // of the ledger that were taken
	torn    bool
}

const (
	defaultSilence = 30 * time.Second
	lookEvery      = 100 * time.Millisecond
)

// NewReader makes a Reader.
func NewReader(checker *Checker, brokers Brokers, cfg ReaderConfig) *Reader {
	if cfg.Silence == 0 {
		cfg.Silence = defaultSilence
	}
	return &Reader{checker: checker, brokers: brokers, cfg: cfg}
}

// Once reads ledger and topics to their ends, waits for what is under way, and judges.
func (r *Reader) Once(ctx context.Context) (Verdict, error) {
	done := make(chan struct{})
	close(done)
	return r.run(ctx, done)
}

// Follow reads along until the time is over, then goes on as Once.
func (r *Reader) Follow(ctx, over context.Context) (Verdict, error) {
	return r.run(ctx, over.Done())
}

func (r *Reader) run(ctx context.Context, over <-chan struct{}) (Verdict, error) {
	r.checker.begin()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	feeds, err := r.open(reading)
	if err != nil {
		return Verdict{}, err
	}
	failed := make(chan error, len(feeds))
	for _, f := range feeds {
		go func() { failed <- f.run(reading) }()
	}
	err = r.await(ctx, over, failed)
	stop()
	for _, f := range feeds {
		<-f.ended
		f.tail.Close()
	}
	if err != nil {
		return Verdict{}, err
	}
	v := r.checker.Verdict()
	v.Torn = r.torn
	return v, nil
}

// feed is one reading of topics.
type feed struct {
	tail  Tail
	take  func(*kafka.Entry)
	room  func(context.Context) // waits until more may be taken
	ended chan struct{}
}

func (f *feed) run(ctx context.Context) error {
	defer close(f.ended)
	for {
		entries, err := f.tail.PollLog(ctx)
		for i := range entries {
			f.take(&entries[i])
		}
		f.room(ctx)
		if err != nil {
			return fmt.Errorf("reading of the topics ended: %w", err)
		}
	}
}

// open opens the readings: all that lies there, and what is committed, of that
// the events apart so that they come before their endings.
func (r *Reader) open(ctx context.Context) ([]*feed, error) {
	t := r.checker.cfg.Topics
	var feeds []*feed
	for i, one := range []struct {
		topics      []string
		uncommitted bool
		take        func(*kafka.Entry)
	}{
		{t.all(), true, r.checker.Log}, {[]string{t.Events}, false, r.checker.Read}, {t.ends(), false, r.checker.Read},
	} {
		if len(one.topics) == 0 {
			continue
		}
		tail, err := r.brokers.Tail(ctx, one.topics, one.uncommitted)
		if err != nil {
			for _, f := range feeds {
				f.tail.Close()
			}
			return nil, err
		}
		feeds = append(feeds, &feed{tail, one.take, r.room(i), make(chan struct{})})
	}
	return feeds, nil
}

// mostQueued is how many endings may wait for the reading of their events.
const mostQueued = 20_000

// room has the reading of endings, the last, wait for that of events; for a
// while: what an event should be there for may never come.
func (r *Reader) room(feed int) func(context.Context) {
	const ends = 2
	return func(ctx context.Context) {
		for n := 0; feed == ends && n < 100 && r.checker.crowded(); n++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookEvery / 5):
			}
		}
	}
}

func (c *Checker) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued > mostQueued
}

// await waits until time is over, then until everything there is was read and
// has ended, or nothing more comes.
func (r *Reader) await(ctx context.Context, over <-chan struct{}, failed <-chan error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-over:
			waiting = false
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			r.tell()
		}
	}
	if err := r.ledger(); err != nil {
		return err
	}
	moved, seen := time.Now(), int64(-1)
	for {
		read, err := r.look(ctx)
		if err != nil {
			return err
		}
		told, waiting := r.checker.far()
		if told != seen {
			seen, moved = told, time.Now()
		}
		switch quiet := time.Since(moved); {
		case read && (waiting == 0 || quiet >= r.cfg.Settle), quiet >= r.cfg.Silence:
			return nil
		}
		r.tell()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look asks how far the topics and the group's commits reach, and says whether
// all of it was read. The commits are asked first: what they cover must have ended.
func (r *Reader) look(ctx context.Context) (bool, error) {
	if r.cfg.Group != "" {
		next, err := r.brokers.Committed(ctx, r.cfg.Group)
		if err != nil {
			return false, err
		}
		r.checker.Committed(next)
	}
	all := map[kafka.Partition]bounds{}
	for _, topic := range r.checker.cfg.Topics.all() {
		start, end, err := r.brokers.Offsets(ctx, topic)
		if err != nil {
			return false, err
		}
		for n, e := range end {
			all[kafka.Partition{Topic: topic, Number: n}] = bounds{start[n], e}
		}
	}
	return r.checker.reaches(all), nil
}

// ledger takes what is new in the ledger.
func (r *Reader) ledger() error {
	if r.cfg.Ledger == "" {
		return nil
	}
	n := int64(0)
	s, err := ScanLedger(r.cfg.Ledger, func(l *Line) error {
		n++
		if n <= r.lines {
			return nil
		}
		return r.checker.Take(l)
	})
	r.lines, r.torn = s.Lines, s.Torn
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w; `betimes load --ledger FILE` writes one", err)
	}
	return err
}

func (r *Reader) tell() {
	if r.cfg.Tell != nil {
		r.cfg.Tell(r.checker.progressed())
	}
}
