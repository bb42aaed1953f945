package letters

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// replay sends all open letters; nothing may go wrong.
func replay(t *testing.T, c *cluster) Report {
	t.Helper()
	report, err := c.box().Replay(t.Context(), Order{Letters: find(t, c, Filter{Oldest: true}).Letters, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestAReplayedEventIsTheOriginalWithANewClockAndItsHistory(t *testing.T) {
	c := newCluster()
	c.letter("pay-1", "card-7", "the bytes")
	before := time.Now().Truncate(time.Microsecond)
	if r := replay(t, c); r.Done != 1 || r.Left() != 0 {
		t.Fatalf("report %+v", r)
	}
	e := c.topic("events")[0]
	if string(e.Key) != "card-7" || string(e.Value) != "the bytes" || e.Source.Partition != 1 || e.OwnID() != "pay-1" {
		t.Errorf("replayed as %+v", e)
	}
	var names []string
	for _, h := range e.Headers {
		names = append(names, h.Name)
	}
	if want := []string{"tenant", "content-type", "betimes-id", "betimes-timeline", "betimes-origin", "betimes-replays"}; !slices.Equal(names, want) {
		t.Errorf("headers %v, want %v", names, want)
	}
	clock, err := event.ParseTimeline(e.Header(event.HeaderTimeline))
	if err != nil || clock.Began().Before(before) || clock.Total() != 0 {
		t.Errorf("clock %+v, %v", clock, err)
	}
	rounds := parseRounds(e.Header(event.HeaderReplays))
	if len(rounds) != 1 || rounds[0].Reason != "model_input" || rounds[0].Attempts != 2 || rounds[0].Letter != "dead-letters:1:0" || rounds[0].LastFailed.Sub(rounds[0].FirstFailed) != 1500*time.Millisecond {
		t.Errorf("history %+v", rounds)
	}
	if found := find(t, c, Filter{All: true}); found.Open != 0 || found.Letters[0].Handled.Into != "events:1:0" {
		t.Errorf("afterwards %+v", found)
	}
}

func TestTheHistoryGrowsWithEachRoundAndIsBounded(t *testing.T) {
	l := Letter{At: event.Source{Topic: strings.Repeat("t", 300)}, Reason: "a;b,c=d", Stage: "model", Attempts: 5}
	for i := range 2 * maxRounds {
		l.Attempts = i
		l.Replays = parseRounds(appendRounds(nil, l.rounds(time.Unix(int64(i), 0))))
	}
	header := appendRounds(nil, l.Replays)
	if len(l.Replays) != maxRounds || l.Replays[maxRounds-1].Attempts != 2*maxRounds-1 || l.Replays[0].Reason != "a_b_c_d" || len(header) > 8<<10 {
		t.Errorf("%d rounds in %d bytes: %s", len(l.Replays), len(header), header)
	}
}

func FuzzAHistoryIsReadWithoutPanicAndWrittenAsItIsRead(f *testing.F) {
	f.Add([]byte("at=2026-01-31T03:12:00Z,letter=dead-letters:1:7,reason=feature,stage=feature,attempts=2,first=,last=;x"))
	f.Fuzz(func(t *testing.T, header []byte) {
		once := appendRounds(nil, parseRounds(header))
		if again := appendRounds(nil, parseRounds(once)); !bytes.Equal(again, once) {
			t.Errorf("%q is read as %q and that as %q", header, once, again)
		}
	})
}

func TestLettersOfAPartitionKeepTheirOrderAndTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var want []string
		for i := range 11 {
			id := strings.Repeat("x", i+1)
			c.letter(id, "k", "v")
			want = append(want, "events "+id)
		}
		began := time.Now()
		var last Progress
		found := find(t, c, Filter{})
		report, err := c.box().Replay(t.Context(), Order{Letters: found.Letters, Rate: 10, Progress: func(p Progress) { last = p }})
		if err != nil || report.Done != 11 || last != (Progress{Done: 11, Total: 11}) {
			t.Fatalf("%+v, %v, progress %+v", report, err, last)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("11 letters at 10 a second took %s", took)
		}
		c.order = slices.DeleteFunc(c.order, func(s string) bool { return !strings.HasPrefix(s, "events") })
		if !slices.Equal(c.order, want) {
			t.Errorf("order %v", c.order)
		}
	})
}

func TestALetterCountsOnlyOnceItsEventIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.letter("one", "k", "v")
		var answer func()
		c.ack = func(r *kafka.Record, ok func()) {
			if r.Topic == "events" {
				answer = ok
				return
			}
			go ok()
		}
		done := make(chan Report)
		go func() {
			report, err := c.box().Replay(t.Context(), Order{Letters: find(t, c, Filter{}).Letters, Rate: 10})
			if err != nil {
				t.Error(err)
			}
			done <- report
		}()
		synctest.Wait()
		if len(c.topic("pay-state")) != 0 {
			t.Error("noted before it was acknowledged")
		}
		answer()
		if r := <-done; r.Done != 1 || len(c.topic("pay-state")) != 1 {
			t.Errorf("report %+v", r)
		}
	})
}

func TestBrokersThatRefuseEndTheReplayAndLeaveTheRestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		for i := range 5 {
			c.letter(strings.Repeat("x", i+1), "k", "v")
		}
		written := 0
		c.refuse = func(r *kafka.Record) error {
			if written++; written > 4 { // two letters and their notes
				return kafka.ErrUnavailable
			}
			return nil
		}
		report, err := c.box().Replay(t.Context(), Order{Letters: find(t, c, Filter{Oldest: true}).Letters, Rate: 10})
		if !errors.Is(err, kafka.ErrUnavailable) || report.Done != 2 || len(report.Failures) != 1 || report.Left() != 3 {
			t.Errorf("%+v, %v", report, err)
		}
		c.refuse = nil
		if found := find(t, c, Filter{}); found.Open != 3 {
			t.Errorf("open %d", found.Open)
		}
	})
}

func TestBrokersThatFallSilentEndTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		for i := range 5 {
			c.letter(strings.Repeat("x", i+1), "k", "v")
		}
		var held []func()
		c.ack = func(_ *kafka.Record, answer func()) {
			if len(c.topic("pay-state")) >= 2 {
				held = append(held, answer)
				return
			}
			answer()
		}
		began := time.Now()
		report, err := c.box().Replay(t.Context(), Order{Letters: find(t, c, Filter{Oldest: true}).Letters, Rate: 1})
		if !errors.Is(err, errSilent) || report.Done != 2 || report.Left() != 3 || time.Since(began) > 2*patience {
			t.Errorf("%+v, %v after %s", report, err, time.Since(began))
		}
		c.ack = nil
		for _, answer := range held { // as closing the producer does
			answer()
		}
	})
}

func TestALetterThatCannotBeNotedIsToldAndStaysOpen(t *testing.T) {
	c := newCluster()
	c.letter("one", "k", "v")
	c.refuse = func(r *kafka.Record) error {
		if r.Topic == "pay-state" {
			return errors.New("not allowed")
		}
		return nil
	}
	report, err := c.box().Replay(t.Context(), Order{Letters: find(t, c, Filter{}).Letters, Rate: 1000})
	if err == nil || report.Unnoted != 1 || report.Done != 0 || len(c.topic("events")) != 1 || find(t, c, Filter{}).Open != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestAnInterruptedReplayNotesWhatItHasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		for i := range 5 {
			c.letter(strings.Repeat("x", i+1), "k", "v")
		}
		found := find(t, c, Filter{Oldest: true})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		report, err := c.box().Replay(ctx, Order{Letters: found.Letters, Rate: 1})
		if !errors.Is(err, context.DeadlineExceeded) || report.Done != 2 || len(report.Failures) != 0 || find(t, c, Filter{}).Open != 3 {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestWhatCannotGoHomeIsRefusedByItself(t *testing.T) {
	c := newCluster()
	c.letter("elsewhere", "k", "v", header(event.HeaderSource, "orders:0:1"))
	c.letter("nowhere", "k", "v", header(event.HeaderSource, "?"))
	c.letter("bare", "k", "")
	c.letter("huge", "k", "v")
	c.letter("good", "k", "v")
	c.refuse = func(r *kafka.Record) error {
		if bytes.Contains(fmt.Append(nil, r.Headers), fmt.Append(nil, []byte("huge"))) && r.Topic == "events" {
			return kafka.ErrTooLarge
		}
		return nil
	}
	report := replay(t, c)
	want := map[string]string{
		"elsewhere": "came from topic orders", "nowhere": "does not say where", "bare": "no payload", "huge": kafka.ErrTooLarge.Error(),
	}
	if report.Done != 1 || len(report.Failures) != len(want) || report.Left() != len(want) {
		t.Fatalf("report %+v", report)
	}
	for _, f := range report.Failures {
		if !strings.Contains(f.Error, want[f.ID]) {
			t.Errorf("%s: %s", f.ID, f.Error)
		}
	}
}

func TestALetterWithoutItsBytesTakesThemFromTheEvent(t *testing.T) {
	c := newCluster()
	own := []event.Header{header("tenant", "red"), header(event.HeaderID, "pay"), header(event.HeaderDeadline, "5")}
	at, _ := c.append(&kafka.Record{Topic: "events", Partition: 2, Key: []byte("k"), Value: []byte("large"), Headers: own})
	c.letter("pay", "k", "", header(event.HeaderSource, at.String()))
	if r := replay(t, c); r.Done != 1 {
		t.Fatalf("report %+v", r)
	}
	e := c.topic("events")[1]
	if string(e.Value) != "large" || string(e.Header("tenant")) != "red" || e.Header(event.HeaderDeadline) != nil || e.OwnID() != "pay" {
		t.Errorf("replayed as %+v", e)
	}
}

func TestALetterOfAPartitionThatIsNoMoreGoesWhereItsKeyGoes(t *testing.T) {
	c := newCluster()
	c.letter("one", "k", "v", header(event.HeaderSource, "events:7:0"))
	var to int32
	c.refuse = func(r *kafka.Record) error {
		if r.Topic == "events" {
			to = r.Partition
		}
		return nil
	}
	if r := replay(t, c); r.Done != 1 || to != kafka.ByKey {
		t.Errorf("report %+v, partition %d", r, to)
	}
}

func TestALetterThatRetentionRemovesMeanwhileIsTold(t *testing.T) {
	c := newCluster()
	c.letter("one", "k", "v")
	found := find(t, c, Filter{})
	c.start[kafka.Partition{Topic: "dead-letters", Number: 1}] = 1
	report, err := c.box().Replay(t.Context(), Order{Letters: found.Letters, Rate: 10})
	if err != nil || len(report.Failures) != 1 || !strings.Contains(report.Failures[0].Error, "retention") {
		t.Errorf("%+v, %v", report, err)
	}
}
