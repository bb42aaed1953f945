package rollout

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"betimes/internal/event"
)

// fakeTopics are one partition; every offset from start to end holds a record
// but those that compaction has taken.
type fakeTopics struct {
	start, end int64
	compacted  map[int64]bool
	afterRead  func(*fakeTopics)
}

func (f *fakeTopics) Offsets(context.Context, string) (start, end map[int32]int64, err error) {
	return map[int32]int64{0: f.start}, map[int32]int64{0: f.end}, nil
}

func (f *fakeTopics) Read(_ context.Context, topic string, ranges Ranges, each func(*event.Event) error) error {
	for o := max(ranges[0].From, f.start); o < ranges[0].To; o++ {
		if f.compacted[o] {
			continue
		}
		e := &event.Event{Key: fmt.Append(nil, o/2), Source: event.Source{Topic: topic, Offset: o}}
		if err := each(e); err != nil {
			return err
		}
	}
	if f.afterRead != nil {
		f.afterRead(f)
	}
	return nil
}

// topicLessons is a plan that trains with a topic.
func topicLessons(t *testing.T, f *fakeAWS, topics *fakeTopics) (Deps, Plan) {
	d, p, _ := lessons(t, f, "")
	d.Topics = topics
	d.Row = func(e *event.Event) (features, label string, err error) {
		return fmt.Sprintf("%d.5", e.Source.Offset%2), fmt.Sprint(e.Source.Offset % 2), nil
	}
	p.Train.Data, p.Train.Key, p.Fields = "topic:events", "", []string{"a"}
	return d, p
}

func TestOffsetsThatHoldNoRecordAreCounted(t *testing.T) {
	d, p := topicLessons(t, newFakeAWS(), &fakeTopics{start: 100, end: 300, compacted: map[int64]bool{101: true, 299: true}})
	report, err := Train(t.Context(), d, p, Order{})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Rows; r.Absent != 2 || r.Train+r.HeldOut != 198 || report.Data != "topic:events@0:100-300" {
		t.Errorf("%s: %+v", report.Data, r)
	}
}

func TestRangesThatATopicDoesNotHaveAreSaid(t *testing.T) {
	for data, want := range map[string]string{
		"topic:events@0:50-300":         "topic events no longer has the offsets 50 to 99 of partition 0: they were removed by retention; name offsets from 100 on",
		"topic:events@0:10-20":          "no longer has the offsets 10 to 19 of partition 0",
		"topic:events@0:100-301":        "has the offsets 100 to 300 of partition 0, not 100-301: the rest is not written yet, or its transaction is open",
		"topic:events@0:100-300,1:0-10": "topic events has no partition 1; it has 1",
	} {
		f := newFakeAWS()
		d, p := topicLessons(t, f, &fakeTopics{start: 100, end: 300})
		p.Train.Data = data
		_, err := Train(t.Context(), d, p, Order{})
		if err == nil || !strings.HasPrefix(err.Error(), "models.m.train.data: ") || !strings.Contains(err.Error(), want) || len(f.objects) > 0 {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
}

func TestRecordsThatAreRemovedWhileTheyAreReadAreNotTrainedWithout(t *testing.T) {
	f := newFakeAWS()
	d, p := topicLessons(t, f, &fakeTopics{start: 100, end: 300, afterRead: func(f *fakeTopics) { f.start = 110 }})
	_, err := Train(t.Context(), d, p, Order{})
	if err == nil || !strings.Contains(err.Error(), "no longer has the offsets 100 to 109 of partition 0") || len(f.jobs) > 0 {
		t.Errorf("%v, %d jobs", err, len(f.jobs))
	}
}

func TestAnUnfinishedTrainingWhoseRecordsAreGoneIsBegunAnew(t *testing.T) {
	f := newFakeAWS()
	topics := &fakeTopics{start: 100, end: 300}
	d, p := topicLessons(t, f, topics)
	ctx, cancel := context.WithCancel(t.Context())
	d.Progress = func(r Progress) {
		if r.Step == StepTrain {
			cancel()
		}
	}
	if _, err := Train(ctx, d, p, Order{}); err == nil {
		t.Fatal("not stopped")
	}
	d.Progress = nil
	for _, j := range f.jobs {
		j.looks = 0 // it is under way still
	}
	old := maps.Clone(f.jobs)
	topics.start, topics.end = 150, 400
	report, err := Train(t.Context(), d, p, Order{})
	if err != nil || report.Data != "topic:events@0:150-400" {
		t.Fatalf("%+v, %v", report, err)
	}
	for name, j := range old {
		if !j.stopped {
			t.Errorf("job %s was left", name)
		}
	}
}
