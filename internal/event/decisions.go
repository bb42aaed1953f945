package event

import "strconv"

// Bounds of the header betimes-decisions.
const (
	MaxDecisions      = 16
	MaxDecisionsBytes = 512
)

// usual is room for what is decided about an event that nothing happens to: it is let
// in and asked about.
const usual = 3

// Decision is one thing that a room decided about an event, with its reason,
// for example {"balance", "retry", "throttled"}.
type Decision struct {
	Room, What, Why string
}

// Decisions are the newest MaxDecisions of an event; older ones are counted, not kept.
type Decisions struct {
	list    []Decision
	dropped int
}

// Add notes a decision. The owner of the event calls it.
func (d *Decisions) Add(room, what, why string) {
	if len(d.list) == MaxDecisions {
		copy(d.list, d.list[1:])
		d.list = d.list[:MaxDecisions-1]
		d.dropped++
	}
	if d.list == nil {
		d.list = make([]Decision, 0, usual)
	}
	d.list = append(d.list, Decision{room, what, why})
}

// All returns the kept decisions, oldest first. The slice is the event's own.
func (d *Decisions) All() []Decision { return d.list }

// AppendHeader appends room:what:why;… of at most MaxDecisionsBytes, or nothing.
// Bytes that would break the form or are not printable ASCII become '_'.
func (d *Decisions) AppendHeader(b []byte) []byte {
	start := len(b)
	for i, one := range d.list {
		before := len(b)
		if i > 0 {
			b = append(b, ';')
		}
		b = appendPlain(b, one.Room)
		b = append(b, ':')
		b = appendPlain(b, one.What)
		b = append(b, ':')
		b = appendPlain(b, one.Why)
		if len(b)-start > MaxDecisionsBytes-8 {
			b = b[:before]
			return append(b, ";+"+strconv.Itoa(len(d.list)-i)...)
		}
	}
	return b
}

func appendPlain(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || c == ';' || c == ':' {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}
