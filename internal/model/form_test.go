package model

import (
	"strings"
	"testing"
)

func TestANamedFormIsUsedWhateverTheContentTypeSays(t *testing.T) {
	for _, tt := range []struct {
		name        string
		form        Form
		contentType string
		values      []any
		joined      string
		answerType  string
		answer      string
		want        []string
	}{
		{"values become instances", FormInstances, "application/json", []any{[]any{1, 2}, map[string]any{"a": 1}}, `{"instances":[[1,2],{"a":1}]}`, "application/json", `{"predictions":[0.1,0.2]}`, []string{`{"predictions":[0.1]}`, `{"predictions":[0.2]}`}},
		{"what has instances stays", FormInstances, "application/json", []any{map[string]any{"instances": []any{1}}, 2}, `{"instances":[1,2]}`, "application/json", `[1,2]`, []string{"[1]", "[2]"}},
		{"instances of a content type of one's own", FormInstances, "application/vnd.acme", []any{[]any{1}, []any{2}}, `{"instances":[[1],[2]]}`, "application/vnd.acme", `[1,2]`, []string{"[1]", "[2]"}},
		{"lines of JSON", FormLines, "application/json", []any{[]any{1, 2}, map[string]any{"a": 1}}, "[1,2]\n{\"a\":1}", "application/json", "{\"p\":1}\n{\"p\":2}\n", []string{`{"p":1}`, `{"p":2}`}},
		{"lines that are answered by a list", FormLines, "application/json", []any{1, 2}, "1\n2", "application/json", "[3,4]", []string{"[3]", "[4]"}},
		{"lines of text", FormLines, "text/plain", []any{"one", "two"}, "one\ntwo", "text/plain", "{\"p\":1}\n{\"p\":2}", []string{`{"p":1}`, `{"p":2}`}},
		{"lines of csv", FormLines, "text/csv", []any{[]any{1, 2}, []any{3}}, "1,2\n3", "text/csv", "1\n2", []string{"1", "2"}},
		{"lines of libsvm", FormLines, "text/libsvm", []any{[]any{1, 2}, []any{3}}, "0 0:1 1:2\n0 0:3", "", "1\n2", []string{"1", "2"}},
		{"csv as plain text", FormCSV, "text/plain", []any{[]any{1, 2}, "3,4"}, "1,2\n3,4", "application/octet-stream", "0.1,0.2", []string{"0.1", "0.2"}},
		{"csv that is answered with JSON", FormCSV, "text/csv", []any{[]any{1}, []any{2}}, "1\n2", "application/json", "[0.1,0.2]", []string{"[0.1]", "[0.2]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := CodecOf(tt.form, tt.contentType)
			if err != nil {
				t.Fatal(err)
			}
			var list []Item
			for _, v := range tt.values {
				body, err := c.Encode(v)
				if err != nil || !c.Joinable(body) {
					t.Fatalf("%v becomes %q, %v", v, body, err)
				}
				list = append(list, Item{Body: body})
			}
			if got := string(c.Join(list)); got != tt.joined || c.ContentType() != tt.contentType {
				t.Errorf("together %q as %s", got, c.ContentType())
			}
			parts, err := c.Split([]byte(tt.answer), tt.answerType, len(list))
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range parts {
				if string(p) != tt.want[i] {
					t.Errorf("answer %d is %q", i, p)
				}
			}
			if _, err := c.Split([]byte(tt.answer), tt.answerType, 3); err == nil {
				t.Error("an answer for two is parted among three")
			}
		})
	}
}

func TestAFormReadsAnswersWhoseContentTypeSaysNothing(t *testing.T) {
	for _, tt := range []struct {
		form         Form
		answer, want string
	}{{FormInstances, `{"p":1}`, `{"p":1}`}, {FormCSV, "1,a", `[1,"a"]`}, {FormLines, "good", `"good"`}} {
		c, err := CodecOf(tt.form, "application/octet-stream")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decode([]byte(tt.answer), "application/octet-stream"); err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v", tt.form, got, err)
		}
	}
}

func TestRecordsOfAContentTypeOfOnesOwnAreJoinedPartedAndRead(t *testing.T) {
	c, err := CodecOf(FormRecordIO, "application/octet-stream")
	if err != nil {
		t.Fatal(err)
	}
	one, err := c.Encode([]any{1.5, 16})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := c.Split(c.Join([]Item{{Body: one}, {Body: one}}), "application/octet-stream", 2)
	if err != nil || string(parts[1]) != string(one) {
		t.Errorf("got %q, %v", parts, err)
	}
	if _, err := c.Decode(one, "application/octet-stream"); err == nil || !strings.Contains(err.Error(), "label") {
		t.Errorf("a record without a label: %v", err)
	}
}

func TestAFormThatTheContentTypeRulesOutIsRefused(t *testing.T) {
	for contentType, forms := range map[string][]Form{
		"application/json":                {FormCSV, FormRecordIO},
		"application/jsonlines":           {FormCSV, FormRecordIO, FormInstances},
		"text/csv":                        {FormInstances, FormRecordIO},
		"text/libsvm":                     {FormInstances, FormRecordIO, FormCSV},
		"application/x-recordio-protobuf": {FormInstances, FormCSV, FormLines},
	} {
		for _, f := range forms {
			if _, err := CodecOf(f, contentType); err == nil || !strings.Contains(err.Error(), contentType) {
				t.Errorf("%s as %s: %v", contentType, f, err)
			}
		}
	}
	if _, err := CodecOf(FormAuto, "image/png"); err == nil {
		t.Error("auto takes what is not known")
	}
}
