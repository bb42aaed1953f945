package main

import (
	"testing"
	"time"
)

func TestTheStubAnswersAsItIsAsked(t *testing.T) {
	for body, want := range map[string]string{
		`{"ts":1,"x":[0.5]}`:                                `{"ts":1,"v":1}`,
		`[{"ts":1,"x":[0.5]}]`:                              `[{"ts":1,"v":1}]`,
		`{"instances":[{"ts":1,"x":[1]},{"ts":2,"x":[2]}]}`: `{"predictions":[{"ts":1,"v":1},{"ts":2,"v":2}]}`,
		`{"ts":1}{"ts":2}`:                                  "",
		`{}`:                                                "",
	} {
		got, _, err := (&stub{}).answers([]byte(body))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%s is answered %s, %v", body, got, err)
		}
	}
}

func TestExecutorsWorkOnAsManyCallsAsThereAreOfThem(t *testing.T) {
	e, err := newExecutors(batching{2, 20 * time.Millisecond, 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	done := make(chan struct{})
	for range 4 {
		go func() { e.work(4); done <- struct{}{} }()
	}
	for range 4 {
		<-done
	}
	if took := time.Since(began); took < 80*time.Millisecond {
		t.Errorf("4 calls of 40 ms are over after %v", took)
	}
}
