package rest

import (
	"strings"
	"testing"

	"betimes/internal/model"
)

func TestATemplateStandsAroundTheRows(t *testing.T) {
	const split = `{"dataframe_split": {"columns": $fields, "data": $rows}}`
	for _, tt := range []struct {
		name, template string
		bodies         []string
		want           string
	}{
		{"one event of fields", split, []string{`{"instances":[[1,2.5]]}`}, `{"dataframe_split": {"columns": ["a","b"], "data": [[1,2.5]]}}`},
		{"several events", split, []string{`{"instances":[[1,2]]}`, ` {"instances" : [ [3,4] ]}`}, `{"dataframe_split": {"columns": ["a","b"], "data": [[1,2],[3,4]]}}`},
		{"objects of a request expression", `{"dataframe_records": $rows}`, []string{`{"a":1,"b":"$rows"}`}, `{"dataframe_records": [{"a":1,"b":"$rows"}]}`},
		{"a value", `{"inputs":$rows,"params":{"k":1}}`, []string{`"text"`, `7`}, `{"inputs":["text",7],"params":{"k":1}}`},
		{"an object that only looks like one of rows", `[1, $rows]`, []string{`{"instances":[1,2]}`}, `[1, [{"instances":[1,2]}]]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			around, err := newTemplate(tt.template, []string{"a", "b"})
			if err != nil {
				t.Fatal(err)
			}
			var items []model.Item
			for _, b := range tt.bodies {
				items = append(items, model.Item{Body: []byte(b)})
			}
			if got, err := around.body(items); err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestATemplateThatCannotBeIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"must hold $rows once":               `{"inputs": []}`,
		"hold $rows once; write for example": `{"a": $rows, "b": $rows}`,
		"it is not JSON":                     `{"inputs": "$rows}`,
		"and there are none":                 `{"columns": $fields, "data": $rows}`,
	} {
		if _, err := newTemplate(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	around, err := newTemplate(`{"inputs": $rows}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := around.body([]model.Item{{Body: []byte("1,2")}}); err == nil || strings.Contains(err.Error(), "1,2") {
		t.Errorf("csv in a template: %v", err)
	}
}
