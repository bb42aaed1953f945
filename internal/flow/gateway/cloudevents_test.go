package gateway

import (
	"fmt"
	"testing"
	"time"

	"betimes/internal/event"
)

func headersOf(e *event.Event) string {
	text := ""
	for _, h := range e.Headers {
		text += h.Name + "=" + string(h.Value) + ";"
	}
	return text
}

func TestABinaryCloudEventKeepsItsBodyAndAttributes(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := `{"card_token":"c",  "amount":1.0}`
	w := post(t, s, body, "Content-Type: application/json", "ce-specversion: 1.0", "ce-id: e-1", "ce-source: /pos/7", "ce-type: paid",
		"ce-time: 2026-11-25T18:00:00Z", "ce-partitionkey: p", "traceparent: 00-a-b-01")
	if w.Code != 202 {
		t.Fatalf("answer is %d %s", w.Code, w.Body)
	}
	e := b.taken()[0]
	if e.ID != "e-1" || string(e.Value) != body || string(e.Key) != "c" {
		t.Errorf("id %q key %q value %s", e.ID, e.Key, e.Value)
	}
	if !e.EventTime.Equal(time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)) {
		t.Errorf("event time is %v", e.EventTime)
	}
	want := "ce_id=e-1;ce_partitionkey=p;ce_source=/pos/7;ce_specversion=1.0;ce_time=2026-11-25T18:00:00Z;ce_type=paid;traceparent=00-a-b-01;"
	if got := headersOf(e); got != want {
		t.Errorf("headers are %s", got)
	}
}

func TestABinaryCloudEventOfAnotherTypeIsRaw(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	w := post(t, s, "\x00\x01", "Content-Type: application/avro", "ce-specversion: 1.0", "ce-id: e-1", "ce-source: s", "ce-type: t", "ce-partitionkey: p")
	if w.Code != 202 {
		t.Fatalf("answer is %d %s", w.Code, w.Body)
	}
	if e := b.taken()[0]; string(e.Key) != "p" || e.ContentType != "application/avro" {
		t.Errorf("key %q type %q", e.Key, e.ContentType)
	}
}

func TestStructuredCloudEvents(t *testing.T) {
	const head = `"specversion":"1.0","id":"e","source":"s","type":"t"`
	for name, c := range map[string]struct {
		body   string
		status int
		value  string
		field  string
	}{
		"data is taken as written":         {`{` + head + `,"data":{"card_token":"c", "x":1.50}}`, 202, `{"card_token":"c", "x":1.50}`, ""},
		"data_base64 is decoded":           {`{` + head + `,"data_base64":"eyJjYXJkX3Rva2VuIjoiYyJ9"}`, 202, `{"card_token":"c"}`, ""},
		"text is its string":               {`{` + head + `,"datacontenttype":"text/plain","data":"a\nb"}`, 202, "a\nb", ""},
		"an attribute beyond ASCII":        {`{` + head + `,"subject":"é","data":{"card_token":"c"}}`, 202, `{"card_token":"c"}`, ""},
		"without data":                     {`{` + head + `}`, 400, "", "/data"},
		"with data null":                   {`{` + head + `,"data":null}`, 400, "", "/data"},
		"with both kinds of data":          {`{` + head + `,"data":{},"data_base64":"e30="}`, 400, "", "/data_base64"},
		"with base64 that is none":         {`{` + head + `,"data_base64":"!"}`, 400, "", "/data_base64"},
		"without a type":                   {`{"specversion":"1.0","id":"e","source":"s","data":{}}`, 400, "", "/type"},
		"of another version":               {`{"specversion":"0.3","id":"e","source":"s","type":"t","data":{}}`, 400, "", "/specversion"},
		"with an attribute that is a list": {`{` + head + `,"ext":[],"data":{}}`, 400, "", "/ext"},
		"with an id beyond ASCII":          {`{"specversion":"1.0","id":"é ","source":"s","type":"t","data":{"card_token":"c"}}`, 202, `{"card_token":"c"}`, ""},
		"with data that is an array":       {`{` + head + `,"data":[1]}`, 400, "", ""},
		"whose data has no key":            {`{` + head + `,"data":{}}`, 400, "", "/card_token"},
		"cut short":                        {`{` + head, 400, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := &broker{}
			s := newServer(t, testConfig(), Deps{Next: b})
			w := post(t, s, c.body, "Content-Type: application/cloudevents+json; charset=UTF-8")
			if w.Code != c.status {
				t.Fatalf("answer is %d %s", w.Code, w.Body)
			}
			if c.status != 202 {
				if p := problemOf(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); p.Field != c.field {
					t.Errorf("got %+v", p)
				}
				return
			}
			e := b.taken()[0]
			if string(e.Value) != c.value {
				t.Errorf("value is %s", e.Value)
			}
			for _, h := range e.Headers {
				if !printable(string(h.Value)) {
					t.Errorf("header %s is not ASCII: %q", h.Name, h.Value)
				}
			}
		})
	}
}

func TestABatchOfCloudEventsGetsAnArrayOfStatuses(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	one := func(id string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"s","type":"t","data":{"card_token":"c"}}`
	}
	w := post(t, s, `[`+one("a")+`, {} ,`+one("b")+`, 7, "broken`, "Content-Type: application/cloudevents-batch+json")
	var got []string
	for _, st := range statuses(t, w) {
		got = append(got, fmt.Sprint(st.Status, st.ID))
	}
	if fmt.Sprint(got) != "[202a 400 202b 400 400]" {
		t.Errorf("got %v", got)
	}
	if w := post(t, s, `[]`, "Content-Type: application/cloudevents-batch+json"); w.Body.String() != "[]\n" {
		t.Errorf("an empty batch: answer is %d %s", w.Code, w.Body)
	}
}
