package kafka

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// sending is a record on its way.
type sending struct {
	record *kgo.Record
	done   func(event.Source, error)
	row    *row
	size   int64 // in a batch, at most
	waited bool  // behind another, or to be sent again
}

// rules are what kinds of producers do differently.
type rules struct {
	batchBytes int64 // of the library's batches, at most
	corrupt    bool  // what is refused as corrupt on its way is sent again
	crowded    bool  // what is refused together with others is sent again
	bounded    bool  // more than maxBufferedRecords or maxBufferedBytes may not wait
}

// rows hands records to the library, those of a partition in their order, so that
// it makes no batch larger than the topic takes: brokers refuse such a batch, and
// the library gives up all of its partition that waits behind it. It sends again
// what was refused though nothing is wrong with it (again.go); meanwhile others of
// its partition wait, but for what is handed to the library before it has told of
// the refusal.
type rows struct {
	try      func(sending)
	tell     func(sending, error)
	ask      func(ctx context.Context, topic string) (int64, error) // how large batches it takes
	rules    rules
	log      *slog.Logger
	patience time.Duration
	alive    context.Context
	stop     context.CancelFunc

	mu     sync.Mutex
	all    map[Partition]*row
	bounds map[string]*bound
	held   int           // that have waited and are not told of
	bytes  int64         // of those
	none   chan struct{} // closed once nothing is held; nil: nobody waits for that
	over   bool          // nothing is held or sent again any more
}

// row is one partition that is written to, or all of a topic whose partitions
// follow from keys.
type row struct {
	bound *bound

	// handed to the library and not answered
	out      int
	outBytes int64
	large    bool // one that is larger than the topic takes: alone
	together int  // handed over since nothing was out

	refused []sending // in their order
	behind  []sending // not handed over yet
	crowded int64     // bytes refused because they are too large together
	since   time.Time // of the first refusal as corrupt that no success has followed
	fails   int       // times that something was refused since then
}

func newRows(try func(sending), tell func(sending, error), ask func(context.Context, string) (int64, error), rules rules, log *slog.Logger) *rows {
	alive, stop := context.WithCancel(context.Background())
	return &rows{
		try: try, tell: tell, ask: ask, rules: rules, log: log, patience: deliveryTimeout, alive: alive, stop: stop,
		all: map[Partition]*row{}, bounds: map[string]*bound{},
	}
}

// send hands a record to the library, behind those that wait.
func (q *rows) send(s sending) {
	q.mu.Lock()
	s.row, s.size = q.rowOf(s.record), sizeOf(s.record)
	r := s.row
	q.refresh(r.bound)
	switch {
	case len(r.behind) == 0 && q.takes(r, s):
		q.handOver(r, s)
	case q.isFull():
		q.mu.Unlock()
		q.tell(s, kgo.ErrMaxBuffered)
		return
	default:
		r.behind = append(r.behind, q.hold(s))
	}
	q.mu.Unlock()
}

// rowOf gives the row of a record. q.mu is held.
func (q *rows) rowOf(record *kgo.Record) *row {
	p := Partition{record.Topic, record.Partition}
	r := q.all[p]
	if r == nil {
		r = &row{bound: q.boundOf(p.Topic)}
		r.bound.rows = append(r.bound.rows, r)
		q.all[p] = r
	}
	return r
}

// full says whether no more may wait.
func (q *rows) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.isFull()
}

func (q *rows) isFull() bool {
	return q.rules.bounded && (q.held >= maxBufferedRecords || q.bytes >= maxBufferedBytes)
}

// takes says whether the library may have a record beside what it has of a row.
// Where a topic takes what the library makes, it may have as much as there is;
// else no more than makes one batch. q.mu is held.
func (q *rows) takes(r *row, s sending) bool {
	room := r.bound.room
	switch {
	case q.over:
		return true
	case room == 0 || len(r.refused) > 0:
		return false
	case r.out == 0:
		return true
	case room == q.room():
		return !r.large && s.size <= room
	}
	return r.outBytes+s.size <= room
}

// handOver gives a record to the library. q.mu is held.
func (q *rows) handOver(r *row, s sending) {
	if r.out == 0 {
		r.together, r.large = 0, s.size > r.bound.room
	}
	r.out++
	r.outBytes += s.size
	r.together++
	q.try(s)
}

// push hands over what waits and may be. q.mu is held.
func (q *rows) push(r *row) {
	n := 0
	for n < len(r.behind) && q.takes(r, r.behind[n]) {
		q.handOver(r, r.behind[n])
		n++
	}
	clear(r.behind[:n]) // theirs to keep or not
	if r.behind = r.behind[n:]; len(r.behind) == 0 {
		r.behind = nil
	}
}

// hold counts a record that waits; q.mu is held.
func (q *rows) hold(s sending) sending {
	if !s.waited {
		s.waited = true
		q.held++
		q.bytes += s.size
	}
	return s
}

// end tells what became of records.
func (q *rows) end(all []sending, err error) {
	for _, s := range all {
		q.tell(s, err)
		if s.waited {
			q.release(s)
		}
	}
}

// release counts a record that has waited and is told of.
func (q *rows) release(s sending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held--
	q.bytes -= s.size
	if q.held == 0 && q.none != nil {
		close(q.none)
		q.none = nil
	}
}

// waiting is nil when nothing is held, else it is closed once that is so.
func (q *rows) waiting() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held > 0 && q.none == nil {
		q.none = make(chan struct{})
	}
	return q.none
}

// drop gives up what waits; what is on its way will be told.
func (q *rows) drop(why error) {
	q.mu.Lock()
	var all []sending
	for _, r := range q.all {
		all = append(all, r.giveUp()...)
	}
	q.mu.Unlock()
	q.end(all, why)
}

// giveUp takes out what waits in a row, with some in between.
func (r *row) giveUp(some ...sending) []sending {
	all := slices.Concat(r.refused, some, r.behind)
	r.refused, r.behind = nil, nil
	return all
}

// close gives up what waits, and lets nothing wait from now on.
func (q *rows) close() {
	q.mu.Lock()
	q.over = true
	q.mu.Unlock()
	q.stop()
	q.drop(kgo.ErrClientClosed)
}
