package inference

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// TestAnAnswerThatTricklesIsCutAtTheTimeOut has a server that sends a byte at a time without an end.
func TestAnAnswerThatTricklesIsCutAtTheTimeOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.URL.Path != "/ping" && r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}))
	defer server.Close()
	l := &fleet.Launcher{Dir: t.TempDir()}
	defer l.Close()
	running, err := l.Launch(t.Context(), fleet.Spec{Endpoint: "e", Variant: "v", Image: server.URL}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{Region: "us-east-1", Account: "000000000000", Timeout: 100 * time.Millisecond, Faults: injection.New(clock.New(), 1), Journal: &journal.Journal{}}
	s.Publish("e", &Routing{Variants: []Variant{{Name: "v", Weight: 1, Instances: running}}})
	if w := invoke(s, "x"); w.Code != http.StatusFailedDependency || !strings.Contains(w.Body.String(), "Your invocation timed out while waiting for a response from container primary.") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if n := running[0].Outstanding(); n != 0 {
		t.Errorf("%d calls are still under way", n)
	}
}
