package training

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/objects"
)

func runner(t *testing.T, files map[string]string) *Runner {
	t.Helper()
	c := clock.New()
	b, err := objects.Open(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Create("data", "us-east-1", "000000000000"); err != nil {
		t.Fatal(err)
	}
	for key, text := range files {
		if _, err := b.Put("data", objects.Info{Key: key}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return &Runner{Buckets: b, Clock: c, Dir: t.TempDir()}
}

func run(ctx context.Context, r *Runner, j Job) (Result, []string, error) {
	var states []string
	type outcome struct {
		result Result
		err    error
	}
	done := make(chan outcome)
	r.Clock.Go(func() {
		result, err := r.Run(ctx, j, func(status, _ string) { states = append(states, status) })
		done <- outcome{result, err}
	})
	o := <-done
	return o.result, states, o.err
}

const rows = "0,0.1\n1,0.9\n0,0.2\n1,0.8\n"

func TestAllObjectsOfAPrefixAreOneChannel(t *testing.T) {
	r := runner(t, map[string]string{"train/a.csv": rows, "train/b.csv": rows, "validation/a.csv": rows})
	job := Job{Name: "j", Algorithm: "xgboost", Hyper: map[string]string{"num_round": "2"}, Output: "s3://data/out/",
		Channels: []Channel{{Name: "train", URI: "s3://data/train"}, {Name: "validation", URI: "s3://data/validation"}}}
	result, states, err := run(t.Context(), r, job)
	if err != nil || result.Artefact != "s3://data/out/j/output/model.tar.gz" || strings.Join(states, " ") != "Downloading Training Uploading" {
		t.Fatalf("%v, %v, %v", result, states, err)
	}
	if _, ok := r.Buckets.Info("data", "out/j/output/model.tar.gz"); !ok {
		t.Error("there is no artefact")
	}
}

func TestJobsThatCannotSayWhy(t *testing.T) {
	for _, c := range []struct {
		name     string
		channels []Channel
		says     string
	}{
		{"no training data", nil, "ClientError: there is no channel named train"},
		{"a channel nobody reads", []Channel{{Name: "eval", URI: "s3://data/train"}}, `ClientError: channel "eval" is not known to xgboost`},
		{"parts of different width", []Channel{{Name: "train", URI: "s3://data/odd"}}, "ClientError: s3://data/odd/b.csv has 2 features, the objects before it have 1"},
		{"no object there", []Channel{{Name: "train", URI: "s3://data/none"}}, "ClientError: Data download failed:NoSuchKey (404)"},
		{"not a bucket", []Channel{{Name: "train", URI: "https://example.com/x"}}, `ClientError: "https://example.com/x" is not s3://BUCKET/KEY`},
		{"not gzip", []Channel{{Name: "train", URI: "s3://data/train", Gzip: true}}, "ClientError: s3://data/train/a.csv: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runner(t, map[string]string{"train/a.csv": rows, "odd/a.csv": rows, "odd/b.csv": "1,2,3\n"})
			_, _, err := run(t.Context(), r, Job{Name: "j", Algorithm: "xgboost", Output: "s3://data/out", Channels: c.channels})
			if err == nil || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAJobEndsWithItsContext(t *testing.T) {
	r := runner(t, map[string]string{"train/a.csv": rows})
	r.Delay = func(string) time.Duration { return time.Hour }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := run(ctx, r, Job{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestMetricsAreReadFromTheLog(t *testing.T) {
	w := newWatcher([]MetricDefinition{{"own", `loss=([0-9.]+)`}})
	for _, part := range []string{"[0]\ttrain-auc:0.8\tvalidation-auc:0.7\n[1]\ttrain-a", "uc:0.9\nloss=0.25\n", "#quality_metric: host=algo-1, epoch=3, train log_loss <loss>=0.125\n[2]\ttrain-auc:nan\n"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]float64{}
	for _, m := range w.final(time.Now()) {
		got[m.MetricName] = m.Value
	}
	want := map[string]float64{"train:auc": 0.9, "validation:auc": 0.7, "own": 0.25, "train:objective_loss": 0.125}
	if len(got) != len(want) {
		t.Errorf("metrics %v", got)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %g, want %g", name, got[name], v)
		}
	}
}
