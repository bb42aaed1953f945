package inference

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// service serves the endpoint e by one instance of an image.
func service(t *testing.T, faults ...*injection.Fault) *Service {
	t.Helper()
	book := injection.New(clock.New(), 1)
	for _, f := range faults {
		if err := book.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	s := &Service{Region: "us-east-1", Account: "000000000000", Faults: book, Journal: &journal.Journal{}}
	s.Publish("e", &Routing{Variants: []Variant{{Name: "v", Weight: 1, Instances: instances(t, 1)}}})
	return s
}

func invoke(s *Service, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/endpoints/e/invocations", strings.NewReader(body)))
	return w
}

func TestAContainerThatDoesNotAnswerIsAModelErrorAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, &injection.Fault{Fault: injection.Stuck})
		began := time.Now()
		w := invoke(s, "x")
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %s", took)
		}
		if w.Code != http.StatusFailedDependency || !strings.Contains(w.Body.String(), `"Received server error (0) from primary with message \"Your invocation timed out while waiting for a response from container primary.`) {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

func TestLatencyIsAddedAndMultiplied(t *testing.T) {
	for _, c := range []struct {
		name        string
		fault       *injection.Fault
		least, most time.Duration
	}{
		{"added", &injection.Fault{Fault: injection.Latency, Add: injection.Duration(200 * time.Millisecond)}, 200 * time.Millisecond, 200 * time.Millisecond},
		{"ten times nothing is nothing", &injection.Fault{Fault: injection.Latency, Times: 10}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := service(t, c.fault)
				began := time.Now()
				w := invoke(s, "x")
				if took := time.Since(began); took < c.least || took > c.most || w.Code != http.StatusOK {
					t.Errorf("answered %d after %s", w.Code, took)
				}
			})
		})
	}
}

func TestTheWorkerOfACallerWhoLeftStaysTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t, &injection.Fault{Fault: injection.Stuck, Count: 1})
		ctx, leave := context.WithCancel(context.Background())
		r := httptest.NewRequest(http.MethodPost, "/endpoints/e/invocations", nil).WithContext(ctx)
		go s.ServeHTTP(httptest.NewRecorder(), r)
		synctest.Wait()
		leave()
		time.Sleep(30 * time.Second)
		if load := s.Load()["e"]; load[0] != 1 {
			t.Errorf("load %v after the caller left", load)
		}
		time.Sleep(31 * time.Second)
		if load := s.Load()["e"]; load[0] != 0 {
			t.Errorf("load %v after the end", load)
		}
	})
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	s := service(t)
	if w := invoke(s, strings.Repeat("x", maxBodyBytes+1)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "26214400") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := invoke(s, strings.Repeat("x", maxBodyBytes)); w.Code != http.StatusOK || w.Body.Len() != maxBodyBytes {
		t.Errorf("the largest body answered %d", w.Code)
	}
}

func TestNamesThatAreOnlyAskedForAreNotKept(t *testing.T) {
	s := service(t)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/endpoints/other/invocations", nil))
	if len(s.Load()) != 1 {
		t.Errorf("keeps %v", s.Load())
	}
}

// BenchmarkInvoke is the emulator's own cost of a call, without HTTP.
func BenchmarkInvoke(b *testing.B) {
	s := &Service{Account: "000000000000", Faults: injection.New(clock.New(), 1), Journal: &journal.Journal{}}
	s.Publish("e", &Routing{Variants: []Variant{{Name: "v", Weight: 1, Instances: instances(b, 2)}}})
	body := strings.Repeat("0.5,", 50)
	r := httptest.NewRequest(http.MethodPost, "/endpoints/e/invocations", nil)
	r.ContentLength = int64(len(body))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = readCloser{strings.NewReader(body)}
		s.ServeHTTP(discard{http.Header{}}, r)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
