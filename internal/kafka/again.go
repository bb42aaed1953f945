package kafka

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// errCrowded says of a record that the batch it was in is too large for its topic.
var errCrowded = errors.New("the batch it was in is larger than the topic takes")

// verdict is what to do with a record that was answered.
type verdict int

const (
	isTold    verdict = iota // to its owner
	isAgain                  // sent again
	isGivenUp                // told to its owner, and to those of what waits with it
	isCrowded                // to be sent again, by its owner
)

// answered keeps a record to send it again, or tells its owner. With one that is
// given up go what was refused before it and what waits behind.
func (q *rows) answered(s sending, err error) {
	q.mu.Lock()
	r := s.row
	ended := []sending{s}
	switch q.judge(r, s, err) {
	case isAgain:
		r.refused = append(r.refused, q.hold(s))
		ended = nil
	case isGivenUp:
		ended = r.giveUp(s)
	case isCrowded:
		err = errCrowded
	}
	r.out--
	r.outBytes -= s.size
	if r.out == 0 {
		q.rest(r)
	} else {
		q.push(r)
	}
	q.mu.Unlock()
	q.end(ended, err)
}

// judge says what an answer means for a record. Brokers refuse what is corrupt on
// its way, which other clients send again, as is done here for a while. What is
// too large is told so when it was sent alone. q.mu is held.
func (q *rows) judge(r *row, s sending, err error) verdict {
	switch corrupt, large := errors.Is(err, kerr.CorruptMessage), errors.Is(err, ErrTooLarge); {
	case corrupt && q.rules.corrupt && !q.over && (r.since.IsZero() || time.Since(r.since) < q.patience):
		if r.since.IsZero() {
			r.since = time.Now()
		}
		return isAgain
	case corrupt && q.rules.corrupt:
		return isGivenUp
	case large && r.together > 1:
		r.crowded += s.size
		if q.rules.crowded && !q.over {
			return isAgain
		}
		return isCrowded
	case err == nil && len(r.refused) == 0:
		r.since, r.fails = time.Time{}, 0
	}
	return isTold
}

// rest is when all that is on its way in a row was answered: what was refused is
// sent again, a little later or in smaller batches. q.mu is held.
func (q *rows) rest(r *row) {
	switch {
	case r.crowded > 0:
		q.doubt(r.bound, r.crowded)
		r.crowded = 0
		q.retry(r)
	case len(r.refused) == 0:
		r.since, r.fails = time.Time{}, 0
		q.push(r)
	default:
		r.fails++
		time.AfterFunc(retryBackoff(r.fails), func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.retry(r)
		})
	}
}

// retry sends what was refused and what waits behind it, as the topic takes it.
// q.mu is held.
func (q *rows) retry(r *row) {
	r.behind, r.refused = append(r.refused, r.behind...), nil
	q.push(r)
}
