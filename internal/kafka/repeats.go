package kafka

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// sending is a record on its way.
type sending struct {
	record *kgo.Record
	done   func(event.Source, error)
	row    *row // nil: it is not sent again
	waited bool // to be sent again, or behind one that is
}

// repeats sends again what a broker refused as corrupt on its way, as other
// clients do; the library gives it up, with all of its partition that waits behind
// it. Their order stays, and what is written meanwhile waits too, but for what is
// handed to the library before it has told of the refusal. What is refused for
// longer than patience is given up after all.
type repeats struct {
	try      func(sending)
	tell     func(sending, error)
	patience time.Duration

	mu   sync.Mutex
	rows map[Partition]*row
	held int  // that have waited and are not told of
	over bool // nothing is sent again any more
}

// row is one partition that is written to.
type row struct {
	out     int       // handed to the library and not answered
	refused []sending // in their order
	behind  []sending // written since
	since   time.Time // of the first refusal that no success has followed
	fails   int       // times that something was refused since then
}

func newRepeats(try func(sending), tell func(sending, error)) *repeats {
	return &repeats{try: try, tell: tell, patience: deliveryTimeout, rows: map[Partition]*row{}}
}

// send hands a record to the library, behind those that wait.
func (q *repeats) send(s sending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := Partition{s.record.Topic, s.record.Partition}
	if s.row = q.rows[p]; s.row == nil {
		s.row = &row{}
		q.rows[p] = s.row
	}
	if len(s.row.refused) > 0 {
		s.row.behind = append(s.row.behind, q.hold(s))
		return
	}
	s.row.out++
	q.try(s)
}

// hold counts a record that waits; q.mu is held.
func (q *repeats) hold(s sending) sending {
	if !s.waited {
		s.waited = true
		q.held++
	}
	return s
}

// answered keeps a record to send it again, or tells its owner. With one that is
// given up go what was refused before it and what waits behind.
func (q *repeats) answered(s sending, err error) {
	q.mu.Lock()
	r := s.row
	r.out--
	ended := []sending{s}
	switch corrupt := errors.Is(err, kerr.CorruptMessage); {
	case corrupt && !q.over && (r.since.IsZero() || time.Since(r.since) < q.patience):
		if r.since.IsZero() {
			r.since = time.Now()
		}
		r.refused = append(r.refused, q.hold(s))
		ended = nil
	case corrupt:
		ended = r.giveUp(s)
	case err == nil && len(r.refused) == 0:
		r.since, r.fails = time.Time{}, 0
	}
	if r.out == 0 {
		q.rest(r)
	}
	q.mu.Unlock()
	q.end(ended, err)
}

// rest is when all that is on its way in a row was answered: what was refused is
// sent again a little later. q.mu is held.
func (q *repeats) rest(r *row) {
	if len(r.refused) == 0 {
		r.since, r.fails = time.Time{}, 0
		return
	}
	r.fails++
	time.AfterFunc(retryBackoff(r.fails), func() { q.again(r) })
}

// giveUp takes out what waits in a row, with some in between.
func (r *row) giveUp(some ...sending) []sending {
	all := slices.Concat(r.refused, some, r.behind)
	r.refused, r.behind = nil, nil
	return all
}

// end tells what became of records.
func (q *repeats) end(all []sending, err error) {
	for _, s := range all {
		q.tell(s, err)
		if s.waited {
			q.mu.Lock()
			q.held--
			q.mu.Unlock()
		}
	}
}

// again sends what waits in a row.
func (q *repeats) again(r *row) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := append(r.refused, r.behind...)
	r.refused, r.behind = nil, nil
	r.out += len(all)
	for _, s := range all {
		q.try(s)
	}
}

// waiting says whether something was to be sent again and is not told of.
func (q *repeats) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held > 0
}

// close gives up what waits; what is on its way will be told.
func (q *repeats) close() {
	q.mu.Lock()
	q.over = true
	var all []sending
	for _, r := range q.rows {
		all = append(all, r.giveUp()...)
	}
	q.mu.Unlock()
	q.end(all, kgo.ErrClientClosed)
}
