package budget

import "time"

// Budget is the time an event may take from the start of its clock to its
// prediction, as the objective says.
type Budget struct {
	Latency time.Duration
}

// Deadline is the absolute end of the budget of an event whose clock began then.
func (b Budget) Deadline(began time.Time) time.Time { return began.Add(b.Latency) }

// Call is how long one call to a model may take: as long as any platform lets
// it. Giving up earlier frees no worker of the model, which goes on with the
// call, and asking again makes two calls of one: an endpoint that is slow for a
// moment would be buried by its own callers. An event's deadline is kept by not
// asking too late, never by asking twice.
const Call = 60 * time.Second
