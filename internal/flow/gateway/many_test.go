package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"betimes/internal/setting"
)

// status is one line of the answer to many.
type status struct {
	Index, Status     int
	ID                string
	Partition, Offset int64
	Type, Field       string
}

func statuses(t testing.TB, w *httptest.ResponseRecorder) []status {
	t.Helper()
	if w.Code != 200 {
		t.Fatalf("answer is %d %s", w.Code, w.Body)
	}
	var list []status
	if w.Header().Get("Content-Type") == mediaJSON {
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		return list
	}
	for line := range bytes.Lines(w.Body.Bytes()) {
		var s status
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, s)
	}
	return list
}

func TestNDJSONGetsOneStatusPerEventInOrder(t *testing.T) {
	b := &broker{}
	c := testConfig()
	c.MaxBytes = setting.KiB
	s := newServer(t, c, Deps{Next: b})
	body := `{"id":"a","card_token":"k"}` + "\r\n\n" +
		"{broken " + secret + "\n" +
		`{"id":"b","card":"none"}` + "\n" +
		`{"id":"c","card_token":"` + strings.Repeat("x", 1024) + `"}` + "\n" +
		`{"id":"a","card_token":"another body"}` + "\n" +
		`{"id":"a","card_token":"k"}` + "\n" +
		`{"id":"d","card_token":"k"}`
	w := post(t, s, body, "Content-Type: application/x-ndjson")
	got := statuses(t, w)
	want := []status{
		{Index: 0, Status: 202, ID: "a", Partition: 3, Offset: 0},
		{Index: 1, Status: 400, Type: "urn:betimes:problem:not_json"},
		{Index: 2, Status: 400, Type: "urn:betimes:problem:no_key", Field: "/card_token"},
		{Index: 3, Status: 413, Type: "urn:betimes:problem:too_large"},
		{Index: 4, Status: 422, ID: "a", Type: "urn:betimes:problem:other_body"},
		{Index: 5, Status: 202, ID: "a", Partition: 3, Offset: 0},
		{Index: 6, Status: 202, ID: "d", Partition: 3, Offset: 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if strings.Contains(w.Body.String(), secret) {
		t.Errorf("the answer shows a payload: %s", w.Body)
	}
	if len(b.taken()) != 2 || string(b.taken()[0].Value) != `{"id":"a","card_token":"k"}` {
		t.Errorf("handed on: %d events", len(b.taken()))
	}
}

func TestManyEventsMoreThanAheadAllEndUpInOrder(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	var body strings.Builder
	const n = 3*aheadEvents + 17
	for i := range n {
		fmt.Fprintf(&body, `{"card_token":"k","id":"e%d"}`+"\n", i)
	}
	got := statuses(t, send(s, body.String(), "Content-Type: application/x-ndjson"))
	if len(got) != n {
		t.Fatalf("%d statuses", len(got))
	}
	for i, st := range got {
		if st.Index != i || st.ID != fmt.Sprintf("e%d", i) || st.Offset != int64(i) {
			t.Fatalf("status %d is %+v", i, st)
		}
	}
	if n := s.flight.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are still in flight", n)
	}
}

func TestCSVRowsBecomeObjects(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := "\ufeffid,card_token,amount,note\r\n" +
		"1,c-1,12.50,\"say \"\"hi\"\",\nthere\"\r\n" +
		"2,007,1e3,\r\n" +
		"3,-0.5,NaN,true\r\n" +
		"4,c-4\r\n" +
		"5,,1,x\r\n"
	got := statuses(t, post(t, s, body, "Content-Type: text/csv; charset=utf-8"))
	var codes []int
	for _, st := range got {
		codes = append(codes, st.Status)
	}
	if fmt.Sprint(codes) != "[202 202 202 400 400]" {
		t.Errorf("statuses are %v", codes)
	}
	want := []string{
		`{"id":1,"card_token":"c-1","amount":12.50,"note":"say \"hi\",\u000athere"}`,
		`{"id":2,"card_token":"007","amount":1e3}`,
		`{"id":3,"card_token":-0.5,"amount":"NaN","note":"true"}`,
	}
	for i, e := range b.taken() {
		if string(e.Value) != want[i] || e.ContentType != "application/json" {
			t.Errorf("row %d became %s", i+1, e.Value)
		}
	}
}

func TestBodiesOfManyThatAreWrongAsAWholeAreRefusedAsAWhole(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"empty NDJSON":             {"application/x-ndjson", "\n\n", 400},
		"empty CSV":                {"text/csv", "", 400},
		"a header without rows":    {"text/csv", "a,b\n", 400},
		"a header without a name":  {"text/csv", "a,,b\n1,2,3\n", 400},
		"a header with a name two": {"text/csv", "a,a\n1,2\n", 400},
		"a header with open quote": {"text/csv", "a,\"b\n1,2\n", 400},
		"a batch that is no array": {"application/cloudevents-batch+json", `{}`, 400},
		"a batch too deep":         {"application/cloudevents-batch+json", strings.Repeat("[", 1<<20), 400},
		"more than max_body":       {"application/x-ndjson", strings.Repeat("x", 3<<20), 413},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig()
			config.MaxBody = 2 * setting.MiB
			w := post(t, newServer(t, config, Deps{Next: &broker{}}), c.body, "Content-Type: "+c.contentType)
			if p := problemOf(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); p.Status != c.status {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestAnIdempotencyKeyNamesEachOfManyByItsPlace(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := `{"id":"x","card_token":"k"}` + "\n" + `{"id":"x","card_token":"k"}`
	for range 2 {
		got := statuses(t, post(t, s, body, "Content-Type: application/jsonl", "Idempotency-Key: upload-7"))
		if got[0].ID != "upload-7-0" || got[1].ID != "upload-7-1" || got[1].Offset != 1 {
			t.Errorf("got %+v", got)
		}
	}
	if len(b.taken()) != 2 {
		t.Errorf("%d events were handed on", len(b.taken()))
	}
}

func TestOnceAnEventOfManyIsNotDurableLaterOnesAreNotBegun(t *testing.T) {
	b := &broker{fail: errors.New("not enough replicas")}
	s := newServer(t, testConfig(), Deps{Next: b})
	body := strings.Repeat(`{"card_token":"k"}`+"\n", 4*aheadEvents)
	for i, st := range statuses(t, send(s, body, "Content-Type: application/x-ndjson")) {
		if st.Status != 503 || st.Index != i {
			t.Fatalf("event %d got %+v", i, st)
		}
	}
	if len(b.taken()) > aheadEvents {
		t.Errorf("%d events were handed on to brokers that refuse them", len(b.taken()))
	}
}
