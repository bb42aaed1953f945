package payments

import "time"

// Dirt is what is wrong with an event.
type Dirt uint8

// The kinds of dirt.
const (
	Clean     Dirt = iota
	Missing        // a field is not there
	Units          // the amount is in cents
	Repeated       // the event before it, sent again
	Late           // its event time is minutes to hours ago
	Malformed      // it is not JSON
	NumDirt   = iota
)

var dirtNames = [NumDirt]string{"clean", "missing", "units", "repeated", "late", "malformed"}

// String names the kind as reports do.
func (d Dirt) String() string { return dirtNames[d] }

// missable are the fields that Missing may take away.
var missable = [...]string{"amount", "hour", "country_risk", "merchant_risk"}

// soiled makes the next payment with one kind of dirt on it, or repeats the last.
func (g *Generator) soiled(at time.Time) Payment {
	kind := Missing + Dirt(g.dirt.IntN(NumDirt-1))
	if kind == Repeated {
		if g.last.ID == "" || g.last.Dirt != Clean { // only what was clean can be repeated to the byte
			return g.clean(at)
		}
		p := g.last
		p.Dirt = Repeated
		return p
	}
	p := g.clean(at)
	p.Dirt = kind
	switch kind {
	case Missing:
		p.missing = g.dirt.IntN(len(missable))
	case Late:
		p.late = time.Minute + time.Duration(g.dirt.Int64N(int64(3*time.Hour)))
	}
	return p
}
