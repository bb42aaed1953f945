package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"betimes/internal/event"
)

// rows of two classes; column a tells them apart, where it is not empty.
func rows(n int) string {
	var b strings.Builder
	b.WriteString("y,a,card\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%d.5,%d\n", i%2, i%2, i/4)
	}
	return b.String()
}

// lessons is a plan whose model scores column a.
func lessons(t *testing.T, f *fakeAWS, data string) (Deps, Plan, *[]Progress) {
	reports := &[]Progress{}
	d, c := f.deps(t, reports)
	f.score = func(row []float64) float64 { return min(row[0], 1) }
	d.Ask = f.asked
	train := DefaultTrainConfig()
	train.Algorithm, train.Data, train.Label, train.Key = xgboost, written(t, "rows.csv", data), "y", "card"
	return d, Plan{Pipeline: "v1", Model: "m", Endpoint: c, Train: &train, ContentType: "text/csv"}, reports
}

func yes(string) (bool, error) { return true, nil }

func TestAModelIsTrainedJudgedRegisteredAndDeployed(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	report, err := Train(t.Context(), d, p, Order{Deploy: yes, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if q := report.Quality.Binary; q == nil || q.AUC != 1 || report.Rows.HeldOut < 20 || report.Rows.HeldOut+report.Rows.Train != 200 {
		t.Errorf("got %+v", report)
	}
	if report.Version != 1 || report.Approval != "Approved" || report.Release == nil || f.endpoints["fraud"] == nil || string(report.Release.Answer) == "" {
		t.Errorf("got %+v", report)
	}
	if len(f.serving()) != 1 || len(f.models) != 1 || len(f.configs) != 1 {
		t.Errorf("what judged is left: %d endpoints, %d models, %d configs", len(f.serving()), len(f.models), len(f.configs))
	}
	lineage := f.packages[0]["CustomerMetadataProperties"].(map[string]any)
	if lineage["job"] != report.Job || lineage["columns"] != "a" || lineage["registered_by"] != "test" {
		t.Errorf("lineage %v", lineage)
	}
	if unfinished := slices.DeleteFunc(slices.Collect(maps.Keys(f.objects)), func(k string) bool { return !strings.Contains(k, "unfinished") }); len(unfinished) > 0 {
		t.Errorf("left %v", unfinished)
	}
}

func TestTheSameDataMakeNoSecondVersion(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	var questions []string
	asked := func(q string) (bool, error) {
		questions = append(questions, q)
		return true, nil
	}
	for range 2 {
		report, err := Train(t.Context(), d, p, Order{Deploy: asked})
		if err != nil || report.Version != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	if len(f.jobs) != 1 || len(f.packages) != 1 {
		t.Errorf("%d jobs, %d versions", len(f.jobs), len(f.packages))
	}
	if want := "deploy version 1 of m (auc 1.0000) to endpoint fraud in us-east-1"; len(questions) != 1 || questions[0] != want {
		t.Errorf("asked %q, want once %q: what serves already is no question", questions, want)
	}
}

func TestAStoppedTrainingIsTakenUpAndLeavesNothing(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	for _, stopAt := range []Step{StepUpload, StepTrain, StepJudge, StepKeep, StepDeploy} {
		ctx, cancel := context.WithCancel(t.Context())
		d.Progress = func(r Progress) {
			if r.Step == stopAt {
				cancel()
			}
		}
		if _, err := Train(ctx, d, p, Order{Deploy: yes}); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %s: %v", stopAt, err)
		}
		cancel()
		for _, name := range f.serving() {
			if strings.HasSuffix(name, "-judge") {
				t.Errorf("stopped at %s: endpoint %s is left", stopAt, name)
			}
		}
	}
	d.Progress = nil
	if _, err := Train(t.Context(), d, p, Order{Deploy: yes}); err != nil {
		t.Fatal(err)
	}
	if len(f.jobs) != 1 || len(f.packages) != 1 || len(f.models) != 1 || len(f.configs) != 1 || len(f.serving()) != 1 {
		t.Errorf("jobs %d, versions %d, models %d, configs %d, endpoints %d: want one of each", len(f.jobs), len(f.packages), len(f.models), len(f.configs), len(f.serving()))
	}
}

func TestAKilledTrainingWithOtherDataIsEnded(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	killed := errors.New("killed")
	d.Ask = nil // a call of it is the kill, right in the judgement
	func() {
		defer func() { _ = recover() }()
		_, _ = Train(t.Context(), d, p, Order{})
	}()
	if len(f.jobs) != 1 {
		t.Fatal(killed)
	}
	for _, j := range f.jobs {
		j.looks = 0 // as if it were under way still
	}
	d.Ask = f.asked
	p.Train.Data = written(t, "other.csv", rows(300))
	if _, err := Train(t.Context(), d, p, Order{Deploy: yes}); err != nil {
		t.Fatal(err)
	}
	stopped := 0
	for _, j := range f.jobs {
		if j.stopped {
			stopped++
		}
	}
	if stopped != 1 || len(f.serving()) != 1 {
		t.Errorf("%d jobs stopped, endpoints %v", stopped, f.serving())
	}
}

func TestAbandonEndsWhatIsLeft(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	ctx, cancel := context.WithCancel(t.Context())
	d.Progress = func(r Progress) {
		if r.Step == StepTrain {
			cancel()
		}
	}
	_, _ = Train(ctx, d, p, Order{})
	d.Progress = nil
	for _, j := range f.jobs {
		j.looks = 0
	}
	what, err := Abandon(t.Context(), d, p)
	if err != nil || !strings.Contains(what, "rows.csv") {
		t.Errorf("%q, %v", what, err)
	}
	if what, err := Abandon(t.Context(), d, p); err != nil || what != "" {
		t.Errorf("the second time %q, %v", what, err)
	}
}

func TestAWorseModelWaitsAndTheOldOneStays(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	if _, err := Train(t.Context(), d, p, Order{Deploy: yes}); err != nil {
		t.Fatal(err)
	}
	f.score = func([]float64) float64 { return 0.5 }
	p.Train.Data = written(t, "later.csv", rows(240))
	report, err := Train(t.Context(), d, p, Order{Deploy: yes})
	if err != nil {
		t.Fatal(err)
	}
	if report.Approval != "PendingManualApproval" || report.Release != nil || !strings.Contains(report.Reason, "auc is 0.5000, that of version 1 in service 1.0000") {
		t.Errorf("got %+v", report)
	}
	if _, err := To(t.Context(), d, p, 2, false); err == nil || !strings.Contains(err.Error(), "version 2 of m is PendingManualApproval; add --approve") {
		t.Errorf("not approved: %v", err)
	}
	if _, err := To(t.Context(), d, p, 7, false); err == nil || !strings.Contains(err.Error(), "there is no version 7; there are 2, 1") {
		t.Errorf("not there: %v", err)
	}
	if release, err := To(t.Context(), d, p, 2, true); err != nil || release.Before != 1 {
		t.Errorf("%+v, %v", release, err)
	}
	release, err := To(t.Context(), d, p, 1, false)
	if err != nil || release.Before != 2 || release.Already {
		t.Errorf("%+v, %v", release, err)
	}
	status, err := Look(t.Context(), d, p)
	if err != nil || status.Serving != 1 || len(status.Versions) != 2 || status.Left != "" {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestABoundOfTheFileHoldsAVersionBack(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	p.Train.AtLeast, p.Train.AtMost = map[string]float64{"auc": 1.1, "r2": 0.5}, map[string]float64{"logloss": 0}
	report, err := Train(t.Context(), d, p, Order{Deploy: yes})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"auc is 1, less than 1.1", "there is no r2", "logloss is 0.3", "more than 0"} {
		if !strings.Contains(report.Reason, want) {
			t.Errorf("%q does not say %q", report.Reason, want)
		}
	}
}

func TestWhatCannotBeTrainedOrJudgedIsOneMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		data   string
		change func(*Plan, *fakeAWS)
		want   string
	}{
		{"one class only", strings.ReplaceAll(rows(100), "\n1,", "\n0,"), nil, "models.m.train.data: "},
		{"a key that is no column", rows(100), func(p *Plan, _ *fakeAWS) { p.Train.Key = "k" }, "models.m.train.key: "},
		{"nothing held out", rows(100), func(p *Plan, _ *fakeAWS) { p.Train.HeldOut = 0 }, "models.m.train.held_out: "},
		{"a model of another shape", rows(100), func(_ *Plan, f *fakeAWS) { f.score = func([]float64) float64 { return -1 } }, "models.m.content_type: the model refuses row 1 of those held out, sent as text/csv: "},
		{"a content type without rows", rows(100), func(p *Plan, _ *fakeAWS) { p.ContentType = "text/plain" }, "models.m.content_type: text/plain does not carry rows"},
		{"credentials that have expired", rows(100), func(_ *Plan, f *fakeAWS) { f.refuse = "ExpiredToken" }, "aws: GetObject s3://betimes/v1-m/unfinished.json: ExpiredToken: no; the credentials have expired; get new ones"},
		{"a bucket of another region", rows(100), func(_ *Plan, f *fakeAWS) { f.moved = true }, "aws.bucket: betimes is in another region than us-east-1; name one of this region, or set aws.region: "},
		{"a job that fails", rows(100), func(_ *Plan, f *fakeAWS) { f.failJob = "AlgorithmError: no" }, "AlgorithmError: no"},
		{"a model that does not start", rows(100), func(_ *Plan, f *fakeAWS) { f.failEndpoint = "ping failed" }, "the model does not start"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeAWS()
			d, p, _ := lessons(t, f, tt.data)
			if tt.change != nil {
				tt.change(&p, f)
			}
			_, err := Train(t.Context(), d, p, Order{Deploy: yes})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if len(f.serving()) > 0 {
				t.Errorf("endpoints are left: %v", f.serving())
			}
		})
	}
}

// fakeTopic has one partition.
type fakeTopic struct {
	start  int64
	events []*event.Event
}

func (f *fakeTopic) Offsets(context.Context, string) (start, end map[int32]int64, err error) {
	return map[int32]int64{0: f.start}, map[int32]int64{0: f.start + int64(len(f.events))}, nil
}

func (f *fakeTopic) Read(_ context.Context, _ string, r Ranges, each func(*event.Event) error) error {
	for _, e := range f.events[r[0].From-f.start : r[0].To-f.start] {
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func topicOf(n int) *fakeTopic {
	f := &fakeTopic{start: 10}
	for i := range n {
		f.events = append(f.events, &event.Event{
			ID: fmt.Sprint("id", i), Key: fmt.Append(nil, "k", i/2), Value: fmt.Appendf(nil, "%d.5,%d", i%2, i%2), Source: event.Source{Topic: "labelled", Offset: 10 + int64(i)},
		})
	}
	return f
}

// rowOf reads the records of topicOf.
func rowOf(e *event.Event) (features, label string, err error) {
	features, label, _ = strings.Cut(string(e.Value), ",")
	if features == "bad" {
		return "", "", errors.New("field a is missing")
	}
	return features, label, nil
}

func TestExactlyTheRecordsOfATopicAreTrainedWith(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(2))
	topic := topicOf(120)
	topic.events[5] = topic.events[4]               // delivered twice
	topic.events[8].ID, topic.events[9].ID = "", "" // somebody else's
	d.Topics, d.Row = topic, rowOf
	p.Train.Data, p.Train.Label, p.Train.Key, p.Fields = "topic:labelled", "y", "", []string{"a"}
	first, err := Train(t.Context(), d, p, Order{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Data != "topic:labelled@0:10-130" || first.Rows.Repeated != 1 || first.Rows.Train+first.Rows.HeldOut != 119 {
		t.Errorf("got %+v", first)
	}
	topic.events = append(topic.events, topicOf(40).events...)
	p.Train.Data = first.Data
	again, err := Train(t.Context(), d, p, Order{})
	if err != nil || again.Job != first.Job || again.Version != 1 {
		t.Errorf("the same ranges gave %+v, %v", again, err)
	}
	for data, want := range map[string]string{
		"topic:labelled@0:0-130":   "topic labelled no longer has the offsets 0 to 9 of partition 0: they were removed by retention; name offsets from 10 on",
		"topic:labelled@3:0-1":     "no partition 3",
		"topic:labelled@0:10-10":   "holds no records",
		"topic:labelled@0:10-12":   "no rows",
		"topic:labelled@0:10-9999": "not 10-9999",
	} {
		p.Train.Data = data
		if _, err := Train(t.Context(), d, p, Order{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", data, err, want)
		}
	}
	topic.events[7].Value = []byte("bad,1")
	p.Train.Data = "topic:labelled"
	if _, err := Train(t.Context(), d, p, Order{}); err == nil || !strings.Contains(err.Error(), "models.m.train.data: record labelled:0:17: field a is missing") {
		t.Errorf("a broken record: %v", err)
	}
}

func TestAStoppedTrainingOfATopicGoesOnWithWhatItHadRead(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(2))
	topic := topicOf(120)
	d.Topics, d.Row = topic, rowOf
	p.Train.Data, p.Train.Label, p.Train.Key = "topic:labelled", "y", ""
	ctx, cancel := context.WithCancel(t.Context())
	d.Progress = func(r Progress) {
		if r.Step == StepTrain {
			cancel()
		}
	}
	_, _ = Train(ctx, d, p, Order{})
	d.Progress = nil
	topic.events = append(topic.events, topicOf(40).events...)
	report, err := Train(t.Context(), d, p, Order{})
	if err != nil || report.Data != "topic:labelled@0:10-130" || len(f.jobs) != 1 {
		t.Errorf("%+v, %v, %d jobs", report, err, len(f.jobs))
	}
}

func TestRangesAreReadAsTheyAreWritten(t *testing.T) {
	name, ranges, err := parseTopic("topic:a.b@1:0-5,0:3-9")
	if err != nil || name != "a.b" || ranges.String() != "0:3-9,1:0-5" {
		t.Errorf("%s %v %v", name, ranges, err)
	}
	for _, bad := range []string{"topic:", "topic:a@", "topic:a@0", "topic:a@0:5", "topic:a@0:5-3", "topic:a@0:0-1,0:1-2", "topic:a@-1:0-1", "topic:a@0:0-99999999999999999999"} {
		if _, _, err := parseTopic(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestScoresAreFoundInAnswers(t *testing.T) {
	for answer, want := range map[string]float64{
		`0.25`: 0.25, `[0.25]`: 0.25, `"0.25"`: 0.25, `{"predictions":[{"score":0.25,"predicted_label":0}]}`: 0.25, `[0.75,0.25]`: 0.25,
		`{"score":0.25}`: 0.25, `{"predictions":[[0.75,0.25]]}`: 0.25, `{"probabilities":[0.75,0.25]}`: 0.25,
	} {
		if got, err := scoreOf([]byte(answer)); err != nil || got != want {
			t.Errorf("%s: %v, %v", answer, got, err)
		}
	}
	for _, answer := range []string{`{}`, `[]`, `[1,2,3]`, `[1,2]`, `null`, `"x"`, `{"score":{}}`, `[[[[[[[[1]]]]]]]]`, `{`} {
		if got, err := scoreOf([]byte(answer)); err == nil {
			t.Errorf("%s gave %v", answer, got)
		}
	}
}
