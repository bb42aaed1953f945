package latency

import "time"

// onset finds when a stretch began in which more was lost than done. It is over after
// calmFor in which more was done than lost: of few events some seconds have only good
// ones.
type onset struct {
	since time.Time // zero: there is none
	calm  time.Time // when more began to be done than lost; zero: not since then
	more  int64     // since calm: how much more
}

const calmFor = 30 * time.Second

// note takes in a second, each later than the one before.
func (o *onset) note(second, done, lost int64) {
	at := time.Unix(second, 0).UTC()
	if !o.calm.IsZero() && at.Sub(o.calm) >= calmFor {
		*o = onset{}
	}
	switch {
	case o.since.IsZero() && lost >= done && lost > 0:
		o.since = at
	case o.since.IsZero():
	case o.calm.IsZero() && done > lost:
		o.calm, o.more = at, done-lost
	case !o.calm.IsZero():
		if o.more += done - lost; o.more <= 0 {
			o.calm = time.Time{}
		}
	}
}
