package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"betimes/internal/sagemaker"
)

func TestWhatAJobPrintsIsReadAsFiguresOfTheMoment(t *testing.T) {
	boosted := TrainConfig{Algorithm: xgboost, Hyperparameters: map[string]string{"num_round": "100"}}
	for name, c := range map[string]struct {
		config TrainConfig
		lines  []string
		want   string
	}{
		"xgboost": {boosted, []string{"[9]\ttrain-logloss:0.31000\tvalidation-logloss:0.40000", "[19]\ttrain-logloss:0.21000\tvalidation-logloss:0.35000"},
			"round 20 of 100, train:logloss=0.21, validation:logloss=0.35, about 1m20s left"},
		"xgboost on AWS, which writes #011 for a tab": {boosted, []string{"[0]#011train-logloss:0.5#011validation-auc:0.75"}, "round 1 of 100, train:logloss=0.5, validation:auc=0.75"},
		"linear-learner":        {TrainConfig{Algorithm: linearLearner}, []string{"#quality_metric: host=algo-1, epoch=3, train binary_classification_cross_entropy_objective <loss>=0.25"}, "train:objective_loss=0.25"},
		"an image of one's own": {TrainConfig{Metrics: map[string]string{"auc": "auc=([0-9.]+)", "loss": "loss=(\\S+)"}}, []string{"auc=0.7 loss=none", "auc=0.8"}, "auc=0.8"},
		"nothing that is known": {boosted, []string{"hello", "[x] train-", "validation-:"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, now := newGauges(c.config), time.Unix(0, 0)
			for i, line := range c.lines {
				now = time.Unix(int64(i)*10, 0)
				g.read(line, now)
			}
			if got := g.text(now); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestTheLogOfAJobIsFollowedLineByLine(t *testing.T) {
	f := newFakeAWS()
	d, p, reports := lessons(t, f, rows(40))
	p.Train.Hyperparameters = map[string]string{"num_round": "2"} // at the end no time is left
	w := newRun(d, p).watch("job")
	for _, line := range []string{"", "[0]\ttrain-auc:0.5", "[1]\ttrain-auc:0.75", ""} {
		if line != "" {
			f.logs = append(f.logs, line)
		}
		w.look(t.Context())
	}
	var told []string
	for _, r := range *reports {
		told = append(told, fmt.Sprintf("%s %t", r.Detail, r.Passes))
	}
	if got, want := strings.Join(told, "; "), "round 1 of 2, train:auc=0.5 true; round 2 of 2, train:auc=0.75 true"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheLogOfAFailedJobIsShownWithItsFailure(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(200))
	f.failJob = "AlgorithmError: exit code: 1"
	for i := range 20 {
		f.logs = append(f.logs, fmt.Sprintf("line %d", i))
	}
	f.logs = append(f.logs, "\x1b[31mred\tand "+strings.Repeat("long", 200)+"\r\n")
	_, err := Train(t.Context(), d, p, Order{})
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, want := range []string{"is Failed: AlgorithmError: exit code: 1\n  its log, /aws/sagemaker/TrainingJobs v1-m-", "ends with\n    line 11\n", "\n     [31mred and long"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "line 10") || strings.Contains(text, "\x1b") || strings.Contains(text, strings.Repeat("long", 100)) {
		t.Errorf("too much in %s", text)
	}
}

func TestAnEndedJobWithoutAReasonIsExplained(t *testing.T) {
	f := newFakeAWS()
	d, p, _ := lessons(t, f, rows(40))
	r := newRun(d, p)
	for secondary, want := range map[string]string{
		"MaxRuntimeExceeded": "max_runtime: 1h0m0s; raise it", "MaxWaitTimeExceeded": "write spot: false", "Stopped": "somebody has stopped it",
	} {
		if got := r.reason(sagemaker.TrainingState{Status: "Stopped", Secondary: secondary}); !strings.Contains(got, want) {
			t.Errorf("%s: %s", secondary, got)
		}
	}
}
