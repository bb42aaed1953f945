package loadgen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

// pipeline is a fake of everything behind the sender: it accepts, predicts after
// a while, and puts the records where the Tail reads them.
type pipeline struct {
	mu      sync.Mutex
	offset  int64
	records chan *event.Event
	sent    []Outgoing
	fate    func(number int64, e *event.Event) []*event.Event // nil: predicted once
	result  func(number int64) Result                         // nil: accepted
}

func newPipeline() *pipeline { return &pipeline{records: make(chan *event.Event, 100_000)} }

func (p *pipeline) Send(_ context.Context, e Outgoing, done func(Result)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := p.offset
	p.offset++
	p.sent = append(p.sent, e)
	r := Result{Outcome: Accepted, Source: event.Source{Topic: "events", Offset: number}}
	if p.result != nil {
		r = p.result(number)
	}
	received := time.Now()
	go func() {
		done(r)
		if r.Outcome != Accepted {
			return
		}
		time.Sleep(10 * time.Millisecond)
		p.end(number, &e, received)
	}()
}

// end writes the records of one event: the stages take 3 and 5 ms, then 2 ms pass.
func (p *pipeline) end(number int64, e *Outgoing, received time.Time) {
	record := &event.Event{
		ID: e.ID, Key: e.Key, Source: event.Source{Topic: "predictions", Offset: number}, Fetched: time.Now(),
		Headers: []event.Header{
			{Name: event.HeaderID, Value: []byte(e.ID)},
			{Name: event.HeaderSource, Value: fmt.Appendf(nil, "events:0:%d", number)},
		},
		Value: fmt.Appendf(nil, `{"id":%q,"status":"ok","prediction":{"score":0.25},"received":%q,"late":%v,"latency_us":8000,"stages_us":{"queue":3000,"network":5000}}`,
			e.ID, received.UTC().Format(time.RFC3339Nano), number%10 == 0),
	}
	records := []*event.Event{record}
	if p.fate != nil {
		records = p.fate(number, record)
	}
	for _, r := range records {
		p.records <- r
	}
}

func (p *pipeline) Poll(ctx context.Context) ([]*event.Event, error) {
	select {
	case e := <-p.records:
		return []*event.Event{e}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var topics = Topics{Predictions: "predictions", DeadLetters: "dead-letters", Quarantine: "quarantine", Shed: "shed", Parked: "parked"}

// withTimers is a Pacer that synctest's clock drives.
func withTimers(ctx context.Context, until time.Time) { coarse(ctx, time.Until(until)) }

func load(t *testing.T, c Config, p *pipeline) Report {
	t.Helper()
	r, err := Run(t.Context(), c, Deps{Sender: p, Tail: p, Topics: topics, Pacer: withTimers})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func smallConfig() Config {
	c := DefaultConfig()
	c.Rate, c.For = 100, 10*time.Second
	return c
}

func TestEveryEventIsSentAtItsMomentAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		r := load(t, smallConfig(), p)
		want := Counts{Sent: 1000, Events: 1000, Accepted: 1000, Predicted: 1000, Late: 100}
		if r.Counts != want || !r.Settled || r.Stopped {
			t.Errorf("counts %+v settled %v, want %+v", r.Counts, r.Settled, want)
		}
		for i, e := range p.sent {
			if at := e.Intended.Sub(p.sent[0].Intended); at != time.Duration(i)*10*time.Millisecond {
				t.Fatalf("event %d at %s", i, at)
			}
		}
		if r.P50 < 9_990 || r.P50 > 10_010 || r.Lag.Max != 0 {
			t.Errorf("latency p50 %d µs, lag max %d µs; want 10000 and 0", r.P50, r.Lag.Max)
		}
		if r.Quality == nil || r.Quality.Labelled != 1000 {
			t.Errorf("quality %+v, want 1000 labelled", r.Quality)
		}
	})
}

func TestTheStageTableSumsToTheClientsOwnMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := load(t, smallConfig(), newPipeline())
		var names []string
		sum := 0.0
		for _, row := range r.Stages {
			names = append(names, row.Stage)
			sum += row.Mean
		}
		if got := strings.Join(names, " "); got != "send queue network deliver" {
			t.Errorf("rows %s", got)
		}
		if sum < 9_990 || sum > 10_010 || r.Residual == nil || r.Residual.Max > 1 {
			t.Errorf("rows sum to %.0f µs, residual %+v", sum, r.Residual)
		}
	})
}

func TestAStageThatIsMissingFromTheTableShowsInTheResidual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.fate = func(_ int64, e *event.Event) []*event.Event {
			e.Value = bytes.Replace(e.Value, []byte(`"queue":3000,`), nil, 1)
			return []*event.Event{e}
		}
		r := load(t, smallConfig(), p)
		if r.Residual == nil || r.Residual.P50 < 2_990 || r.Residual.Beyond != 1 {
			t.Errorf("residual %+v, want 3 ms for every event", r.Residual)
		}
	})
}

func TestWhereEveryEventEndedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		in := func(e *event.Event, topic string) *event.Event {
			other := *e
			other.Source.Topic = topic
			return &other
		}
		p.fate = func(number int64, e *event.Event) []*event.Event {
			switch number {
			case 10:
				return nil // lost
			case 20:
				return []*event.Event{e, e} // duplicated
			case 30:
				return []*event.Event{e, in(e, "dead-letters")} // two places
			case 40:
				return []*event.Event{in(e, "dead-letters")}
			case 50:
				return []*event.Event{in(e, "shed")}
			case 60:
				return []*event.Event{in(e, "quarantine")}
			case 65:
				return []*event.Event{in(e, "parked")}
			case 66: // parked, and resumed
				return []*event.Event{in(e, "parked"), e}
			case 70:
				foreign := *e
				foreign.ID, foreign.Headers = "another", nil
				return []*event.Event{e, &foreign}
			}
			return []*event.Event{e}
		}
		r := load(t, smallConfig(), p)
		want := Counts{
			Sent: 1000, Events: 1000, Accepted: 1000, Predicted: 995, Parked: 1, Late: 95, Shed: 1, DeadLettered: 2, Quarantined: 1,
			Lost: 1, Duplicated: 1, TwoPlaces: 1, Foreign: 1,
		}
		want.Late = r.Late // which of them were late is another test's
		if r.Counts != want || r.Settled {
			t.Errorf("counts %+v\nwant   %+v, settled %v", r.Counts, want, r.Settled)
		}
	})
}

func TestSendsThatWereNotAcceptedAreNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.result = func(number int64) Result {
			switch number {
			case 1:
				return Result{Outcome: Refused, Problem: "http 400"}
			case 2:
				return Result{Outcome: Failed, Problem: "not connected"}
			case 3:
				return Result{Outcome: Unknown, Problem: "timeout"}
			}
			return Result{Outcome: Accepted, Source: event.Source{Offset: number}}
		}
		r := load(t, smallConfig(), p)
		if r.Accepted != 997 || r.Refused != 1 || r.Failed != 1 || r.Unknown != 1 || r.Lost != 0 || !r.Settled {
			t.Errorf("%+v", r.Counts)
		}
		if r.Problems["http 400"] != 1 || r.Problems["timeout"] != 1 {
			t.Errorf("problems %v", r.Problems)
		}
	})
}

func TestAKeyWhosePredictionsComeOutOfOrderIsCounted(t *testing.T) {
	now := time.Now()
	tracker := NewTracker("run", now, 0, topics)
	ended := func(number, offset int, key string) {
		tracker.sending(&item{number: number, label: unlabelled}, now)
		tracker.settled(number, Result{Outcome: Accepted, Source: event.Source{Offset: int64(offset)}})
		tracker.Ended(&event.Event{
			ID: fmt.Sprintf("run-%d", number), Key: []byte(key), Source: event.Source{Topic: "predictions"}, Value: []byte("0.5"),
			Headers: []event.Header{{Name: event.HeaderSource, Value: fmt.Appendf(nil, "events:0:%d", offset)}},
		})
	}
	ended(0, 0, "a")
	ended(1, 5, "a")
	ended(2, 3, "b")
	ended(3, 2, "a") // behind offset 5 of its key
	ended(4, 1, "")  // no key, no order
	if r := tracker.report(); r.Reordered != 1 || r.Predicted != 5 {
		t.Errorf("%+v", r.Counts)
	}
}

func TestARepeatedEventIsOneWhereTheGatewayKnowsItAndTwoAtTheBrokers(t *testing.T) {
	for name, c := range map[string]struct {
		second int64
		ended  int
		want   Counts
	}{
		"same record, predicted once":   {7, 1, Counts{Sent: 2, Events: 1, Accepted: 1, Predicted: 1}},
		"same record, predicted twice":  {7, 2, Counts{Sent: 2, Events: 1, Accepted: 1, Predicted: 1, Duplicated: 1}},
		"two records, predicted twice":  {8, 2, Counts{Sent: 2, Events: 1, Accepted: 1, Predicted: 1}},
		"two records, predicted thrice": {8, 3, Counts{Sent: 2, Events: 1, Accepted: 1, Predicted: 1, Duplicated: 1}},
	} {
		now := time.Now()
		tracker := NewTracker("run", now, 0, topics)
		for _, offset := range []int64{7, c.second} {
			tracker.sending(&item{label: unlabelled}, now)
			tracker.settled(0, Result{Outcome: Accepted, Source: event.Source{Offset: offset}})
		}
		for range c.ended {
			tracker.Ended(&event.Event{ID: "run-0", Source: event.Source{Topic: "predictions"}, Value: []byte("0.5")})
		}
		if r := tracker.report(); r.Counts != c.want {
			t.Errorf("%s: %+v", name, r.Counts)
		}
		if waiting, _ := tracker.waiting(); waiting != 0 {
			t.Errorf("%s: still waits for %d", name, waiting)
		}
	}
}

func TestASlowSenderMovesNoOtherEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		slow := &slowSender{pipeline: p}
		c := smallConfig()
		r, err := Run(t.Context(), c, Deps{Sender: slow, Tail: p, Topics: topics, Pacer: withTimers})
		if err != nil {
			t.Fatal(err)
		}
		last := p.sent[999].Intended.Sub(p.sent[0].Intended)
		if last != 9990*time.Millisecond || r.Sent != 1000 {
			t.Errorf("last event intended %s after the first, %d sent; the stall must not move the schedule", last, r.Sent)
		}
		if r.Lag.Max < 990_000 || r.Max < 990_000 {
			t.Errorf("lag max %d µs, latency max %d µs; the stall of 1 s must show in both", r.Lag.Max, r.Max)
		}
	})
}

// slowSender stalls for a second once.
type slowSender struct {
	*pipeline
	n int
}

func (s *slowSender) Send(ctx context.Context, e Outgoing, done func(Result)) {
	if s.n++; s.n == 500 {
		time.Sleep(time.Second)
	}
	s.pipeline.Send(ctx, e, done)
}

func TestAStoppedRunWaitsForWhatItSentAndReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		c := smallConfig()
		c.For = 0
		r, err := Run(ctx, c, Deps{Sender: p, Tail: p, Topics: topics, Pacer: withTimers})
		if err != nil || !r.Stopped || r.Sent < 190 || r.Sent > 200 || r.Predicted != r.Sent {
			t.Errorf("stopped %v, %+v, %v", r.Stopped, r.Counts, err)
		}
	})
}

func TestTheWarmupIsSentAndNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := smallConfig()
		c.Warmup = 9 * time.Second
		r := load(t, c, newPipeline())
		if r.Predicted != 1000 || r.Stages[0].Count != 100 {
			t.Errorf("%d predicted, %d measured; want 1000 and 100", r.Predicted, r.Stages[0].Count)
		}
	})
}

func TestDirtIsRememberedAndRepeatsAreNoEventsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := smallConfig()
		c.Dirt = 0.2
		r := load(t, c, newPipeline())
		if r.Dirt["repeated"] < 10 || r.Dirt["malformed"] < 10 || r.Events != r.Sent-r.Dirt["repeated"] {
			t.Errorf("dirt %v, %d sends of %d events", r.Dirt, r.Sent, r.Events)
		}
	})
}

func TestAReadBackThatFailsIsTriedAgainAndToldWhenItMattered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		broken := errors.New("brokers are away")
		c := smallConfig()
		c.Settle = time.Second
		r, err := Run(t.Context(), c, Deps{Sender: p, Tail: tailFunc(func(context.Context) ([]*event.Event, error) { return nil, broken }), Topics: topics, Pacer: withTimers})
		if !errors.Is(err, broken) || r.Lost != 1000 {
			t.Errorf("%d lost, %v", r.Lost, err)
		}
	})
}

type tailFunc func(ctx context.Context) ([]*event.Event, error)

func (f tailFunc) Poll(ctx context.Context) ([]*event.Event, error) { return f(ctx) }

func TestProgressIsToldEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		var told []Progress
		_, err := Run(t.Context(), smallConfig(), Deps{
			Sender: p, Tail: p, Topics: topics, Pacer: withTimers, Progress: func(one Progress) { told = append(told, one) },
		})
		if err != nil || len(told) < 9 || told[4].Sent < 400 || told[4].Left > 6*time.Second || told[4].LatencyP50US == 0 {
			t.Errorf("%d times, %+v, %v", len(told), told, err)
		}
	})
}

func TestAFileIsReplayedByItsOwnTimes(t *testing.T) {
	lines := `{"at":"2026-01-05T08:00:00Z","who":"a","y":1}

{"at":"2026-01-05T08:00:02Z","who":"b","y":0}
not json
{"at":"2026-01-05T08:00:01Z","who":"a","y":true}
`
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig()
		c.Workload, c.Input, c.Rate, c.For, c.Key, c.EventTime, c.Label = Input, path, 0, 0, "/who", "/at", "/y"
		p := newPipeline()
		r := load(t, c, p)
		if r.Sent != 4 || r.Quality.Labelled != 3 {
			t.Fatalf("%+v %+v", r.Counts, r.Quality)
		}
		at := p.sent[1].Intended.Sub(p.sent[0].Intended)
		if at != 2*time.Second || string(p.sent[1].Key) != "b" || string(p.sent[2].Body) != "not json" {
			t.Errorf("second event after %s: %+v", at, p.sent[1])
		}
		if !p.sent[3].Intended.Equal(p.sent[1].Intended) {
			t.Error("an event older than the one before it must be sent at once")
		}
	})
}

func TestACSVIsSentAsJSONWithoutItsLabel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.csv")
	text := "\ufefffraud,amount,country,note\n1,12.50,DE,\"a, \"\"b\"\"\"\n0,,FR,007\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig()
		c.Workload, c.Input, c.For, c.Label = Input, path, 0, "/fraud"
		p := newPipeline()
		r := load(t, c, p)
		if r.Sent != 2 || r.Quality.Positives != 1 {
			t.Fatalf("%+v %+v", r.Counts, r.Quality)
		}
		for i, want := range []string{`{"amount":12.50,"country":"DE","note":"a, \"b\""}`, `{"country":"FR","note":"007"}`} {
			if got := string(p.sent[i].Body); got != want {
				t.Errorf("row %d: %s, want %s", i+1, got, want)
			}
		}
	})
}

func TestABrokenFileEndsTheRunWithItsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,2\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := DefaultConfig()
		c.Workload, c.Input, c.For = Input, path, 0
		p := newPipeline()
		r, err := Run(t.Context(), c, Deps{Sender: p, Tail: p, Topics: topics, Pacer: withTimers})
		if err == nil || !strings.Contains(err.Error(), "line 3") || r.Predicted != 1 {
			t.Errorf("%v, %+v", err, r.Counts)
		}
	})
}

func TestTheReportIsJSONTextAndAPageOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		r := load(t, smallConfig(), p)
		var out bytes.Buffer
		if err := r.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			"accepted", "predicted", "late", "shed", "dead_lettered", "quarantined", "lost", "duplicated", "two_places", "reordered",
			"p50_us", "p90_us", "p99_us", "p999_us", "max_us", "generator_lag", "stages", "residual", "quality",
		} {
			if _, ok := fields[name]; !ok {
				t.Errorf("the JSON has no %s", name)
			}
		}
		out.Reset()
		if err := r.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"predicted          1,000  100.00 %", "lost                   0", "deliver", "residual", "area under ROC"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the text has no %q:\n%s", want, out.String())
			}
		}
		out.Reset()
		if err := r.WriteHTML(&out); err != nil {
			t.Fatal(err)
		}
		if page := out.String(); !strings.Contains(page, "deliver") || strings.Contains(page, "%!") || strings.Contains(page, "http://") || strings.Contains(page, "https://") {
			t.Error("the page lacks its rows or asks for something from elsewhere")
		}
	})
}
