package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"betimes/internal/config"
	"betimes/internal/event"
)

func TestAModelOnTwoEndpointsIsAnsweredByTheOneThatWorks(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of memory", http.StatusInternalServerError)
	}))
	t.Cleanup(broken.Close)
	works := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		_, _ = w.Write([]byte("0.25\n"))
	}))
	t.Cleanup(works.Close)
	file := strings.Replace(oneModel, `rest: {url: "http://127.0.0.1:1/invocations"}`,
		`endpoints: [{name: broken, rest: {url: "`+broken.URL+`/"}}, {name: gone, rest: {url: "http://127.0.0.1:1/"}}, {name: works, rest: {url: "`+works.URL+`/"}}]`, 1)
	loaded, err := config.Parse("test.yaml", []byte(file), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(loaded, Options{Role: "stream"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.closeAll)
	c, endpoints, err := a.buildChain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		e := newTestEvent(`{"a":1,"b":2}`)
		ending := c.work(t.Context(), e)
		if ending.Place != event.Predicted || !strings.Contains(string(ending.Value), `"endpoint":"works"`) {
			t.Fatalf("%s: %s %v, %s", ending.Place, ending.Value, ending.Err, e.Decisions.AppendHeader(nil))
		}
		if said := string(e.Decisions.AppendHeader(nil)); !strings.Contains(said, "balance:works:") {
			t.Errorf("decisions %q", said)
		}
	}
	calls := map[string]int64{}
	for _, e := range endpoints.snapshot() {
		for _, n := range e.Invocations {
			calls[e.Name] += n
		}
	}
	if calls["works"] != 50 || calls["broken"] > 6 || calls["gone"] > 6 {
		t.Errorf("calls %v", calls)
	}
}
