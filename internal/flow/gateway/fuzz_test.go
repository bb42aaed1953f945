package gateway

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/pointer"
)

// bare makes a Server without metrics, which is quick.
func bare(t testing.TB, c Config, b *broker) *Server {
	s, err := New(c, Deps{Next: b, Budget: budget.Budget{Latency: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fuzzForm feeds bodies to one form and checks what holds for all: no panic,
// whatever is handed on as JSON is JSON with a key, and no byte stays in flight.
func fuzzForm(f *testing.F, headers ...string) {
	f.Fuzz(func(t *testing.T, body []byte) {
		b := &broker{}
		s := bare(t, testConfig(), b)
		w := send(s, string(body), headers...)
		if w.Code == http.StatusInternalServerError || w.Code == http.StatusServiceUnavailable {
			t.Errorf("answer is %d %s", w.Code, w.Body)
		}
		if w.Body.Len() > 0 && w.Header().Get("Content-Type") != mediaNDJSON && !json.Valid(w.Body.Bytes()) {
			t.Errorf("the answer is not JSON: %s", w.Body)
		}
		for _, e := range b.taken() {
			if e.ContentType == mediaJSON && !json.Valid(e.Value) {
				t.Errorf("handed on as JSON: %q", e.Value)
			}
			if len(e.Key) == 0 && e.ContentType == mediaJSON || checkID(e.ID, "") != nil {
				t.Errorf("handed on with key %q id %q", e.Key, e.ID)
			}
			for _, h := range e.Headers {
				if !printable(h.Name) || !printable(string(h.Value)) {
					t.Errorf("handed on with header %q=%q", h.Name, h.Value)
				}
			}
		}
		if n := s.flight.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are still in flight", n)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{payment, `{"card_token":1e5,"event_time":1795629600}`, `{"card_token":"\ud800"}`, `[]`, `{"a":"\\"}`, "\ufeff{}", `{"card_token":-0}`, ``} {
		f.Add([]byte(seed))
	}
	fuzzForm(f, "Content-Type: application/json")
}

func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{payment + "\n" + payment, "\r\n{}\r\n", "{\"card_token\":\"a\"}\n{"} {
		f.Add([]byte(seed))
	}
	fuzzForm(f, "Content-Type: application/x-ndjson")
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"id,card_token\n1,a\n", "card_token\n\"a\nb\"\n", "a,a\n", "card_token\n-\n1e\n0x1\n.5\n", "\ufeffcard_token\n\xff\n"} {
		f.Add([]byte(seed))
	}
	fuzzForm(f, "Content-Type: text/csv")
}

func FuzzCloudEvent(f *testing.F) {
	const head = `{"specversion":"1.0","id":"e","source":"s","type":"t"`
	for _, seed := range []string{head + `,"data":{"card_token":"c"}}`, head + `,"data_base64":"e30="}`, head + `,"subject":"é\u0000","data":{"card_token":"c"}}`, head + `,"x":null,"data":null}`} {
		f.Add([]byte(seed))
	}
	fuzzForm(f, "Content-Type: application/cloudevents+json")
}

func FuzzCloudEvents(f *testing.F) {
	const one = `{"specversion":"1.0","id":"e","source":"s","type":"t","data":{"card_token":"c"}}`
	for _, seed := range []string{`[` + one + `,` + one + `]`, `[` + one, `[]`, `[1,{}]x`, `[[`} {
		f.Add([]byte(seed))
	}
	fuzzForm(f, "Content-Type: application/cloudevents-batch+json")
}

func FuzzPointer(f *testing.F) {
	f.Add("/card_token", []byte(payment))
	f.Add("/a/0/~1b", []byte(`{"a":[{"/b":1}]}`))
	f.Add("/", []byte(`{"":"x"}`))
	f.Fuzz(func(t *testing.T, ptr string, body []byte) {
		c := DefaultConfig()
		c.Key, c.ID, c.EventTime = ptr, ptr, ptr
		if _, err := pointer.Parse(ptr); err != nil {
			return
		}
		b := &broker{}
		s := bare(t, c, b)
		send(s, string(body), "Content-Type: application/json")
		for _, e := range b.taken() {
			if ptr != "" && len(e.Key) == 0 {
				t.Errorf("handed on without a key at %q: %q", ptr, e.Value)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("k", "7", "250", "wait=2", "application/json", "1.0", "gzip")
	f.Add("", "", "", "wait=,", "text/csv; charset=", "", "")
	f.Fuzz(func(t *testing.T, id, priority, deadline, prefer, contentType, version, encoding string) {
		b := &broker{}
		s := bare(t, testConfig(), b)
		w := send(s, payment, "Idempotency-Key: "+id, "X-Priority: "+priority, "X-Deadline-Ms: "+deadline, "Prefer: "+prefer,
			"Content-Type: "+contentType, "ce-specversion: "+version, "Content-Encoding: "+encoding)
		if w.Code >= 500 {
			t.Errorf("answer is %d %s", w.Code, w.Body)
		}
		for _, e := range b.taken() {
			if !e.Deadline.After(e.Received) || e.Priority < 0 || e.Priority > 9 {
				t.Errorf("handed on with deadline %v after it came and priority %d", e.Deadline.Sub(e.Received), e.Priority)
			}
		}
	})
}
