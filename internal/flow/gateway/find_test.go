package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
	"betimes/internal/privacy"
	"betimes/internal/setting"
)

// trail is a Finder that is told what ended.
type trail struct {
	mu      sync.Mutex
	known   map[string]event.Whereabouts
	waiting map[string]chan event.Whereabouts
	err     error
}

func newTrail() *trail {
	return &trail{known: map[string]event.Whereabouts{}, waiting: map[string]chan event.Whereabouts{}}
}

func (f *trail) Find(_ context.Context, id string) (event.Whereabouts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return event.Whereabouts{}, f.err
	}
	if where, ok := f.known[id]; ok {
		return where, nil
	}
	return event.Whereabouts{}, event.ErrUnknown
}

func (f *trail) Expect(id string) (func(context.Context) (event.Whereabouts, error), func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ended := make(chan event.Whereabouts, 1)
	f.waiting[id] = ended
	wait := func(ctx context.Context) (event.Whereabouts, error) {
		select {
		case where := <-ended:
			return where, nil
		case <-ctx.Done():
			return event.Whereabouts{}, ctx.Err()
		}
	}
	return wait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiting, id)
	}
}

// end tells that an event ended.
func (f *trail) end(where event.Whereabouts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[where.ID] = where
	if ended, ok := f.waiting[where.ID]; ok {
		ended <- where
	}
}

func predicted(id string) event.Whereabouts {
	where := event.Whereabouts{
		ID: id, Key: []byte("c-9"), Place: event.Predicted,
		Accepted: event.Source{Topic: "events", Partition: 3, Offset: 1}, At: time.Unix(1795629600, 0),
		Ended: event.Source{Topic: "predictions", Partition: 3, Offset: 9}, EndedAt: time.Unix(1795629601, 0),
		Prediction: json.RawMessage(`{"id":"` + id + `","status":"ok","prediction":{"fraud":0.25}}`), Decisions: "cache:miss:",
	}
	where.Timeline.Start(time.Unix(1795629600, 0))
	where.Timeline.Mark(event.StageGateway, time.Unix(1795629600, 250_000))
	where.Timeline.Mark(event.StageModel, time.Unix(1795629600, 9_250_000))
	return where
}

func TestWhereAnEventIsIsTold(t *testing.T) {
	f := newTrail()
	f.end(predicted("p-1"))
	s := newServer(t, testConfig(), Deps{Next: &broker{}, Finder: f, Privacy: privacy.Policy{Show: privacy.Keys}})
	w := get(t, s, "/v1/events/p-1", "/v1/events/{id}")
	want := `{"id":"p-1","key":"c-9","place":"predicted","accepted":{"topic":"events","partition":3,"offset":1},"accepted_at":"2026-11-25T18:00:00Z",` +
		`"ended":{"topic":"predictions","partition":3,"offset":9},"ended_at":"2026-11-25T18:00:01Z","latency_us":9250,"stages_us":{"gateway":250,"model":9000},` +
		`"prediction":{"id":"p-1","status":"ok","prediction":{"fraud":0.25}},"decisions":"cache:miss:"}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
	for _, id := range []string{"p-2", strings.Repeat("x", 200), "%00"} {
		if w := get(t, s, "/v1/events/"+id, "/v1/events/{id}"); w.Code != 404 {
			t.Errorf("%s: answer is %d %s", id, w.Code, w.Body)
		}
	}
	f.err = errors.New("disk on fire at /secret/path")
	if w := get(t, s, "/v1/events/p-1", "/v1/events/{id}"); w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestKeysAreHiddenWherePrivacySaysSo(t *testing.T) {
	f := newTrail()
	f.end(event.Whereabouts{ID: "p-1", Key: []byte(secret)})
	s := newServer(t, testConfig(), Deps{Next: &broker{}, Finder: f, Privacy: privacy.Policy{Show: privacy.None}})
	if w := get(t, s, "/v1/events/p-1", "/v1/events/{id}"); w.Code != 200 || strings.Contains(w.Body.String(), secret) {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestWithoutAFinderNothingIsKnownAndWaitingIsNotOffered(t *testing.T) {
	s := newServer(t, testConfig(), Deps{Next: &broker{}})
	if w := get(t, s, "/v1/events/p-1", "/v1/events/{id}"); w.Code != 404 {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
	if w := post(t, s, payment, "Prefer: wait=2"); w.Code != 202 || w.Header().Get("Preference-Applied") != "" {
		t.Errorf("answer is %d %v", w.Code, w.Header())
	}
}

func TestACallerThatWaitsGetsThePrediction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTrail()
		s := newServer(t, testConfig(), Deps{Next: &broker{}, Finder: f})
		answer := sent(s, payment, "Prefer: respond-async, wait=2")
		synctest.Wait()
		f.end(predicted("p-1"))
		w := <-answer
		checkAnswer(t, "POST", "/v1/events", w)
		if w.Code != 200 || w.Body.String() != `{"id":"p-1","status":"ok","prediction":{"fraud":0.25}}`+"\n" || w.Header().Get("Preference-Applied") != "wait=2" {
			t.Errorf("answer is %d %s %v", w.Code, w.Body, w.Header())
		}
		again := post(t, s, payment, "Prefer: wait=2")
		if again.Code != 200 || again.Body.String() != w.Body.String() {
			t.Errorf("the repeated event's answer is %d %s", again.Code, again.Body)
		}
		if len(f.waiting) != 0 {
			t.Error("an interest was left behind")
		}
	})
}

func TestACallerThatWaitsHearsOfOtherEndings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTrail()
		s := newServer(t, testConfig(), Deps{Next: &broker{}, Finder: f})
		answer := sent(s, payment, "Prefer: wait=2")
		synctest.Wait()
		f.end(event.Whereabouts{ID: "p-1", Place: event.DeadLetter, Reason: event.ReasonModelError, Stage: "model", Attempts: 5})
		w := <-answer
		checkAnswer(t, "POST", "/v1/events", w)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"place":"dead_letter"`) || !strings.Contains(w.Body.String(), `"reason":"model_error"`) {
			t.Errorf("answer is %d %s", w.Code, w.Body)
		}
	})
}

func TestACallerThatWaitsInVainIsToldThatTheEventWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, testConfig(), Deps{Next: &broker{}, Finder: newTrail()})
		for prefer, want := range map[string]time.Duration{"wait=2": 2 * time.Second, `wait="3"`: 3 * time.Second, "Wait=100": time.Minute, "wait=soon": 0, "wait=-1": 0, "return=minimal": 0} {
			began := time.Now()
			w := post(t, s, payment, "Prefer: "+prefer)
			if w.Code != 202 || time.Since(began) != want {
				t.Errorf("%s: answer is %d %s after %v", prefer, w.Code, w.Body, time.Since(began))
			}
		}
	})
}

func TestOtherRoutesAndMethodsAreProblems(t *testing.T) {
	s := newServer(t, testConfig(), Deps{Next: &broker{}})
	for name, c := range map[string]struct {
		method, path string
		status       int
		allow        string
	}{
		"an unknown path":          {"GET", "/v2/events", 404, ""},
		"events cannot be listed":  {"GET", "/v1/events", 405, "POST"},
		"events cannot be deleted": {"DELETE", "/v1/events/p-1", 405, "GET"},
		"health is only asked":     {"POST", "/healthz", 405, "GET"},
	} {
		t.Run(name, func(t *testing.T) {
			w := request(s, c.method, c.path)
			p := problemOf(t, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
			if p.Status != c.status || w.Header().Get("Allow") != c.allow {
				t.Errorf("answer is %d %s %v", w.Code, w.Body, w.Header())
			}
		})
	}
}

func TestTheTokenOfMetricsGuardsThemAtTheGatewayToo(t *testing.T) {
	for _, c := range []struct {
		name           string
		scrape, sender string // tokens that are set
		shown          string
		want           int
	}{
		{"nothing is set", "", "", "", 200},
		{"nobody shows it", "scr4pe", "", "", 401},
		{"it is shown", "scr4pe", "", "scr4pe", 200},
		{"it is shown where senders have tokens", "scr4pe", "s3cret", "scr4pe", 200},
		{"a sender's is shown", "scr4pe", "s3cret", "s3cret", 200},
		{"only senders have one, and it is shown", "", "s3cret", "s3cret", 200},
		{"only senders have one", "", "s3cret", "", 401},
		{"a guess is shown", "scr4pe", "s3cret", "guess", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, deps := testConfig(), Deps{Next: &broker{}}
			if c.sender != "" {
				config.Tokens = []listen.TokenConfig{{Name: "shop", Token: setting.NewSecret(c.sender)}}
			}
			if c.scrape != "" {
				deps.Scrape = setting.NewSecret(c.scrape)
			}
			s := newServer(t, config, deps)
			if w := get(t, s, "/metrics", "/metrics", "Authorization: Bearer "+c.shown); w.Code != c.want {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
			if w := post(t, s, payment, "Authorization: Bearer scr4pe"); c.sender != "" && w.Code != 401 {
				t.Errorf("the token of metrics sends events: %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestTokensGuardAllButHealthAndDescription(t *testing.T) {
	c := testConfig()
	c.Tokens = []listen.TokenConfig{{Name: "shop", Token: setting.NewSecret("s3cret")}}
	ready := errors.New("no broker answers")
	s := newServer(t, c, Deps{Next: &broker{}, Ready: func() error { return ready }})
	if w := post(t, s, payment); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("without a token the answer is %d %s", w.Code, w.Body)
	}
	if w := post(t, s, payment, "Authorization: Bearer guess"); w.Code != 401 {
		t.Errorf("with a wrong token the answer is %d %s", w.Code, w.Body)
	}
	if w := post(t, s, payment, "Authorization: Bearer s3cret"); w.Code != 202 {
		t.Errorf("with the token the answer is %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{"/openapi.json": 200, "/healthz": 200, "/readyz": 503, "/metrics": 401} {
		if w := get(t, s, path, path); w.Code != want {
			t.Errorf("%s: answer is %d %s", path, w.Code, w.Body)
		}
	}
	ready = nil
	if w := get(t, s, "/readyz", "/readyz"); w.Code != http.StatusOK {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
	w := get(t, s, "/metrics", "/metrics", "Authorization: Bearer s3cret")
	for _, line := range []string{
		`betimes_gateway_requests_total{code="202"} 1`, `betimes_gateway_requests_total{code="401"} 3`, `betimes_gateway_events_total{result="accepted"} 1`,
		`betimes_gateway_in_flight_bytes 0`, `betimes_gateway_ack_seconds_count 1`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
