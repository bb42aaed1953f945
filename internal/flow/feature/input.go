package feature

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"betimes/internal/event"

	"github.com/valyala/fastjson"
)

// maxDepth is how deep a payload may nest: fastjson's own bound.
const maxDepth = fastjson.MaxDepth

// maxKept is the largest payload whose parsed form is kept for the next event:
// a parsed value takes up to 40 times its text.
const maxKept = 64 << 10

// Reader opens the events of one topic. It is safe for concurrent use.
type Reader struct {
	format Format
	free   sync.Pool // of *Input
}

// NewReader makes the Reader of a topic with that format.
func NewReader(format Format) (*Reader, error) {
	format, err := format.check()
	if err != nil {
		return nil, err
	}
	return &Reader{format: format}, nil
}

// Input is one event as mapping and expressions see it. It is parsed when
// first asked, once; it belongs to one goroutine and ends with Close.
type Input struct {
	reader *Reader
	event  *event.Event
	now    time.Time

	parsed bool
	failed *Error
	parser fastjson.Parser
	doc    *fastjson.Value // of a json payload
	text   []byte          // JSON of an avro payload
	line   line            // of a csv payload

	env     map[string]any // what expressions have asked for so far
	steps   steps
	step    func() bool // in.steps.step
	row     []float64
	scratch []byte
}

// Open begins with an event. now is what expressions see as now.
func (r *Reader) Open(e *event.Event, now time.Time) *Input {
	in, _ := r.free.Get().(*Input)
	if in == nil {
		in = &Input{reader: r, env: map[string]any{}, scratch: make([]byte, 0, 32)}
		in.step = in.steps.step
	}
	in.event, in.now = e, now
	return in
}

// Close gives the Input's memory to the next event; in must not be used again.
func (in *Input) Close() {
	if max(len(in.event.Value), len(in.text)) > maxKept {
		return
	}
	clear(in.env)
	clear(in.line.cells)
	in.event, in.parsed, in.failed, in.doc, in.text = nil, false, nil, nil, nil
	in.reader.free.Put(in)
}

// parse reads the payload once and remembers how that went.
func (in *Input) parse() *Error {
	if in.parsed {
		return in.failed
	}
	in.parsed = true
	switch in.reader.format.Value {
	case ValueJSON:
		doc, err := in.parser.ParseBytes(in.event.Value)
		if err != nil { // err quotes the payload
			in.failed = notJSON(in.event.Value)
		}
		in.doc = doc
	case ValueAvro:
		in.failed = in.parseAvro()
	case ValueCSV:
		in.failed = in.parseLine()
	}
	return in.failed
}

// parseAvro reads an avro payload as the JSON that it stands for.
func (in *Input) parseAvro() *Error {
	text, err := in.reader.format.Decoder.JSON(in.event.Value)
	if err != nil {
		return &Error{Reason: event.ReasonUndecodable, Text: "payload is no Avro that can be read", Err: err}
	}
	in.text = text
	if in.doc, err = in.parser.ParseBytes(text); err != nil {
		return undecodable("", fmt.Sprintf("payload is nested more than %d deep; flatten it", maxDepth))
	}
	return nil
}

func (in *Input) parseLine() *Error {
	if err := in.line.cut(in.event.Value); err != nil {
		return err
	}
	want := len(in.reader.format.Columns)
	if got := len(in.line.cells); want > 0 && got != want {
		return undecodable("", fmt.Sprintf("payload has %d cells, kafka.topics.events.columns names %d; make them agree", got, want))
	}
	return nil
}

// name returns the value that an expression over the event knows under name.
func (in *Input) name(name string) (any, *Error) {
	switch name {
	case nameKey:
		return string(in.event.Key), nil
	case nameHeaders:
		return headers(in.event), nil
	case nameEventTime:
		return eventTime(in.event), nil
	case nameNow:
		return in.now, nil
	case namePayload:
		return in.payload()
	}
	return in.field(name)
}

// payload returns the whole value: of json what it holds, of csv its cells by
// column or as a list, of text and bytes a string.
func (in *Input) payload() (any, *Error) {
	if err := in.parse(); err != nil {
		return nil, err
	}
	switch in.reader.format.Value {
	case ValueJSON, ValueAvro:
		return decode(in.doc, "payload")
	case ValueCSV:
		return in.cells(), nil
	}
	return string(in.event.Value), nil
}

func (in *Input) cells() any {
	columns := in.reader.format.Columns
	if len(columns) == 0 {
		list := make([]any, len(in.line.cells))
		for i, cell := range in.line.cells {
			list[i] = cellValue(cell)
		}
		return list
	}
	byName := make(map[string]any, len(columns))
	for i, cell := range in.line.cells {
		byName[columns[i]] = cellValue(cell)
	}
	return byName
}

// field returns the value of a field or column; nil when there is none.
func (in *Input) field(name string) (any, *Error) {
	if err := in.parse(); err != nil {
		return nil, err
	}
	switch in.reader.format.Value {
	case ValueJSON, ValueAvro:
		if in.doc.Type() != fastjson.TypeObject {
			return nil, noFields(in.doc)
		}
		return decode(in.doc.Get(name), name)
	case ValueCSV:
		if i := slices.Index(in.reader.format.Columns, name); i >= 0 {
			return cellValue(in.line.cells[i]), nil
		}
	}
	return nil, nil
}

// noFields is the error of a payload that has no fields by name.
func noFields(doc *fastjson.Value) *Error {
	return unmapped("", fmt.Sprintf("payload is JSON but not an object (%s), so it has no fields; use payload in flow.feature.request", doc.Type()))
}

// headers gives the record's headers by name; of equal ones the first.
func headers(e *event.Event) map[string]string {
	all := make(map[string]string, len(e.Headers))
	for _, h := range slices.Backward(e.Headers) {
		all[h.Name] = string(bytes.Clone(h.Value))
	}
	return all
}

// eventTime is the sender's own time of the event, else the record's, else
// when its clock started.
func eventTime(e *event.Event) time.Time {
	for _, t := range []time.Time{e.EventTime, e.Recorded} {
		if !t.IsZero() {
			return t
		}
	}
	return e.Received
}
