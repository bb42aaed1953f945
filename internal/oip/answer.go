package oip

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"betimes/internal/model"
)

const (
	mediaJSON = "application/json"
	mediaCSV  = "text/csv"
)

var errNaN = errors.New("the answer holds a number that is not finite")

// result is what a server answered to one call.
type result struct {
	id      string // as the server repeats it
	version string
	outputs []tensor
	times   model.Times
}

// check refuses an answer that is not to the request of that id.
func (r *result) check(id string) error {
	if r.id != "" && id != "" && r.id != id {
		return errors.New("the answer has the id of another request")
	}
	if len(r.outputs) == 0 {
		return errors.New("the answer has no outputs")
	}
	for i := range r.outputs {
		if err := r.outputs[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// answers parts the outputs among n events, each as if it had been asked alone.
// One that holds what is no number fails alone.
func (r *result) answers(modelName, media string, n int) ([]model.Answer, error) {
	if n == 1 {
		return []model.Answer{r.answer(modelName, media, r.outputs)}, nil
	}
	for i := range r.outputs {
		if o := &r.outputs[i]; len(o.shape) == 0 || o.shape[0] != int64(n) {
			return nil, fmt.Errorf("output %.60q has the shape %v for %d events", o.name, o.shape, n)
		}
	}
	rest := make([][]byte, len(r.outputs)) // where the next row of BYTES begins
	for i := range r.outputs {
		rest[i] = r.outputs[i].data
	}
	out := make([]model.Answer, n)
	rows := make([]tensor, len(r.outputs))
	for event := range out {
		for i := range r.outputs {
			rows[i], rest[i] = r.outputs[i].part(event, rest[i])
		}
		out[event] = r.answer(modelName, media, rows)
	}
	return out, nil
}

func (r *result) answer(modelName, media string, outputs []tensor) model.Answer {
	var body []byte
	var err error
	if media == mediaCSV {
		body, err = appendLine(nil, outputs)
	} else {
		body, err = r.appendJSON(nil, modelName, outputs)
	}
	return model.Answer{Body: body, Err: err}
}

// appendJSON writes an answer as the protocol has it, without what belongs to the
// call and not to the event.
func (r *result) appendJSON(dst []byte, modelName string, outputs []tensor) ([]byte, error) {
	dst = appendQuoted(append(dst, `{"model_name":`...), modelName)
	if r.version != "" {
		dst = appendQuoted(append(dst, `,"model_version":`...), r.version)
	}
	dst = append(dst, `,"outputs":[`...)
	var err error
	for i := range outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHead(dst, &outputs[i])
		if dst, err = appendData(append(dst, `,"data":`...), &outputs[i]); err != nil {
			return nil, err
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), nil
}

// appendHead begins the JSON object of a tensor.
func appendHead(dst []byte, t *tensor) []byte {
	dst = appendQuoted(append(dst, `{"name":`...), t.name)
	dst = append(append(append(dst, `,"datatype":"`...), t.datatype.String()...), `","shape":[`...)
	for i, d := range t.shape {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, d, 10)
	}
	return append(dst, ']')
}

// appendData writes the elements as one flat JSON list.
func appendData(dst []byte, t *tensor) ([]byte, error) {
	dst = append(dst, '[')
	first := true
	err := t.each(func(e element) error {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		var err error
		dst, err = e.appendJSON(dst)
		return err
	})
	return append(dst, ']'), err
}

// appendLine writes the elements of all outputs as one line of csv.
func appendLine(dst []byte, outputs []tensor) ([]byte, error) {
	first := true
	for i := range outputs {
		err := outputs[i].each(func(e element) error {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			var err error
			dst, err = e.appendCSV(dst)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// element is one number or text of a tensor.
type element struct {
	datatype datatype
	data     []byte
}

// each calls f with every element of a checked tensor.
func (t *tensor) each(f func(element) error) error {
	size := t.datatype.size()
	for data := t.data; len(data) > 0; {
		var one []byte
		if size > 0 {
			one, data = data[:size], data[size:]
		} else {
			one, data, _ = nextText(data)
		}
		if err := f(element{t.datatype, one}); err != nil {
			return err
		}
	}
	return nil
}

func (e element) appendJSON(dst []byte) ([]byte, error) {
	if e.datatype == typeBytes {
		return appendQuoted(dst, e.text()), nil
	}
	return e.appendNumber(dst)
}

func (e element) appendCSV(dst []byte) ([]byte, error) {
	if e.datatype != typeBytes {
		return e.appendNumber(dst)
	}
	text := e.text()
	if !strings.ContainsAny(text, "\",\r\n") {
		return append(dst, text...), nil
	}
	return append(append(append(dst, '"'), strings.ReplaceAll(text, `"`, `""`)...), '"'), nil
}

// text is an element of BYTES; what is no UTF-8 is written in base64.
func (e element) text() string {
	if utf8.Valid(e.data) {
		return string(e.data)
	}
	return base64.StdEncoding.EncodeToString(e.data)
}

func (e element) appendNumber(dst []byte) ([]byte, error) {
	switch d := e.datatype; {
	case d == typeBool:
		return strconv.AppendBool(dst, e.data[0] != 0), nil
	case d.isSigned():
		shift := 64 - 8*d.size()
		return strconv.AppendInt(dst, int64(bitsAt(e.data, d.size())<<shift)>>shift, 10), nil
	case d.isUnsigned():
		return strconv.AppendUint(dst, bitsAt(e.data, d.size()), 10), nil
	}
	x, bits := floatAt(e.datatype, e.data)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dst, errNaN
	}
	return strconv.AppendFloat(dst, x, floatFormat(x), -1, bits), nil
}

// floatFormat is that of JSON as everybody writes it.
func floatFormat(x float64) byte {
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		return 'e'
	}
	return 'f'
}

// appendQuoted writes a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
}
