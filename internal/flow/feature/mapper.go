package feature

import (
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/pointer"
)

// Mapper makes the body of the request for one event of one model. It is safe
// for concurrent use.
type Mapper struct {
	reader  *Reader
	codec   model.Codec
	rows    model.RowCodec // with fields
	fields  []string
	columns []int         // with fields of a csv topic: where each field is
	request *Expression   // with request
	wrapper model.Wrapper // of a JSON payload as it is; nil: it stays so
}

// New makes the Mapper of one model, whose codec is given.
func New(cfg Config, format Format, codec model.Codec) (*Mapper, error) {
	reader, err := NewReader(format)
	if err != nil {
		return nil, err
	}
	m := &Mapper{reader: reader, codec: codec}
	switch {
	case len(cfg.Fields) > 0 && cfg.Request != "":
		return nil, fmt.Errorf("flow.feature: fields and request are both set; keep one")
	case cfg.Request != "":
		x, err := Compile(cfg.Request, Any)
		if err != nil {
			return nil, fmt.Errorf("flow.feature.request: %w", err)
		}
		m.request = x.named("flow.feature.request")
	case len(cfg.Fields) > 0:
		return m, m.useFields(cfg.Fields)
	case reader.format.Value == ValueJSON:
		m.wrapper, _ = codec.(model.Wrapper)
	}
	return m, nil
}

// useFields prepares the fast path.
func (m *Mapper) useFields(fields []string) error {
	format := m.reader.format
	if !format.named() {
		return fmt.Errorf("flow.feature.fields: a %s value has no fields by name; set kafka.topics.events.value: json, avro, or csv with columns, or use flow.feature.request", format.Value)
	}
	rows, ok := m.codec.(model.RowCodec)
	if !ok {
		return fmt.Errorf("flow.feature.fields: a model of content type %s takes no list of numbers; use flow.feature.request", m.codec.ContentType())
	}
	m.fields, m.rows = slices.Clone(fields), rows
	if format.Value != ValueCSV {
		return nil
	}
	for _, field := range fields {
		i := slices.Index(format.Columns, field)
		if i < 0 {
			return fmt.Errorf("flow.feature.fields: %q is none of kafka.topics.events.columns %v; correct one of them", field, format.Columns)
		}
		m.columns = append(m.columns, i)
	}
	return nil
}

// Open begins with an event, for Append and for expressions over the same event.
func (m *Mapper) Open(e *event.Event, now time.Time) *Input { return m.reader.Open(e, now) }

// Body appends the body of the request for e to dst. The error is an *Error.
func (m *Mapper) Body(e *event.Event, dst []byte) ([]byte, error) {
	in := m.reader.Open(e, time.Now())
	defer in.Close()
	return m.Append(in, dst)
}

// Append appends the body of the request for an opened event to dst; without
// fields and request a nil dst gives the payload itself, where the codec has no form
// of its own for it. The error is an *Error.
func (m *Mapper) Append(in *Input, dst []byte) ([]byte, error) {
	switch {
	case m.fields != nil:
		if err := m.row(in); err != nil {
			return dst, err
		}
		return m.rows.AppendRow(dst, in.row), nil
	case m.request != nil:
		return m.appendRequest(in, dst)
	}
	if err := in.check(); err != nil {
		return dst, err
	}
	payload := in.event.Value
	if in.text != nil {
		payload = in.text
	}
	if m.wrapper != nil {
		payload = m.wrapper.Wrap(payload)
	}
	if dst == nil {
		return payload, nil
	}
	return append(dst, payload...), nil
}

func (m *Mapper) appendRequest(in *Input, dst []byte) ([]byte, error) {
	v, err := m.request.Eval(in)
	if err != nil {
		return dst, err
	}
	body, err := m.codec.Encode(v)
	if err != nil {
		return dst, &Error{Reason: event.ReasonFeature, Field: "flow.feature.request", Err: err}
	}
	if dst == nil {
		return body, nil
	}
	return append(dst, body...), nil
}

// check refuses a payload that is not what the topic says.
func (in *Input) check() *Error {
	if in.reader.format.Value != ValueJSON {
		return in.parse()
	}
	if !pointer.Valid(in.event.Value) {
		return notJSON(in.event.Value)
	}
	return nil
}
