package oip

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// form is how a body holds what the model is asked.
type form uint8

const (
	formJSON form = iota
	formCSV
	formText // one text
)

func formOf(contentType string) (form, error) {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case media == "application/json", media == "text/json", strings.HasSuffix(media, "+json"), strings.Contains(media, "jsonl"), strings.Contains(media, "ndjson"), media == "":
		return formJSON, nil
	case media == "text/csv":
		return formCSV, nil
	case media == "text/libsvm", media == "text/x-libsvm":
	case strings.HasPrefix(media, "text/"), media == "application/octet-stream":
		return formText, nil
	}
	return 0, fmt.Errorf("a request of content type %.60q cannot be made tensors; use application/json, text/csv or text/plain", contentType)
}

// tensors reads the body of one event; fields are the names of its numbers, where
// it is a row of them. Errors hold no value of the body.
func (s *signature) tensors(contentType string, body []byte, fields []string) ([]tensor, error) {
	f, err := formOf(contentType)
	switch {
	case err != nil:
		return nil, err
	case f == formText:
		return s.ofText(body)
	case f == formCSV:
		return s.ofLine(body, fields)
	}
	return s.ofJSON(body, fields)
}

func (s *signature) sole() (spec, error) {
	switch len(s.inputs) {
	case 0:
		return spec{}, errUntold
	case 1:
		return s.inputs[0], nil
	}
	return spec{}, fmt.Errorf("the model has %d inputs, %s; make an object with these names in flow.feature.request", len(s.inputs), s.listed())
}

func (s *signature) ofText(body []byte) ([]tensor, error) {
	in, err := s.sole()
	if err != nil {
		return nil, err
	}
	if in.datatype != typeBytes {
		return nil, fmt.Errorf("input %s takes numbers, and the request is a text", in)
	}
	shape, err := shapeOf(in, 1, nil)
	if err != nil {
		return nil, err
	}
	return []tensor{{name: in.name, datatype: typeBytes, shape: shape, data: appendText(nil, body)}}, nil
}

// ofLine reads a line of csv.
func (s *signature) ofLine(body []byte, fields []string) ([]tensor, error) {
	cells, err := cellsOf(body)
	if err != nil {
		return nil, err
	}
	if len(s.inputs) > 1 && len(fields) == len(cells) {
		return s.byName(fields, func(i int, in spec) (tensor, error) { return ofCells(in, cells[i:i+1]) })
	}
	in, err := s.sole()
	if err != nil {
		return nil, err
	}
	t, err := ofCells(in, cells)
	return []tensor{t}, err
}

func cellsOf(body []byte) ([][]byte, error) {
	body = bytes.TrimRight(body, "\r\n")
	if bytes.IndexByte(body, '\n') >= 0 {
		return nil, errors.New("the request is more than one line of csv")
	}
	if bytes.IndexByte(body, '"') < 0 {
		return bytes.Split(body, []byte(",")), nil
	}
	record, err := csv.NewReader(bytes.NewReader(body)).Read()
	if err != nil {
		return nil, errors.New("the request is not csv: a quote is out of place")
	}
	cells := make([][]byte, len(record))
	for i := range record {
		cells[i] = []byte(record[i])
	}
	return cells, nil
}

func ofCells(in spec, cells [][]byte) (tensor, error) {
	t := tensor{name: in.name, datatype: in.datatype, data: make([]byte, 0, len(cells)*max(in.datatype.size(), 8))}
	var err error
	for i, c := range cells {
		if t.data, err = appendCell(t.data, in.datatype, c); err != nil {
			return t, fmt.Errorf("input %s, value %d: %w", in, i+1, err)
		}
	}
	t.shape, err = shapeOf(in, int64(len(cells)), nil)
	return t, err
}

// byName makes one tensor per field, each for the input of its name.
func (s *signature) byName(fields []string, of func(i int, in spec) (tensor, error)) ([]tensor, error) {
	at := make(map[string]int, len(fields))
	for i, f := range fields {
		at[f] = i
	}
	out := make([]tensor, len(s.inputs))
	for n, in := range s.inputs {
		i, ok := at[in.name]
		if !ok {
			return nil, fmt.Errorf("the model has an input %s, and the request none of that name", in)
		}
		var err error
		if out[n], err = of(i, in); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var errNotJSON = errors.New("the request is not JSON; set content_type to what flow.feature makes")

// ofJSON reads a list of values, {"instances":[…]} of one instance, an object by
// names of inputs, or a whole request of the protocol.
func (s *signature) ofJSON(body []byte, fields []string) ([]tensor, error) {
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	body = bytes.TrimSpace(body)
	if body[0] != '{' {
		return s.ofValue(body, fields)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, errNotJSON
	}
	if instances, ok := members["instances"]; ok && len(members) == 1 && !s.has("instances") {
		return s.ofInstances(instances, fields)
	}
	if inputs, ok := members["inputs"]; ok && !s.has("inputs") {
		return ofInputs(inputs)
	}
	return s.ofMembers(members)
}

func (s *signature) has(input string) bool {
	for _, in := range s.inputs {
		if in.name == input {
			return true
		}
	}
	return false
}

func (s *signature) ofInstances(instances json.RawMessage, fields []string) ([]tensor, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(instances, &list); err != nil || len(list) != 1 {
		return nil, errors.New("instances of the request must be a list of one instance: an event is one")
	}
	if list[0][0] == '{' {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(list[0], &members); err != nil {
			return nil, errNotJSON
		}
		return s.ofMembers(members)
	}
	return s.ofValue(list[0], fields)
}

// ofValue reads a list or scalar: the only input's, or one element per field.
func (s *signature) ofValue(value []byte, fields []string) ([]tensor, error) {
	if len(s.inputs) > 1 && len(fields) > 0 {
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil || len(list) != len(fields) {
			return nil, fmt.Errorf("the request is no list of the %d fields", len(fields))
		}
		return s.byName(fields, func(i int, in spec) (tensor, error) { return ofNested(in, list[i]) })
	}
	in, err := s.sole()
	if err != nil {
		return nil, err
	}
	t, err := ofNested(in, value)
	return []tensor{t}, err
}

// ofMembers reads an object whose members are the model's inputs.
func (s *signature) ofMembers(members map[string]json.RawMessage) ([]tensor, error) {
	if len(s.inputs) == 0 {
		return nil, errUntold
	}
	if len(members) != len(s.inputs) {
		return nil, fmt.Errorf("the request has %d members, and the model the inputs %s; make an object with these names", len(members), s.listed())
	}
	out := make([]tensor, len(s.inputs))
	for i, in := range s.inputs {
		value, ok := members[in.name]
		if !ok {
			return nil, fmt.Errorf("the model has an input %s, and the request none of that name", in)
		}
		var err error
		if out[i], err = ofNested(in, value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ofNested reads a number, a text or lists of them.
func ofNested(in spec, value []byte) (tensor, error) {
	t, n := tensor{name: in.name, datatype: in.datatype}, int64(0)
	dims, err := walk(value, func(scalar []byte) error {
		var err error
		n++
		t.data, err = appendScalar(t.data, in.datatype, scalar)
		return err
	})
	if err != nil {
		return t, fmt.Errorf("input %s: %w", in, err)
	}
	t.shape, err = shapeOf(in, n, dims)
	return t, err
}

// written is a tensor as the protocol writes it in JSON.
type written struct {
	Name       string          `json:"name"`
	Datatype   string          `json:"datatype"`
	Shape      []int64         `json:"shape"`
	Parameters map[string]any  `json:"parameters"`
	Data       json.RawMessage `json:"data"`
}

// ofInputs reads the inputs of a whole request; they say themselves what they are.
func ofInputs(inputs json.RawMessage) ([]tensor, error) {
	var list []written
	if err := json.Unmarshal(inputs, &list); err != nil || len(list) == 0 {
		return nil, errors.New("inputs of the request must be a list of objects with name, datatype, shape and data")
	}
	out := make([]tensor, len(list))
	for i, w := range list {
		t, err := w.tensor()
		if err == nil {
			err = t.check()
		}
		if err != nil {
			return nil, fmt.Errorf("inputs[%d] of the request: %w", i, err)
		}
		out[i] = t
	}
	return out, nil
}

func (w *written) tensor() (tensor, error) {
	d, err := datatypeOf(w.Datatype)
	if err != nil {
		return tensor{}, err
	}
	t := tensor{name: w.Name, datatype: d, shape: w.Shape, parameters: w.Parameters}
	if len(w.Data) == 0 {
		return t, errors.New("it has no data")
	}
	_, err = walk(w.Data, func(scalar []byte) error {
		var err error
		t.data, err = appendScalar(t.data, d, scalar)
		return err
	})
	if err == nil {
		err = plainParameters(t.parameters)
	}
	return t, err
}

// plainParameters refuses what no parameter of the protocol holds.
func plainParameters(all map[string]any) error {
	for name, v := range all {
		switch v.(type) {
		case string, bool, float64:
		default:
			return fmt.Errorf("parameter %.60q is neither text, number nor boolean", name)
		}
	}
	return nil
}
