package gateway

import (
	"fmt"

	"github.com/valyala/fastjson"

	"betimes/internal/event"
	"betimes/internal/listen"
	"betimes/internal/pointer"
)

// fields finds key, id and event time within JSON events.
type fields struct {
	key, id, time field
	parsers       *fastjson.ParserPool
}

// field is an optional pointer.
type field struct {
	set bool
	at  pointer.Pointer
}

func newFields(c Config) (fields, error) {
	f := fields{parsers: &fastjson.ParserPool{}}
	for _, one := range []struct {
		name, text string
		to         *field
	}{{"key", c.Key, &f.key}, {"id", c.ID, &f.id}, {"event_time", c.EventTime, &f.time}} {
		p, err := pointer.Parse(one.text)
		if err != nil {
			return f, fmt.Errorf("%s: %w", one.name, err)
		}
		*one.to = field{one.text != "", p}
	}
	return f, nil
}

// fill sets the event's key, id and time from its JSON value. An id that the
// caller gave stays; so does a key when no pointer says where it is.
func (f *fields) fill(e *event.Event) *listen.Problem {
	if !f.key.set && !f.time.set && (!f.id.set || e.ID != "") {
		return nil
	}
	parser := f.parsers.Get()
	defer f.parsers.Put(parser)
	doc, err := parser.ParseBytes(e.Value)
	if err != nil { // its text would hold a part of the payload
		return malformed("not_json", "", "the body is not JSON")
	}
	if f.key.set {
		if e.Key = pointer.Scalar(f.key.at.In(doc)); len(e.Key) == 0 {
			return malformed("no_key", f.key.at.String(), "the event has no key there; send a string or a number at "+f.key.at.String()+" (flow.gateway.key)")
		}
	}
	if f.id.set && e.ID == "" {
		e.ID = string(pointer.Scalar(f.id.at.In(doc)))
		if e.ID != "" {
			if p := checkID(e.ID, f.id.at.String()); p != nil {
				return p
			}
		}
	}
	if f.time.set {
		if t := pointer.Time(f.time.at.In(doc)); !t.IsZero() {
			e.EventTime = t
		}
	}
	return nil
}
