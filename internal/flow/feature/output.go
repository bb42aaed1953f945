package feature

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"betimes/internal/event"
)

// The formats of a prediction record that are no expression.
const (
	FormatEnvelope = "envelope"
	FormatRaw      = "raw"
)

// Output makes the record of a prediction: kafka.topics.predictions.format and
// headers. It is safe for concurrent use.
type Output struct {
	raw     bool
	format  *Expression // nil: envelope or raw
	headers []outputHeader
}

type outputHeader struct {
	name string
	x    *Expression
}

// NewOutput compiles a format (envelope when empty, raw or an expression) and
// headers, name to expression.
func NewOutput(format string, headers map[string]string) (*Output, error) {
	const section = "kafka.topics.predictions."
	o := &Output{raw: format == FormatRaw}
	if format != "" && format != FormatEnvelope && format != FormatRaw {
		x, err := CompileOver(OverPrediction, format, Any)
		if err != nil {
			return nil, fmt.Errorf("%sformat: neither envelope nor raw, and as an expression: %w", section, err)
		}
		o.format = x.named(section + "format")
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		where := section + "headers." + name
		if strings.HasPrefix(name, "betimes-") {
			return nil, fmt.Errorf("%s: names that begin with betimes- are taken; choose another", where)
		}
		x, err := CompileOver(OverPrediction, headers[name], Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		o.headers = append(o.headers, outputHeader{name, x.named(where)})
	}
	return o, nil
}

// Record makes the value and the added headers of a prediction's record; a
// header whose expression gives nil or no text is left out. The error is an
// *Error.
func (o *Output) Record(in *Input, p *event.Prediction) ([]byte, []event.Header, error) {
	env, err := o.env(in, p)
	if err != nil {
		return nil, nil, err
	}
	value, err := o.value(in, p, env)
	if err != nil {
		return nil, nil, err
	}
	var headers []event.Header
	for _, h := range o.headers {
		v, err := h.x.run(in, env)
		if err != nil {
			return nil, nil, err
		}
		text, err := h.x.text(v)
		if err != nil {
			return nil, nil, err
		}
		if text != "" {
			headers = append(headers, event.Header{Name: h.name, Value: []byte(text)})
		}
	}
	return value, headers, nil
}

func (o *Output) value(in *Input, p *event.Prediction, env map[string]any) ([]byte, error) {
	if o.raw {
		return p.Prediction, nil
	}
	if o.format == nil {
		return event.AppendPrediction(make([]byte, 0, 768), p, &in.event.Timeline), nil
	}
	v, err := o.format.run(in, env)
	if err != nil {
		return nil, err
	}
	if text, ok := v.(string); ok {
		return []byte(text), nil
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, &Error{Reason: event.ReasonFeature, Field: "kafka.topics.predictions.format", Text: notSayable}
	}
	return value, nil
}

// env gives the names over a prediction, when an expression will want them.
func (o *Output) env(in *Input, p *event.Prediction) (map[string]any, error) {
	if o.format == nil && len(o.headers) == 0 {
		return nil, nil
	}
	p.LatencyUS, p.StagesUS = in.event.Timeline.Total().Microseconds(), in.event.Timeline.Stages()
	env := envelope(p)
	env[nameHeaders], env[nameNow] = headers(in.event), in.now
	if o.uses(namePrediction) {
		v, err := decodeText(p.Prediction, namePrediction)
		if err != nil {
			return nil, err
		}
		env[namePrediction] = v
	}
	if o.uses(namePayload) {
		v, err := in.payload()
		if err != nil {
			return nil, err
		}
		env[namePayload] = v
	}
	return env, nil
}

func (o *Output) uses(name string) bool {
	if o.format != nil && slices.Contains(o.format.names, name) {
		return true
	}
	return slices.ContainsFunc(o.headers, func(h outputHeader) bool { return slices.Contains(h.x.names, name) })
}
