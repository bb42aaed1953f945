package sagemaker

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is this machine's, set right by what services say: a signature is good for
// five minutes by theirs.
type clock struct{ ahead atomic.Int64 } // ns that services are ahead

const clockTolerance = 4 * time.Minute

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// learn takes in the date of a refusal, and says how far the clock was off, 0 when
// that was not the cause.
func (c *clock) learn(h http.Header) time.Duration {
	said, err := http.ParseTime(h.Get("Date"))
	if err != nil || said.Sub(c.now()).Abs() <= clockTolerance {
		return 0
	}
	off := time.Until(said)
	c.ahead.Store(int64(off))
	return off
}
