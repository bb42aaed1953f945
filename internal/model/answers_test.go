package model

import (
	"testing"
)

func TestWhatCannotBeAnAnswerToOneEventIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		form              Form
		contentType, body string
		want              bool
	}{
		"a number":                           {FormAuto, "text/csv", "0.5\n", true},
		"cells in quotes":                    {FormAuto, "text/csv", `"a","b"`, true},
		"cells in quotes that never end":     {FormAuto, "text/csv", `"a","b`, false},
		"JSON":                               {FormAuto, "application/json", `{"score":1}`, true},
		"what says it is JSON and is not":    {FormAuto, "application/json", `{"score":NaN}`, false},
		"half of it":                         {FormAuto, "application/json", `{"score":`, false},
		"lines of JSON":                      {FormAuto, "application/jsonlines", "1\n2", true},
		"lines of which one is none":         {FormAuto, "application/jsonlines", "1\n2,", false},
		"a page":                             {FormAuto, "text/html; charset=utf-8", "<html>", false},
		"a page where instances are asked":   {FormInstances, "text/html", "<html>", false},
		"nothing":                            {FormAuto, "text/plain", " \n", false},
		"a text":                             {FormAuto, "text/plain", "spam", true},
		"bytes":                              {FormAuto, "application/octet-stream", "\xff\x00", true},
		"no prediction for an instance":      {FormInstances, "application/json", `{"predictions":[]}`, false},
		"one":                                {FormInstances, "application/json", `{"predictions":[[]]}`, true},
		"a model that lists nothing":         {FormAuto, "application/json", `{"predictions":[]}`, true},
		"a prediction of two numbers":        {FormInstances, "application/json", `{"predictions":[0.1,0.9]}`, true},
		"an instance answered without lists": {FormInstances, "application/json", `{"score":1}`, true},
	} {
		r := &Request{ContentType: "application/json", Form: c.form, Items: make([]Item, 1)}
		answers, err := Answered(r, []byte(c.body), c.contentType)
		if ok := err == nil && string(answers[0].Body) == c.body; ok != c.want || err != nil && ClassOf(err) != ClassBadOutput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzWhatIsAnAnswerCanBeDecoded(f *testing.F) {
	for _, media := range []string{"text/csv", "application/json", "text/plain", "application/jsonlines", "text/html", "application/x-recordio-protobuf", "x"} {
		f.Add([]byte(`{"predictions":[1]}`), media)
		f.Add([]byte("1,\"a\"\n2"), media)
	}
	f.Fuzz(func(t *testing.T, body []byte, media string) {
		_, err := decode(body, media)
		if said := readable(body, media); (said == nil) != (err == nil) {
			t.Errorf("readable says %v, decode %v", said, err)
		}
	})
}
