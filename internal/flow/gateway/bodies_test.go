package gateway

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"betimes/internal/listen"
	"betimes/internal/setting"
)

// problemOf reads a problem+json answer.
func problemOf(t testing.TB, code int, contentType string, body []byte) listen.Problem {
	t.Helper()
	var p listen.Problem
	if err := json.Unmarshal(body, &p); err != nil || contentType != "application/problem+json" || p.Status != code {
		t.Fatalf("answer %d %s is no problem: %s", code, contentType, body)
	}
	return p
}

const secret = "4111-1111-1111-1111"

func TestRefusedBodiesGetOneClearAnswerThatShowsNoPayload(t *testing.T) {
	deep := `{"card_token":"c","a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}"
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		field   string
		detail  string
	}{
		"an empty body":              {body: "", status: 400, code: "empty"},
		"white space":                {body: " \n", status: 400, code: "empty"},
		"words":                      {body: "hello " + secret, status: 400, code: "not_json", detail: "byte 1"},
		"half an object":             {body: `{"card_token":"` + secret + `"`, status: 400, code: "not_json"},
		"two objects":                {body: `{"card_token":"a"}{"card_token":"b"}`, status: 400, code: "not_json"},
		"a trailing comma":           {body: `{"card_token":"` + secret + `",}`, status: 400, code: "not_json", detail: "at byte 37"},
		"a number with leading zero": {body: `{"card_token":007}`, status: 400, code: "not_json"},
		"NaN":                        {body: `{"card_token":"a","x":NaN}`, status: 400, code: "not_json"},
		"a line break in a string":   {body: "{\"card_token\":\"a\nb\"}", status: 400, code: "not_json"},
		"a string":                   {body: `"` + secret + `"`, status: 400, code: "not_json"},
		"an array":                   {body: `[{"card_token":"a"}]`, status: 400, code: "array", detail: "NDJSON"},
		"a byte order mark":          {body: "\ufeff" + `{"card_token":"a"}`, status: 400, code: "byte_order_mark"},
		"Latin-1":                    {body: "{\"card_token\":\"caf\xe9\"}", status: 400, code: "not_utf8"},
		"too deep nesting":           {body: deep, status: 400, code: "too_deep"},
		"a key nowhere":              {body: `{"card":"` + secret + `"}`, status: 400, code: "no_key", field: "/card_token", detail: "flow.gateway.key"},
		"a key that is null":         {body: `{"card_token":null}`, status: 400, code: "no_key", field: "/card_token"},
		"a key that is empty":        {body: `{"card_token":""}`, status: 400, code: "no_key", field: "/card_token"},
		"a key that is an object":    {body: `{"card_token":{}}`, status: 400, code: "no_key", field: "/card_token"},
		"an id of 129 bytes":         {body: `{"card_token":"a","id":"` + strings.Repeat("x", 129) + `"}`, status: 400, code: "bad_id", field: "/id"},
		"an id beyond ASCII":         {body: `{"card_token":"a","id":"é"}`, status: 400, code: "bad_id", field: "/id"},
		"a bad Idempotency-Key":      {body: `{"card_token":"a"}`, headers: []string{"Idempotency-Key: a b"}, status: 400, code: "bad_id", field: "Idempotency-Key"},
		"a deadline of 0":            {body: `{"card_token":"a"}`, headers: []string{"X-Deadline-Ms: 0"}, status: 400, code: "bad_deadline", field: "X-Deadline-Ms"},
		"a deadline of -5":           {body: `{"card_token":"a"}`, headers: []string{"X-Deadline-Ms: -5"}, status: 400, code: "bad_deadline", field: "X-Deadline-Ms"},
		"a deadline in words":        {body: `{"card_token":"a"}`, headers: []string{"X-Deadline-Ms: soon"}, status: 400, code: "bad_deadline", field: "X-Deadline-Ms"},
		"a deadline beyond a day":    {body: `{"card_token":"a"}`, headers: []string{"X-Deadline-Ms: 86400001"}, status: 400, code: "bad_deadline", field: "X-Deadline-Ms"},
		"a priority of 10":           {body: `{"card_token":"a"}`, headers: []string{"X-Priority: 10"}, status: 400, code: "bad_priority", field: "X-Priority"},
		"what curl -d says it sends": {body: `{"card_token":"a"}`, headers: []string{"Content-Type: application/x-www-form-urlencoded"}, status: 415, code: "media_type", field: "Content-Type", detail: "-H 'Content-Type: application/json'"},
		"no media type":              {body: `{"card_token":"a"}`, headers: []string{"Content-Type: ;;"}, status: 415, code: "media_type", field: "Content-Type"},
		"UTF-16":                     {body: `{"card_token":"a"}`, headers: []string{"Content-Type: application/json; charset=utf-16"}, status: 415, code: "media_type", field: "Content-Type"},
		"an image without key":       {body: "\x89PNG", headers: []string{"Content-Type: image/png"}, status: 415, code: "media_type", field: "Content-Type", detail: "X-Key"},
		"no type and no object":      {body: secret, headers: []string{"Content-Type: "}, status: 415, code: "media_type", field: "Content-Type"},
		"an unknown encoding":        {body: "x", headers: []string{"Content-Encoding: br"}, status: 415, code: "content_encoding", field: "Content-Encoding"},
		"gzip that is none":          {body: "not gzip at all", headers: []string{"Content-Encoding: gzip"}, status: 400, code: "body"},
		"more than max_bytes":        {body: `{"card_token":"` + strings.Repeat("x", 1<<21) + `"}`, status: 413, code: "too_large", detail: "1MiB (flow.gateway.max_bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &broker{}
			s := newServer(t, testConfig(), Deps{Next: b})
			headers := append([]string{"Content-Type: application/json"}, c.headers...)
			w := post(t, s, c.body, headers...)
			p := problemOf(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
			if p.Status != c.status || p.Type != "urn:betimes:problem:"+c.code || p.Field != c.field || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("got %+v", p)
			}
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("the answer shows the payload: %s", w.Body)
			}
			if len(b.taken()) != 0 {
				t.Error("the event was handed on")
			}
			if n := s.flight.bytes.Load(); n != 0 {
				t.Errorf("%d bytes are still in flight", n)
			}
		})
	}
}

func TestKeysAndIdsAreTakenAsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		body, key, id string
		headers       []string
	}{
		"a number keeps its digits":         {body: `{"card_token":12345678901234567890.10,"id":1e2}`, key: "12345678901234567890.10", id: "1e2"},
		"an escaped string is unescaped":    {body: `{"card_token":"a\u00e9\n\"","id":"i"}`, key: "aé\n\"", id: "i"},
		"Idempotency-Key beats the payload": {body: `{"card_token":"c","id":"i"}`, key: "c", id: "k", headers: []string{"Idempotency-Key: k"}},
		"Idempotency-Key may be quoted":     {body: `{"card_token":"c"}`, key: "c", id: "k", headers: []string{`Idempotency-Key: "k"`}},
		"the pointer beats X-Key":           {body: `{"card_token":"c","id":"i"}`, key: "c", id: "i", headers: []string{"X-Key: other"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &broker{}
			s := newServer(t, testConfig(), Deps{Next: b})
			if w := post(t, s, c.body, c.headers...); w.Code != 202 {
				t.Fatalf("answer is %d %s", w.Code, w.Body)
			}
			if e := b.taken()[0]; string(e.Key) != c.key || e.ID != c.id {
				t.Errorf("key %q id %q", e.Key, e.ID)
			}
		})
	}
}

func TestWithoutPointersAnEventIsItsOwnKeyAndGetsAnID(t *testing.T) {
	b := &broker{}
	c := DefaultConfig()
	s := newServer(t, c, Deps{Next: b})
	post(t, s, `{"a":1}`)
	post(t, s, `{"a":1}`, "X-Key: k")
	e, keyed := b.taken()[0], b.taken()[1]
	if len(e.Key) != 0 || string(keyed.Key) != "k" {
		t.Errorf("keys are %q and %q", e.Key, keyed.Key)
	}
	if len(e.ID) != 36 || e.ID[14] != '7' || e.ID == keyed.ID {
		t.Errorf("ids are %q and %q", e.ID, keyed.ID)
	}
}

func TestRawBytesPassThroughWithXKey(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	for _, headers := range [][]string{{"X-Key: k", "Content-Type: image/png"}, {"X-Key: k", "Content-Type: application/octet-stream"}, {"X-Key: k"}} {
		if w := post(t, s, "\x89PNG\x00", headers...); w.Code != 202 {
			t.Errorf("%v: answer is %d %s", headers, w.Code, w.Body)
		}
	}
	for _, e := range b.taken() {
		if string(e.Value) != "\x89PNG\x00" || string(e.Key) != "k" {
			t.Errorf("value %q key %q", e.Value, e.Key)
		}
	}
	if got := b.taken()[0].ContentType; got != "image/png" {
		t.Errorf("content type is %q", got)
	}
}

func TestTheCallersDeadlineCounts(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	post(t, s, `{"card_token":"a"}`, "X-Deadline-Ms: 1500")
	if e := b.taken()[0]; e.Deadline.Sub(e.Received) != 1500*time.Millisecond {
		t.Errorf("the deadline is %v after the event came", e.Deadline.Sub(e.Received))
	}
}

func TestEventTimesAreRead(t *testing.T) {
	want := time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		text string
		want time.Time
	}{
		"RFC 3339":           {`"2026-11-25T20:00:00+02:00"`, want},
		"seconds":            {`1795629600`, want},
		"milliseconds":       {`1795629600000`, want},
		"microseconds":       {`1795629600000000`, want},
		"seconds in quotes":  {`"1795629600"`, want},
		"nonsense":           {`"yesterday"`, time.Time{}},
		"nanoseconds":        {`1795629600000000000`, time.Time{}},
		"less than nothing":  {`-1`, time.Time{}},
		"an object":          {`{}`, time.Time{}},
		"more than a double": {`1e999`, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &broker{}
			s := newServer(t, testConfig(), Deps{Next: b})
			if w := post(t, s, `{"card_token":"a","event_time":`+c.text+`}`); w.Code != 202 {
				t.Fatalf("answer is %d %s", w.Code, w.Body)
			}
			if got := b.taken()[0].EventTime; !got.Equal(c.want) {
				t.Errorf("event time is %v", got)
			}
		})
	}
}

func zipped(t testing.TB, body string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(body))
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGzipIsUnpackedUpToTheLimit(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := `{"card_token":"a","pad":"` + strings.Repeat("x", 100_000) + `"}`
	if w := post(t, s, zipped(t, body), "Content-Encoding: gzip"); w.Code != 202 || string(b.taken()[0].Value) != body {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
	bomb := zipped(t, strings.Repeat(" ", 4<<20))
	if w := post(t, s, bomb, "Content-Encoding: gzip"); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a bomb of %d bytes: answer is %d %s", len(bomb), w.Code, w.Body)
	}
	cut := zipped(t, body)
	if w := post(t, s, cut[:len(cut)-9], "Content-Encoding: gzip"); w.Code != http.StatusBadRequest {
		t.Errorf("gzip cut short: answer is %d %s", w.Code, w.Body)
	}
}

func TestBodiesOfAnySizeUpToTheLimitAreReadWhole(t *testing.T) {
	c := testConfig()
	c.MaxBytes = 100 * setting.KiB
	for _, size := range []int{20, 511, 512, 513, 16 << 10, 16<<10 + 1, 40000, 100<<10 - 1, 100 << 10} {
		for _, chunked := range []bool{false, true} {
			b := &broker{}
			s := newServer(t, c, Deps{Next: b})
			body := `{"card_token":"` + strings.Repeat("x", size-17) + `"}`
			w := sendReader(s, body, chunked)
			if w.Code != 202 || string(b.taken()[0].Value) != body {
				t.Errorf("%d bytes, chunked %t: answer is %d %s", size, chunked, w.Code, w.Body)
			}
			if n := s.flight.bytes.Load(); n != 0 {
				t.Errorf("%d bytes, chunked %t: %d bytes are still in flight", size, chunked, n)
			}
		}
	}
	s := newServer(t, c, Deps{Next: &broker{}})
	body := `{"card_token":"` + strings.Repeat("x", 100<<10-16) + `"}`
	if w := sendReader(s, body, true); w.Code != 413 {
		t.Errorf("one byte too many: answer is %d %s", w.Code, w.Body)
	}
}
