package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/listen"
	"betimes/internal/privacy"
	"betimes/internal/setting"
)

const payment = `{"id":"p-1","card_token":"c-9"}`

// sent sends in its own goroutine.
func sent(s *Server, body string, headers ...string) <-chan *httptest.ResponseRecorder {
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() { answer <- send(s, body, headers...) }()
	return answer
}

func TestNothingIsAnsweredBeforeTheBrokerHasTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{hold: make(chan *event.Event, 1)}
		s := newServer(t, testConfig(), Deps{Next: b})
		answer := sent(s, payment)
		e := <-b.hold
		synctest.Wait()
		select {
		case w := <-answer:
			t.Fatalf("answered %d %s before the event was durable", w.Code, w.Body)
		default:
		}
		e.Settled(event.Source{Topic: "events", Partition: 5, Offset: 42}, nil)
		if w := <-answer; w.Body.String() != `{"id":"p-1","partition":5,"offset":42}`+"\n" {
			t.Errorf("answer is %d %s", w.Code, w.Body)
		}
	})
}

func TestABrokerThatDoesNotAcknowledgeIs503AndTheEventIsStillFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{hold: make(chan *event.Event, 1)}
		s := newServer(t, testConfig(), Deps{Next: b})
		began := time.Now()
		first := sent(s, payment)
		e := <-b.hold
		w := <-first
		checkAnswer(t, "POST", "/v1/events", w)
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || time.Since(began) != 10*time.Second {
			t.Errorf("answer is %d %s after %v", w.Code, w.Body, time.Since(began))
		}
		if s.flight.bytes.Load() == 0 {
			t.Error("an event that the producer still holds counts as in flight no longer")
		}
		again := sent(s, payment) // waits for the same record instead of writing a second one
		synctest.Wait()
		e.Settled(event.Source{Topic: "events", Partition: 1, Offset: 2}, nil)
		if w := <-again; w.Code != 202 || !strings.Contains(w.Body.String(), `"offset":2`) {
			t.Errorf("the retry's answer is %d %s", w.Code, w.Body)
		}
		if n := len(b.taken()); n != 1 {
			t.Errorf("%d events were handed on", n)
		}
		if n := s.flight.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are still in flight", n)
		}
	})
}

func TestAnEventThatFailedIsForgottenSoThatARetryMaySucceed(t *testing.T) {
	for name, b := range map[string]*broker{
		"settled with an error": {fail: errors.New("leader lost")},
		"not taken":             {refuse: errors.New("buffer full")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, testConfig(), Deps{Next: b})
			w := post(t, s, payment)
			if w.Code != 503 || strings.Contains(w.Body.String(), "leader") {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
			b.fail, b.refuse = nil, nil
			if w := post(t, s, payment); w.Code != 202 {
				t.Errorf("the retry's answer is %d %s", w.Code, w.Body)
			}
			if c := s.Snapshot(); c.Accepted != 1 || c.Failed != 1 || c.InFlight != 0 || c.InFlightBytes != 0 {
				t.Errorf("counts are %+v", c)
			}
		})
	}
}

func TestAnEventTooLargeForTheTopicIs413(t *testing.T) {
	s := newServer(t, testConfig(), Deps{Next: &broker{fail: fmt.Errorf("write to topic events: %w", kafka.ErrTooLarge)}})
	if w := post(t, s, payment); w.Code != 413 || !strings.Contains(w.Body.String(), "max.message.bytes") {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestAReloadTakesRateTokensAndBudgetOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{}
		c := testConfig()
		s := newServer(t, c, Deps{Next: b})
		c.Rate = 1
		c.Tokens = []listen.TokenConfig{{Name: "shop", Token: setting.NewSecret("s3cret")}}
		s.Reload(c, budget.Budget{Latency: time.Second}, privacy.Policy{})
		if w := post(t, s, payment); w.Code != 401 {
			t.Errorf("without a token the answer is %d %s", w.Code, w.Body)
		}
		if w := post(t, s, payment, "Authorization: Bearer s3cret"); w.Code != 202 {
			t.Errorf("with the token the answer is %d %s", w.Code, w.Body)
		}
		if e := b.taken()[0]; e.Deadline.Sub(e.Received) != time.Second {
			t.Errorf("the deadline is %v after the event came", e.Deadline.Sub(e.Received))
		}
		s.Reload(c, budget.Budget{Latency: time.Second}, privacy.Policy{})
		if w := post(t, s, `{"card_token":"a"}`, "Authorization: Bearer s3cret"); w.Code != 429 {
			t.Errorf("a reload filled the rate again: answer is %d %s", w.Code, w.Body)
		}
	})
}

func TestAnEventThatAnotherGatewayAcceptedGetsTheSameAnswer(t *testing.T) {
	b := &broker{}
	s := newServer(t, testConfig(), Deps{Next: b})
	s.Remember("p-1", []byte(payment), event.Source{Topic: "events", Partition: 9, Offset: 99})
	if w := post(t, s, payment); w.Code != 202 || !strings.Contains(w.Body.String(), `"partition":9,"offset":99`) || len(b.taken()) != 0 {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestAHandlerBeforeTheBrokerMayRefuseWithItsOwnProblem(t *testing.T) {
	b := &broker{refuse: fmt.Errorf("preprocess: %w", listen.NewProblem(422, "rule", "A rule refused the event", "amount is less than 0"))}
	s := newServer(t, testConfig(), Deps{Next: b})
	if w := post(t, s, payment); w.Code != 422 || !strings.Contains(w.Body.String(), "urn:betimes:problem:rule") {
		t.Errorf("answer is %d %s", w.Code, w.Body)
	}
}

func TestTheSameIDGetsTheSameAnswerAndAnotherBodyNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{}
		s := newServer(t, testConfig(), Deps{Next: b})
		first := post(t, s, payment).Body.String()
		post(t, s, `{"id":"p-2","card_token":"c-9"}`)
		if w := post(t, s, payment); w.Code != 202 || w.Body.String() != first {
			t.Errorf("the repeated event's answer is %d %s", w.Code, w.Body)
		}
		if w := post(t, s, `{"id":"p-1","card_token":"c-8"}`); w.Code != 422 {
			t.Errorf("the other body's answer is %d %s", w.Code, w.Body)
		}
		if c := s.Snapshot(); c.Accepted != 2 || c.Duplicate != 1 {
			t.Errorf("counts are %+v", c)
		}
		time.Sleep(10 * time.Minute) // of the bubble's clock: the window is over
		if w := post(t, s, `{"id":"p-1","card_token":"c-8"}`); w.Code != 202 {
			t.Errorf("after the window the answer is %d %s", w.Code, w.Body)
		}
	})
}

func TestConcurrentDuplicatesWaitForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{hold: make(chan *event.Event, 1)}
		s := newServer(t, testConfig(), Deps{Next: b})
		var answers []<-chan *httptest.ResponseRecorder
		for range 20 {
			answers = append(answers, sent(s, payment))
		}
		e := <-b.hold
		synctest.Wait()
		if w := post(t, s, `{"id":"p-1","card_token":"c-8"}`); w.Code != 422 {
			t.Errorf("another body meanwhile: answer is %d %s", w.Code, w.Body)
		}
		e.Settled(event.Source{Topic: "events", Partition: 1, Offset: 7}, nil)
		for _, answer := range answers {
			if w := <-answer; w.Code != 202 || !strings.Contains(w.Body.String(), `"offset":7`) {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
		}
		if n := len(b.taken()); n != 1 {
			t.Errorf("%d events were handed on", n)
		}
	})
}

func TestACallerThatGoesDoesNotTakeItsEventAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{hold: make(chan *event.Event, 1)}
		s := newServer(t, testConfig(), Deps{Next: b})
		ctx, leave := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/events", strings.NewReader(payment))
			s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		}()
		e := <-b.hold
		leave()
		<-done
		e.Settled(event.Source{Topic: "events", Offset: 7}, nil)
		if w := post(t, s, payment); w.Code != 202 || !strings.Contains(w.Body.String(), `"offset":7`) {
			t.Errorf("the caller that came back got %d %s", w.Code, w.Body)
		}
	})
}

func TestMoreThanMayBeInFlightIs503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		c.MaxBytes, c.MaxBody, c.MaxInFlight = 2*setting.KiB, 2*setting.KiB, 3*setting.KiB
		b := &broker{hold: make(chan *event.Event, 1)}
		s := newServer(t, c, Deps{Next: b})
		big := func(id string) string {
			return `{"id":"` + id + `","card_token":"k","pad":"` + strings.Repeat("x", 1900) + `"}`
		}
		first := sent(s, big("a"))
		e := <-b.hold
		if w := post(t, s, big("b")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("the second event's answer is %d %s", w.Code, w.Body)
		}
		if w := post(t, s, "id,card_token,a_long_name_of_a_column\n"+strings.Repeat("1,2,3\n", 40), "Content-Type: text/csv"); !strings.Contains(w.Body.String(), `"status":503`) {
			t.Errorf("rows without room: answer is %d %s", w.Code, w.Body)
		}
		e.Settled(event.Source{Topic: "events"}, nil)
		<-first
		(<-b.hold).Settled(event.Source{Topic: "events"}, nil) // the row that had room
		b.hold = nil
		if w := post(t, s, big("b")); w.Code != 202 {
			t.Errorf("once there is room the answer is %d %s", w.Code, w.Body)
		}
		if n := s.flight.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are still in flight", n)
		}
	})
}

func TestMoreThanTheRateIs429UntilTimeHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		c.Rate = 2
		s := newServer(t, c, Deps{Next: &broker{}})
		for i := range 2 {
			if w := post(t, s, fmt.Sprintf(`{"card_token":"k","n":%d}`, i)); w.Code != 202 {
				t.Fatalf("event %d: answer is %d %s", i, w.Code, w.Body)
			}
		}
		if w := post(t, s, `{"card_token":"k"}`); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("answer is %d %v", w.Code, w.Header())
		}
		time.Sleep(500 * time.Millisecond) // of the bubble's clock
		if w := post(t, s, `{"card_token":"k"}`); w.Code != 202 {
			t.Errorf("half a second later the answer is %d %s", w.Code, w.Body)
		}
	})
}

func TestIdsOfTheLastWindowAreKnownBeforeEventsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		recent := func(_ context.Context, since time.Time, each func(string, []byte, event.Source)) error {
			if attempts++; attempts == 1 {
				return errors.New("no broker yet")
			}
			if time.Since(since) != 10*time.Minute {
				t.Errorf("asked for the events of the last %v", time.Since(since))
			}
			each("p-1", []byte(payment), event.Source{Topic: "events", Partition: 4, Offset: 40})
			each("p-1", []byte("a later copy"), event.Source{Topic: "events", Partition: 4, Offset: 41})
			each("p-2", nil, event.Source{Topic: "events", Partition: 4, Offset: 42})
			return nil
		}
		b := &broker{}
		s := newServer(t, testConfig(), Deps{Next: b, Recent: recent})
		if w := post(t, s, payment); w.Code != 503 {
			t.Errorf("before, the answer is %d %s", w.Code, w.Body)
		}
		if w := get(t, s, "/readyz", "/readyz"); w.Code != 503 {
			t.Errorf("before, readiness is %d %s", w.Code, w.Body)
		}
		s.recall(t.Context())
		<-s.Ready()
		for body, want := range map[string]int{payment: 202, `{"id":"p-1","card_token":"x"}`: 422, `{"id":"p-2","card_token":"any body"}`: 202} {
			if w := post(t, s, body); w.Code != want || want == 202 && !strings.Contains(w.Body.String(), `"partition":4,"offset":4`) {
				t.Errorf("%s: answer is %d %s", body, w.Code, w.Body)
			}
		}
		if len(b.taken()) != 0 {
			t.Error("a known event was handed on")
		}
	})
}

func TestAnswersThatSettleOutOfOrderAreBothKept(t *testing.T) {
	m := newMemory(IdempotencyConfig{Window: time.Minute, Max: 100})
	now := time.Now()
	for i, at := range []time.Time{now, now.Add(-time.Second), now.Add(time.Second)} {
		ticket, first, err := m.begin(fmt.Sprint(i), nil, at)
		if err != nil || !first {
			t.Fatal(first, err)
		}
		m.settle(ticket, event.Source{}, nil, at)
	}
	if m.len() != 3 {
		t.Errorf("%d of 3 ids are kept", m.len())
	}
}

func TestMemoryOfIdsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(IdempotencyConfig{Window: time.Minute, Max: 100})
		keep := func(id string) {
			now := time.Now()
			if ticket, first, err := m.begin(id, []byte(id), now); err == nil && first {
				m.settle(ticket, event.Source{}, nil, now)
			}
		}
		for i := range 10_000 {
			keep(fmt.Sprint(i))
		}
		if m.len() != 100 {
			t.Errorf("%d ids are kept", m.len())
		}
		if n := len(m.answers.chunks); n > 2 {
			t.Errorf("the answers of 100 ids take %d chunks", n)
		}
		if _, first, _ := m.begin("9999", []byte("9999"), time.Now()); first {
			t.Error("the newest id was forgotten")
		}
		time.Sleep(2 * time.Minute) // of the bubble's clock
		keep("new")
		if m.len() != 1 {
			t.Errorf("%d ids are kept after the window", m.len())
		}
	})
}
