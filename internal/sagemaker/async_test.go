package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

func TestAnAsynchronousEndpointPassesTheExercise(t *testing.T) {
	classes := []model.Class{model.ClassConnection}
	for c := range failures() {
		classes = append(classes, c)
	}
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		return newSite(t, b).async(nil)
	}, classes...)
}

// completed is the notification of a success.
func completed(id, output, body string) string {
	text := `{"eventName":"InferenceResult","eventTime":"2026-01-01T00:00:01.500Z","receivedTime":"2026-01-01T00:00:01.000Z","invocationStatus":"Completed","inferenceId":"` + id +
		`","responseParameters":{"contentType":"text/csv","outputLocation":"` + output + `"`
	if body != "" {
		text += `,"body":{"content":"` + body + `","encoding":"UTF8"}`
	}
	return text + `}}`
}

func failedNotice(id string, status int) string {
	return `{"eventName":"InferenceResult","invocationStatus":"Failed","inferenceId":"` + id + `","failureReason":"` + told(status) + `"}`
}

// listening is a site whose notifications are read while the test runs.
func listening(t *testing.T, decide func(s *site, n int, id string, body []byte)) (*site, *Async) {
	s := newSite(t, modeltest.Behaviour{})
	s.decide = decide
	a := s.async(func(c *Config) { c.Async.Queue = s.url + "/000000000000/ended" })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s, a
}

func TestARequestSaysWhereItsInputIsAndHowLongItMayTake(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{})
	a := s.async(func(c *Config) { c.Async.TTL, c.Async.Timeout = 2*time.Hour, 90*time.Second })
	small := one("1,2")
	small.Accept, small.InferenceID = "text/csv", "e-1"
	large := one(strings.Repeat("1,", maxInlineBytes))
	for _, r := range []*model.Request{small, large} {
		if _, err := a.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		headerInferenceID: "e-1", headerStreamAccept: "text/csv", headerStreamType: "text/csv", headerTTL: "7200", headerLimit: "90", headerExtension: "betimes", headerInput: "",
	} {
		if got := s.headers[0].Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if at := s.headers[1].Get(headerInput); !strings.HasPrefix(at, "s3://data/in/fraud/") {
		t.Errorf("the large one is at %q", at)
	}
}

func TestAResultIsTakenFromItsNotification(t *testing.T) {
	for _, tt := range []struct {
		name  string
		told  func(s *site, id string)
		want  string
		class model.Class
	}{
		{"with the answer in it", func(s *site, id string) { s.notify(completed(id, "s3://data/out/betimes/1.out", "0.5")) }, "0.5", 0},
		{"in an envelope of SNS", func(s *site, id string) {
			s.notify(fmt.Sprintf(`{"Type":"Notification","Message":%q}`, completed(id, "s3://data/out/betimes/1.out", "0.5")))
		}, "0.5", 0},
		{"with the place of the answer", func(s *site, id string) {
			s.answers(1, []byte("0.7"))
			s.notify(completed(id, "s3://data/out/betimes/1.out", ""))
		}, "0.7", 0},
		{"with a place that an earlier run was given", func(s *site, id string) {
			s.put("/data/out/betimes/before.out", []byte("0.8"))
			s.notify(completed(id, "s3://data/out/betimes/before.out", ""))
		}, "0.8", 0},
		{"with an answer whose bytes are no text", func(s *site, id string) {
			s.answers(1, []byte{0xff, 0x00})
			s.notify(completed(id, "s3://data/out/betimes/1.out", `\ufffd\u0000`))
		}, "\xff\x00", 0},
		{"after some that are none", func(s *site, id string) {
			s.notify("?")
			s.notify(`{"eventName":"TestNotification"}`)
			s.notify(failedNotice("of-another", 500))
			s.notify(completed(id, "", "0.9"))
		}, "0.9", 0},
		{"of a failure of the event", func(s *site, id string) { s.notify(failedNotice(id, 415)) }, "", model.ClassBadInput},
		{"of a failure of the model", func(s *site, id string) { s.notify(failedNotice(id, 500)) }, "", model.ClassModelFault},
		{"before the result can be read", func(s *site, id string) {
			s.notify(completed(id, "s3://data/out/betimes/1.out", ""))
			s.answers(1, []byte("1"))
		}, "1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, a := listening(t, func(s *site, _ int, id string, _ []byte) { tt.told(s, id) })
			for range recentJobs { // so that nothing is looked for
				a.pace.took(time.Hour)
			}
			if strings.HasPrefix(tt.name, "before") {
				a.pace = pace{}
			}
			resp, err := a.Invoke(t.Context(), one("1"))
			if tt.class != 0 {
				if model.ClassOf(err) != tt.class {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || string(resp.Answers[0].Body) != tt.want {
				t.Errorf("got %+v, %v", resp, err)
			}
		})
	}
}

func TestTheServicesOwnTimeIsTaken(t *testing.T) {
	_, a := listening(t, func(s *site, _ int, id string, _ []byte) {
		<-time.After(600 * time.Millisecond)
		s.notify(completed(id, "", "0.5"))
	})
	resp, err := a.Invoke(t.Context(), one("1"))
	if err != nil || !resp.Times.Server || resp.Times.Compute != 500*time.Millisecond || resp.Times.Total < 500*time.Millisecond {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestEveryRequestEndsOnceWhateverIsToldLater(t *testing.T) {
	first := make(chan string, 2)
	s, a := listening(t, func(s *site, _ int, id string, _ []byte) { first <- id })
	ctx, giveUp := context.WithCancel(t.Context())
	lost := make(chan error)
	go func() { _, err := a.Invoke(ctx, one("1")); lost <- err }()
	late := <-first
	s.answers(1, []byte("too late"))
	giveUp()
	if err := <-lost; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	s.notify(completed(late, "s3://data/out/betimes/1.out", "too late"))

	done := make(chan error)
	go func() { _, err := a.Invoke(t.Context(), one("2")); done <- err }()
	id := <-first
	for range 3 {
		s.notify(completed(id, "s3://data/out/betimes/2.out", "0.5"))
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.notify(failedNotice(id, 500))
	until(t, func() bool {
		return value(t, a.meter.notices[noticeLate]) == 1 && value(t, a.meter.notices[noticeUsed])+value(t, a.meter.notices[noticeRepeated]) == 4
	})
	until(t, func() bool { return !s.has("/data/out/betimes/1.out") })
	if c, g := value(t, a.meter.requests[jobCompleted]), value(t, a.meter.requests[jobCanceled]); c != 1 || g != 1 {
		t.Errorf("completed %v, canceled %v", c, g)
	}
	if n := value(t, a.meter.pending); n != 0 {
		t.Errorf("%v pending", n)
	}
}

// value is what a counter or gauge shows.
func value(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	m := families[0].GetMetric()[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

// until waits for what must happen.
func until(t *testing.T, is func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatal("it does not happen")
		}
	}
}

func TestAttemptsAtOneEventAreToldApart(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{})
	a := s.async(nil)
	long := strings.Repeat("x", maxInferenceID)
	for _, id := range []string{"e-1", "e-1", "e-1", long, long} {
		r := one("1")
		r.InferenceID = id
		if _, err := a.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, h := range s.headers {
		id := h.Get(headerInferenceID)
		if seen[id] || len(id) > maxInferenceID {
			t.Errorf("%q again, or too long", id)
		}
		seen[id] = true
	}
	if !seen["e-1"] || !seen["e-1.2"] || !seen["e-1.3"] {
		t.Errorf("ids %v", seen)
	}
}

func TestNothingIsLeftInS3(t *testing.T) {
	for _, tt := range []struct {
		name string
		keep bool
		want int
	}{{"by default", false, 0}, {"unless it is kept", true, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, modeltest.Behaviour{Refuse: "bad"})
			a := s.async(func(c *Config) { c.Async.Keep = tt.keep })
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- a.Run(ctx) }()
			for _, body := range []string{strings.Repeat("1,", maxInlineBytes), "bad"} {
				_, _ = a.Invoke(t.Context(), one(body)) // the second fails
			}
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if keys := s.keys(); len(keys) != tt.want {
				t.Errorf("left %v", keys)
			}
		})
	}
}

func TestAResultThatNobodyWaitsForIsCountedAndDeletedWithoutANotification(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{HangFor: 1})
	a := s.async(nil)
	go func() { _ = a.Run(t.Context()) }()
	ctx, giveUp := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { _, err := a.Invoke(ctx, one("1")); failed <- err }()
	until(t, func() bool { return a.outputs.Load() != nil })
	giveUp()
	if err := <-failed; model.ClassOf(err) != model.ClassCanceled {
		t.Fatalf("got %v", err)
	}
	s.answers(1, []byte("too late"))
	until(t, func() bool { return !s.has("/data/out/betimes/1.out") && value(t, a.meter.late) == 1 })
}

func TestWhatAnEarlierRunLeftIsSweptOutByItsAge(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{})
	a := s.async(nil)
	if _, err := a.Invoke(t.Context(), one("1")); err != nil { // where results lie is known now
		t.Fatal(err)
	}
	old, young := time.Now().Add(-8*time.Hour), time.Now().Add(-time.Hour)
	for path, at := range map[string]time.Time{
		"/data/out/betimes/a.out": old, "/data/bad/betimes/a-error.out": old, "/data/in/fraud/a": old,
		"/data/out/betimes/b.out": young, "/data/in/fraud/b": young, "/data/out/others.out": old, "/data/in/fraud2/c": old,
	} {
		s.put(path, []byte("x"))
		s.aged[path] = at
	}
	if err := a.sweep(t.Context(), time.Now().Add(-oldest)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.keys(), " "); got != "/data/in/fraud/b /data/in/fraud2/c /data/out/betimes/1.out /data/out/betimes/b.out /data/out/others.out" {
		t.Errorf("left %s", got)
	}
}

func TestWhatWaitsAtAnEndpointThatGoesIsNotWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name     string
		was, now string
	}{{"deleted", "Deleting", "Missing"}, {"failed", "Updating", "Failed"}} {
		t.Run(tt.name, func(t *testing.T) {
			reached := make(chan struct{}, 1)
			s := newSite(t, modeltest.Behaviour{HangFor: 1, Reached: reached})
			a := s.async(nil)
			failed := make(chan error)
			go func() { _, err := a.Invoke(t.Context(), one("1")); failed <- err }()
			<-reached
			until(t, func() bool { return a.outputs.Load() != nil })
			a.learn(EndpointState{Status: tt.was}, EndpointState{Status: tt.now})
			if err := <-failed; model.ClassOf(err) != model.ClassNotFound || !strings.Contains(err.Error(), "gone") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAFailureOfS3IsWaitedOut(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{})
	refusals := 3
	s.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || refusals == 0 {
			return false
		}
		refusals--
		w.WriteHeader([]int{503, 403, 500}[refusals])
		return true
	}
	if _, err := s.async(nil).Invoke(t.Context(), one("1")); err != nil || refusals != 0 {
		t.Errorf("%v, %d refusals left", err, refusals)
	}
}

func TestARequestThatS3DoesNotTakeIsNotSent(t *testing.T) {
	for status, want := range map[int]model.Class{503: model.ClassUnavailable, 403: model.ClassDenied, 404: model.ClassNotFound} {
		s := newSite(t, modeltest.Behaviour{})
		s.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(status)
			}
			return r.Method == http.MethodPut
		}
		_, err := s.async(nil).Invoke(t.Context(), one(strings.Repeat("1,", maxInlineBytes)))
		if model.ClassOf(err) != want || s.calls != 0 || !strings.Contains(err.Error(), "PutObject") {
			t.Errorf("%d: got %v, %d calls", status, err, s.calls)
		}
	}
}

func TestFailuresOfAsynchronousRequestsAreClassified(t *testing.T) {
	a := newSite(t, modeltest.Behaviour{}).async(nil)
	for _, tt := range []struct {
		text string
		want model.Class
	}{
		{told(400), model.ClassBadInput},
		{told(413), model.ClassTooLarge},
		{told(404), model.ClassNotFound},
		{told(0), model.ClassTimeout},
		{"ClientError: Received server error (503) from primary with message \"x\"", model.ClassModelFault},
		{"ClientError: The request expired: it waited for longer than its RequestTTLSeconds.", model.ClassUnavailable},
		{"ClientError: Failed to download s3://data/in/x: no such object", model.ClassUnavailable},
		{"ClientError: Failed to upload to s3://data/out/x: no such bucket", model.ClassUnavailable},
		{"InternalServerError: no variant has weight", model.ClassUnavailable},
		{"something that was never seen", model.ClassModelFault},
		{"", model.ClassModelFault},
	} {
		if err := a.failed(tt.text); model.ClassOf(err) != tt.want || !strings.Contains(err.Error(), "fraud") {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestAsynchronousMetricsAreSharedByEndpointsOfOneRegistry(t *testing.T) {
	r := prometheus.NewRegistry()
	newMetrics(r).async("a").requests[jobCompleted].Inc()
	newMetrics(r).async("b").pending.Inc()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "betimes_sagemaker_async_pending" && len(f.GetMetric()) != 2 {
			t.Errorf("got %v", f)
		}
	}
}

func TestARequestWithoutAResultInItsTimeHasExpired(t *testing.T) {
	s := newSite(t, modeltest.Behaviour{HangFor: 1})
	a := s.async(func(c *Config) { c.Async.TTL, c.Async.Timeout = 200*time.Millisecond, -lifeMargin })
	_, err := a.Invoke(t.Context(), one("1"))
	if model.ClassOf(err) != model.ClassTimeout || !strings.Contains(err.Error(), "no result within 200ms") || value(t, a.meter.requests[jobExpired]) != 1 {
		t.Errorf("got %v", err)
	}
}

func FuzzReadNotice(f *testing.F) {
	f.Add(completed("e-1", "s3://data/out/1.out", "0.5"))
	f.Add(failedNotice("e-1", 500))
	f.Add(`{"Type":"Notification","Message":"{}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := readNotice(text)
		if err == nil && (n.id == "" || n.took < 0 || n.failed && n.body != nil) {
			t.Errorf("read %+v", n)
		}
	})
}
