package admit

import (
	"time"

	"betimes/internal/event"
)

// Refusal is why an event was not let in, or its answer not taken.
type Refusal struct {
	Reason event.Reason
	Left   time.Duration // until the answer must be there
	Need   time.Duration // predicted; zero: nothing was
	Asked  bool          // the model was asked, and its answer was late
}

// Error says what was predicted.
func (r *Refusal) Error() string {
	switch {
	case r.Asked:
		return ms(-r.Left) + " too late with its answer"
	case r.Left <= 0:
		return ms(-r.Left) + " too late to ask"
	case r.Need == 0:
		return ms(r.Left) + " left when its call could not begin yet"
	}
	return ms(r.Left) + " left, " + ms(r.Need) + " needed"
}

// ms is a time as headers can carry it: of ASCII.
func ms(d time.Duration) string { return string(appendMS(nil, d)) }

// why is Error in the short form of decisions.
func (r *Refusal) why() string { return text(r.Left, r.Need) }

// text is what a decision says of the times.
func text(left, need time.Duration) string {
	b := make([]byte, 0, 40)
	b = append(b, "left="...)
	b = appendMS(b, left)
	b = append(b, ",need="...)
	return string(appendMS(b, need))
}
