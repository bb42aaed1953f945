package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestACounterIsSummedOverItsLabels(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE late_total counter\nlate_total{worker=\"0\"} 12\nlate_total{worker=\"1\"} 3e+01\nlate_total_other 7\n")
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if n, err := counter(address, "late_total"); n != 42 || err != nil {
		t.Errorf("got %d, %v; want 42", n, err)
	}
	if _, err := counter(address, "absent_total"); err == nil {
		t.Error("a counter that is not there gave no error")
	}
}
