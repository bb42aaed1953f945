package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/flow/gateway"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// accepted is an answer of the gateway.
type accepted struct {
	ID        string
	Partition int32
	Offset    int64
	Status    int
}

// site is a gateway before real brokers.
type site struct {
	brokers *broker.Cluster
	cluster *kafka.Cluster
}

func newSite(t *testing.T) *site {
	t.Helper()
	b, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	config := kafka.DefaultConfig()
	config.Seeds = b.Addrs()
	c, err := kafka.Open(config, kafka.Deps{Pipeline: "test", Instance: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	spec := kafka.TopicSpec{Name: "events", Partitions: 6, ReplicationFactor: 3}
	if err := c.EnsureTopics(t.Context(), []kafka.TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
	return &site{b, c}
}

// gateway starts a gateway; several may run at a time, one after the other is a restart.
func (s *site) gateway(t *testing.T, change func(*gateway.Config)) string {
	t.Helper()
	p, err := s.cluster.NewProducer("events")
	if err != nil {
		t.Fatal(err)
	}
	config := gateway.DefaultConfig()
	config.Key, config.ID = "/card", "/id"
	change(&config)
	server, err := gateway.New(config, gateway.Deps{Budget: budget.Budget{Latency: 250 * time.Millisecond}, Next: p.Events("events"), Recent: s.recent})
	if err != nil {
		t.Fatal(err)
	}
	l := httptest.NewServer(server.Handler())
	t.Cleanup(func() { l.Close(); p.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }() // it reads the last window; the test asks through l
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-server.Ready()
	return l.URL
}

func (s *site) recent(ctx context.Context, since time.Time, each func(string, []byte, event.Source)) error {
	return s.read(ctx, kafka.TailAt(since), func(e *event.Event) {
		each(string(e.Header(event.HeaderID)), e.Value, e.Source)
	})
}

func (s *site) read(ctx context.Context, from kafka.TailFrom, each func(*event.Event)) error {
	tail, err := s.cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{"events"}, From: from})
	if err != nil {
		return err
	}
	defer tail.Close()
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			each(e)
		}
	}
	return nil
}

func post(t *testing.T, url, contentType, body string) (int, []byte) {
	t.Helper()
	answer, err := http.Post(url+"/v1/events", contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, b.Bytes()
}

func TestWhatIsAnsweredIsInTheTopicAndStaysTrueOverARestart(t *testing.T) {
	s := newSite(t)
	random := func(c *gateway.Config) { c.Listen = "127.0.0.1:0" }
	url := s.gateway(t, random)
	bodies, answers := map[string]string{}, map[string]accepted{}
	var lines strings.Builder
	for i := range 300 {
		id := fmt.Sprintf("e-%d", i)
		bodies[id] = fmt.Sprintf(`{"id":%q,"card":"c-%d",  "amount":%d.50}`, id, i%7, i)
		fmt.Fprintln(&lines, bodies[id])
	}
	status, body := post(t, url, "application/x-ndjson", lines.String())
	if status != 200 {
		t.Fatalf("answer is %d %s", status, body)
	}
	for line := range bytes.Lines(body) {
		var a accepted
		if err := json.Unmarshal(line, &a); err != nil || a.Status != 202 {
			t.Fatalf("%v: %s", err, line)
		}
		answers[a.ID] = a
	}
	found := 0
	err := s.read(t.Context(), kafka.TailStart(), func(e *event.Event) {
		found++
		id := string(e.Header(event.HeaderID))
		if a := answers[id]; e.Source.Partition != a.Partition || e.Source.Offset != a.Offset || string(e.Value) != bodies[id] {
			t.Errorf("%s was answered as %+v and is at %v: %s", id, a, e.Source, e.Value)
		}
		line := e.Header(event.HeaderTimeline)
		if timeline, err := event.ParseTimeline(line); err != nil || len(line) > 100 || timeline.Began().After(e.Recorded.Add(time.Millisecond)) {
			t.Errorf("%s has the timeline %q: %v", id, line, err)
		}
		if len(e.Header(event.HeaderDeadline)) == 0 || e.ContentType != "application/json" {
			t.Errorf("%s has the headers %v", id, e.Headers)
		}
	})
	if err != nil || found != len(bodies) || len(answers) != len(bodies) {
		t.Fatalf("%d events are in the topic, %d were answered: %v", found, len(answers), err)
	}
	again := s.gateway(t, random)
	for id, a := range answers {
		status, body := post(t, again, "application/json", bodies[id])
		var got accepted
		if err := json.Unmarshal(body, &got); err != nil || status != 202 || got.Offset != a.Offset || got.Partition != a.Partition {
			t.Fatalf("after a restart %s is answered %d %s, before it was %+v", id, status, body, a)
		}
	}
	if status, body := post(t, again, "application/json", `{"id":"e-1","card":"other"}`); status != 422 {
		t.Errorf("another body of a known id: answer is %d %s", status, body)
	}
}

func TestWithoutBrokersNothingIsAccepted(t *testing.T) {
	s := newSite(t)
	url := s.gateway(t, func(c *gateway.Config) {
		c.Listen, c.AckTimeout = "127.0.0.1:0", 200*time.Millisecond
	})
	// The first write opens connections, which may take longer: it is asked for until it is durable.
	for until := time.Now().Add(time.Minute); ; {
		status, body := post(t, url, "application/json", `{"id":"a","card":"c"}`)
		if status == 202 {
			break
		}
		if status != 503 || time.Now().After(until) {
			t.Fatalf("answer is %d %s", status, body)
		}
	}
	s.brokers.Close()
	for _, id := range []string{"b", "b", "c"} {
		if status, body := post(t, url, "application/json", `{"id":"`+id+`","card":"c"}`); status != 503 {
			t.Errorf("%s: answer is %d %s", id, status, body)
		}
	}
	if status, body := post(t, url, "application/json", `{"id":"a","card":"c"}`); status != 202 {
		t.Errorf("an event that is durable: answer is %d %s", status, body)
	}
}

func TestAnEventOverTheTopicsLimitIsRefusedAsTooLarge(t *testing.T) {
	s := newSite(t)
	url := s.gateway(t, func(c *gateway.Config) { c.Listen, c.MaxBytes = "127.0.0.1:0", 8<<20 })
	status, body := post(t, url, "application/json", `{"id":"a","card":"c","pad":"`+strings.Repeat("x", 4<<20)+`"}`)
	if status != 413 {
		t.Errorf("answer is %d %s", status, body)
	}
}
