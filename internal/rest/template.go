package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"betimes/internal/model"
)

// What stands in a template for what is known later.
const (
	rowsMark   = "$rows"   // the list of what events are asked with
	fieldsMark = "$fields" // the list of the names of flow.feature.fields
)

// template is the JSON around the rows of a request.
type template struct{ before, after []byte }

// newTemplate reads a template; nil for none.
func newTemplate(text string, fields []string) (*template, error) {
	if text == "" {
		return nil, nil
	}
	if strings.Contains(text, fieldsMark) && len(fields) == 0 {
		return nil, fmt.Errorf("template: %s stands for flow.feature.fields, and there are none; write the names in its place", fieldsMark)
	}
	names, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	before, after, found := strings.Cut(strings.ReplaceAll(text, fieldsMark, string(names)), rowsMark)
	if !found || strings.Contains(after, rowsMark) {
		return nil, fmt.Errorf(`template: it must hold %s once; write for example {"dataframe_split": {"columns": %s, "data": %s}}`, rowsMark, fieldsMark, rowsMark)
	}
	if !json.Valid([]byte(before + "[]" + after)) {
		return nil, fmt.Errorf("template: with a list in the place of %s it is not JSON; mind quotes and brackets", rowsMark)
	}
	return &template{[]byte(before), []byte(after)}, nil
}

// body puts the rows of all items into the template.
func (t *template) body(items []model.Item) ([]byte, error) {
	size := len(t.before) + len(t.after) + 2
	for i := range items {
		size += len(items[i].Body) + 1
	}
	b := append(append(make([]byte, 0, size), t.before...), '[')
	for i := range items {
		row, err := rowOf(items[i].Body)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	return append(append(b, ']'), t.after...), nil
}

var errNotJSON = errors.New("the request is not JSON, and rest.template is; remove template, or mend content_type and flow.feature")

// rowOf is what an event is asked with: the one instance of {"instances":[…]}, as
// flow.feature.fields are written, or the whole request.
func rowOf(body []byte) ([]byte, error) {
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	body = bytes.TrimSpace(body)
	if body[0] != '{' {
		return body, nil
	}
	var members map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(body, &members) == nil && len(members) == 1 && json.Unmarshal(members["instances"], &rows) == nil && len(rows) == 1 {
		return rows[0], nil
	}
	return body, nil
}
