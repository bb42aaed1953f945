package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"betimes/internal/app"
	"betimes/internal/dashboard"
	"betimes/internal/watch/latency"
)

func TestTheReportOfARunCountsItsLastSecondInTheWordsOfLoad(t *testing.T) {
	asked := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		s := dashboard.Summary{Pipeline: "v1", Instances: []latency.Instance{{Name: "stream-0", At: time.Now().Add(-time.Minute)}}}
		s.Latency.Outcomes = map[string]int64{"accepted": 3, "predicted": 3}
		if asked > 1 { // its pulse has come
			s.Instances[0].At = time.Now().Add(time.Minute)
			s.Latency.Outcomes = map[string]int64{"accepted": 8, "predicted": 6, "late": 1, "dead_letter": 2}
		}
		if err := json.NewEncoder(w).Encode(s); err != nil {
			t.Error(err)
		}
	}))
	defer api.Close()
	var out strings.Builder
	client := &app.Client{Addresses: app.Addresses{Dashboard: strings.TrimPrefix(api.URL, "http://")}}
	sumUp(t.Context(), &out, client, time.Now())
	want := `accepted               8
predicted              6   75.00 %
late                   1   12.50 %
shed                   0    0.00 %
dead-lettered          2   25.00 %

v1 `
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("the report is\n%s", out.String())
	}
}
