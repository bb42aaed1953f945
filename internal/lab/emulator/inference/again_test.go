package inference

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/store"
)

func TestRequestsThatWaitForAContainerLookAgainTogether(t *testing.T) {
	kept, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := service(t)
		s.Backlog = &Backlog{Clock: clock.New(), Store: kept, Log: slog.New(slog.DiscardHandler), Measure: func(Waiting) {}}
		s.Publish("e", &Routing{Async: &Async{OutputPath: "s3://b/out"}, Variants: []Variant{{Name: "v", Weight: 1, Instances: []*fleet.Instance{{Number: 1}}}}})
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 50 {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/endpoints/e/async-invocations", strings.NewReader("x")))
			if w.Code != http.StatusAccepted {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
		}
		synctest.Wait()
		s.Backlog.mu.Lock() // who looks again waits for it
		time.Sleep(askAgain)
		for lookingAgain() == 0 { // it wakes at the same moment as this test
			runtime.Gosched()
		}
		for range 1000 { // and so would others
			runtime.Gosched()
		}
		looking := lookingAgain()
		s.Backlog.mu.Unlock()
		if looking != 1 {
			t.Errorf("%d look again at once for one endpoint", looking)
		}
	})
}

// lookingAgain is how many goroutines stand in what lookAgain starts.
func lookingAgain() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), "lookAgain.func1(")
}
