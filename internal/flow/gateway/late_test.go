package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// bound lets so many events in.
type bound struct {
	left     int
	asked    []time.Duration
	key      string
	priority int
}

func (b *bound) Admit(key []byte, left time.Duration, priority int) (time.Duration, bool) {
	b.asked, b.key, b.priority = append(b.asked, left), string(key), priority
	b.left--
	return 1500 * time.Millisecond, b.left >= 0
}

func TestAnEventThatWouldBeLateIsRefusedAndNotHandedOn(t *testing.T) {
	next, admission := &broker{}, &bound{left: 1}
	s := newServer(t, testConfig(), Deps{Next: next, Admission: admission})
	if w := send(s, `{"id":"a","card_token":"c"}`, "Content-Type: application/json", "X-Deadline-Ms: 40", "X-Priority: 7"); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if left := admission.asked[0]; left > 40*time.Millisecond || left < -time.Minute || admission.key != "c" || admission.priority != 7 {
		t.Errorf("asked with key %q, %v left and priority %d", admission.key, left, admission.priority)
	}
	w := send(s, `{"id":"b","card_token":"c"}`, "Content-Type: application/json")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), "urn:betimes:problem:would_be_late") {
		t.Errorf("%d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if w := send(s, `{"id":"a","card_token":"c"}`, "Content-Type: application/json"); w.Code != http.StatusAccepted {
		t.Errorf("one that was accepted before gets %d", w.Code)
	}
	w = send(s, `{"id":"d","card_token":"c"}`+"\n"+`{"id":"a","card_token":"c"}`, "Content-Type: application/x-ndjson")
	if lines := strings.Split(w.Body.String(), "\n"); w.Code != http.StatusOK || !strings.Contains(lines[0], `"status":429`) || !strings.Contains(lines[1], `"status":202`) {
		t.Errorf("of many: %d %s", w.Code, w.Body)
	}
	if n := len(next.taken()); n != 1 {
		t.Errorf("%d events were handed on", n)
	}
	admission.left = 1
	if w := send(s, `{"id":"b","card_token":"c"}`, "Content-Type: application/json"); w.Code != http.StatusAccepted {
		t.Errorf("sent again later it gets %d", w.Code)
	}
}
