package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheStubSaysWhatItsLogHas(t *testing.T) {
	s, err := newStub(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url, bytes.NewReader([]byte(`{"id":"a"}`)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	log, calls := s.log()
	if _, ok := log["a"]; !ok || calls != 1 {
		t.Errorf("log %v after %d calls", log, calls)
	}
	if timing := answer.Header.Get("Server-Timing"); !strings.HasPrefix(timing, "model;dur=") {
		t.Errorf("Server-Timing is %q", timing)
	}
}

func TestStagesAreComparedEventByEvent(t *testing.T) {
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	stages := map[string]time.Duration{"close": us(1_040), "share": us(100_900), "far": us(1_200), "only here": us(1)}
	log := map[string]time.Duration{"close": us(1_000), "share": us(100_000), "far": us(1_000)}
	d := compare(stages, log)
	if d.events != 3 || d.beyond != 1 || d.unknown != 1 || d.p50 != us(200) {
		t.Errorf("got %+v", d)
	}
}

func TestARowIsMarkdown(t *testing.T) {
	one := row{{"a", 1}, {"b", "x"}}
	if one.head() != "| a | b |\n|---|---|" || one.String() != "| 1 | x |" {
		t.Errorf("got\n%s\n%s", one.head(), one)
	}
}
