package main

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/verify"
)

// examined is a pipeline that was hurt, and how.
type examined struct {
	what   string // for the table
	group  string
	ledger string // empty: none
	faults []verify.Window
	mode   mode
	moody  bool // the model was: some events are dead letters
}

// settle is how long events may make no progress until they are taken for lost:
// longer than brokers miss a killed member of a share group, 45 s by default.
const settle = 90 * time.Second

// examine waits for the last event, reads all topics and judges.
func (e *examined) examine(ctx context.Context, cluster *kafka.Cluster, r *report) (verify.Verdict, error) {
	cfg := e.mode.config()
	cfg.Topics = verify.Topics{Events: topicEvents, Predictions: topicPredictions, DeadLetters: topicDeadLetters, Quarantine: topicQuarantine, Shed: topicShed}
	cfg.Faults, cfg.InFlight, cfg.Keep = e.faults, inFlight, 5
	reading := verify.ReaderConfig{Group: e.group, Ledger: e.ledger, Settle: settle, Silence: settle}
	if e.mode.shared {
		reading.Group = "" // it commits no offsets
	} else {
		slow := drained(ctx, cluster, e.group)
		r.require(slow == nil, "%s: %v", e.what, slow)
	}
	verdict, err := verify.NewReader(verify.New(cfg), verify.Over(cluster), reading).Once(ctx)
	if err != nil {
		return verdict, err
	}
	for rule, times := range verdict.Broken {
		r.require(false, "%s: %s broken %d times", e.what, rule, times)
	}
	for _, v := range verdict.Violations {
		r.note("%s: %s", e.what, v)
	}
	c := verdict.Counts
	r.require(c.OK > 0 || e.ledger == "", "%s: nothing was accepted", e.what)
	r.require(c.Waiting == 0, "%s: %d events ended nowhere", e.what, c.Waiting)
	return verdict, e.places(ctx, cluster, r)
}

// places asks of every dead letter and prediction whether its event's mood says so.
func (e *examined) places(ctx context.Context, cluster *kafka.Cluster, r *report) error {
	if !e.moody {
		return nil
	}
	wrong := 0
	err := readAll(ctx, cluster, []string{topicPredictions, topicDeadLetters}, func(one *event.Event) {
		id := string(one.Header(event.HeaderID))
		undecodable := string(one.Header(event.HeaderReason)) == string(event.ReasonUndecodable)
		if dies := moodOf(id).dies() || undecodable; dies != (one.Source.Topic == topicDeadLetters) {
			wrong++
			r.note("%s: %s at %s is where it does not belong, reason %q", e.what, id, one.Source, one.Header(event.HeaderReason))
		}
	})
	r.require(wrong == 0, "%s: %d endings in the wrong place", e.what, wrong)
	return err
}

// once asks that every event of a run without faults was predicted, and once.
func (e *examined) once(v *verify.Verdict, sent int, r *report) {
	c := v.Counts
	r.require(c.Events == int64(sent), "%s: the topic has %d records, %d were written", e.what, c.Events, sent)
	r.require(c.Duplicated == 0 && c.Reordered == 0, "%s: %d ended twice, %d reordered", e.what, c.Duplicated, c.Reordered)
	e.predicted(v, r)
}

// predicted asks that every event was, and ended nowhere else.
func (e *examined) predicted(v *verify.Verdict, r *report) {
	c := v.Counts
	r.require(c.Ended == c.Events, "%s: %d of %d events ended nowhere", e.what, c.Events-c.Ended, c.Events)
	for place, n := range v.Places {
		r.require(place == topicPredictions || n == 0, "%s: %d events ended in %s", e.what, n, place)
	}
}

// cells are the columns of every examined run.
func (e *examined) cells(v *verify.Verdict) row {
	c := v.Counts
	return row{
		{"sent", c.Sent}, {"accepted", c.OK}, {"unknown", c.Unknown}, {"in events", c.Events}, {"ended", c.Ended},
		{"dead letters", v.Places["dead-letters"]}, {"lost", c.Waiting + int64(v.Broken[verify.LostWrite])}, {"two places", c.TwoPlaces},
		{"reordered", c.Reordered}, {"ended again", c.Duplicated}, {"… not in flight at a fault", c.Unexcused}, {"rules broken", fmt.Sprint(len(v.Broken))},
	}
}
