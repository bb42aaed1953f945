package sagemaker

import (
	"crypto/rand"
	"strconv"
	"sync"
	"time"
)

// outcome is how a job ended. A job has exactly one: the goroutine that waits for
// it writes it.
type outcome string

const (
	jobCompleted outcome = "completed"
	jobFailed    outcome = "failed"
	jobExpired   outcome = "expired"  // nothing came in its time
	jobCanceled  outcome = "canceled" // its caller gave up
	jobRefused   outcome = "refused"  // the endpoint did not take it, or we do not know
)

// job is one asynchronous request.
type job struct {
	id              string // at the endpoint
	input           place  // zero: the body was in the request
	output, failure place  // where the result will be; zero: not known
	begun, expires  time.Time
	losses          int64       // of the endpoint, when it was asked
	hints           chan notice // room for one: the next look finds what another would tell

	ended outcome // empty: it is open; guarded by the ledger's mutex
	next  time.Time
	pause time.Duration
}

// ledger knows the jobs of this process: the open ones, and for a while those that
// ended, so that what comes late is known for what it is.
type ledger struct {
	mu    sync.Mutex
	jobs  map[string]*job
	ended []*job // the oldest end first
	open  int
}

const (
	maxEnded = 20_000 // jobs that are remembered after their end
	// rememberDone is how long one is that has its answer: repeated notifications
	// come within minutes.
	rememberDone = 5 * time.Minute
)

// begin opens a job. Its id is the wanted one, unless an earlier attempt has that.
func (l *ledger) begin(wanted string, life time.Duration) *job {
	if wanted == "" {
		wanted = rand.Text()
	}
	now := time.Now()
	j := &job{begun: now, expires: now.Add(life), hints: make(chan notice, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.jobs == nil {
		l.jobs = map[string]*job{}
	}
	j.id = inferenceID(wanted)
	for n := 2; l.jobs[j.id] != nil; n++ {
		j.id = inferenceID(wanted + "." + strconv.Itoa(n))
	}
	l.jobs[j.id] = j
	l.open++
	l.forget(now)
	return j
}

// end closes a job, whose caller alone does it.
func (l *ledger) end(j *job, how outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	j.ended, j.pause = how, time.Second
	j.next = now.Add(j.pause)
	if how == jobCompleted || how == jobFailed {
		j.expires = now.Add(rememberDone)
	}
	l.ended = append(l.ended, j)
	l.open--
	l.forget(now)
}

// forget drops what ended long ago; l.mu is held.
func (l *ledger) forget(now time.Time) {
	for len(l.ended) > 0 && (len(l.ended) > maxEnded || now.After(l.ended[0].expires)) {
		delete(l.jobs, l.ended[0].id)
		l.ended[0] = nil
		l.ended = l.ended[1:]
	}
}

// What becomes of a notification.
const (
	noticeUsed     = "used"
	noticeRepeated = "repeated" // of a job that has its result
	noticeLate     = "late"     // of a job that was given up
	noticeForeign  = "foreign"  // of another process, or of an earlier run
	noticeOther    = "other"    // no result: a test, or not understood
)

// tell gives a notification to its job. Of a job that has ended it also says which
// object nobody waits for.
func (l *ledger) tell(n notice) (verdict string, orphan place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[n.id]
	switch {
	case j == nil:
		return noticeForeign, place{}
	case j.ended == "":
		select {
		case j.hints <- n:
			return noticeUsed, place{}
		default:
			return noticeRepeated, place{}
		}
	case j.ended == jobCompleted || j.ended == jobFailed:
		return noticeRepeated, n.orphan(j)
	}
	return noticeLate, n.orphan(j)
}

// orphans are the jobs without a result whose result is to be looked for now.
func (l *ledger) orphans(now time.Time, most int) []*job {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	var due []*job
	for _, j := range l.ended {
		if len(due) == most {
			break
		}
		if j.ended == jobCompleted || j.ended == jobFailed || j.output == (place{}) || now.Before(j.next) {
			continue
		}
		j.pause = min(2*j.pause, orphanPause)
		j.next = now.Add(j.pause)
		due = append(due, j)
	}
	return due
}

// orphanPause is the longest between two looks for a result that nobody waits for.
const orphanPause = time.Minute

// found ends the search for a job's result.
func (l *ledger) found(j *job) {
	l.mu.Lock()
	j.output = place{}
	l.mu.Unlock()
}
