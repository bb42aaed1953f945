package admit

import (
	"fmt"
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
	left := r.Left.Round(100 * time.Microsecond)
	switch {
	case r.Asked:
		return fmt.Sprintf("the answer came %s after its time", -left)
	case r.Left <= 0:
		return fmt.Sprintf("%s too late to ask", -left)
	case r.Need == 0:
		return fmt.Sprintf("%s left when its call could not begin yet", left)
	}
	return fmt.Sprintf("%s left, %s needed", left, r.Need.Round(100*time.Microsecond))
}

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
