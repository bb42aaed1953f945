package rollout

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"betimes/internal/sagemaker"
)

// trained settles the recipe of a model that is trained.
func (r *run) trained() (*recipe, error) {
	c := r.plan.Train
	image := c.Image
	if image == "" {
		if !r.emulated {
			return nil, r.wrong("train.image", "it is empty; on AWS name the registry image of %s in %s", c.Algorithm, r.Control.Region())
		}
		image = "builtin:" + c.Algorithm
	}
	data, err := r.trainingData(c.Data)
	if err != nil {
		return nil, r.wrong("train.data", "%v", err)
	}
	t, err := readTable(c.Data, data, c.Label, r.plan.Fields)
	if err != nil {
		return nil, fmt.Errorf("models.%s.train.%w", r.plan.Model, err)
	}
	if len(t.unused) > 0 {
		r.Log.Info("columns of the training data are not used", slog.String("model", r.plan.Model), slog.String("columns", strings.Join(t.unused, ",")))
	}
	r.report(StepRead, fmt.Sprintf("%d rows", t.rows))
	recipe := &recipe{image: image, table: t}
	return recipe.named(r.plan, append(sorted(c.Hyperparameters), "train", string(t.csv))...), nil
}

func (r *run) trainingData(data string) ([]byte, error) {
	if name, ok := strings.CutPrefix(data, "builtin:"); ok {
		if r.Builtin == nil {
			return nil, fmt.Errorf("%s is not known here", data)
		}
		return r.Builtin(name)
	}
	return os.ReadFile(data)
}

// train gets the artefact of a job that was, is or will be done.
func (r *run) train(ctx context.Context, recipe *recipe) (string, error) {
	prefix := r.key(recipe)
	if err := r.upload(ctx, prefix+"/train/data.csv", recipe.table.csv); err != nil {
		return "", err
	}
	job := sagemaker.TrainingJob{
		Image: recipe.image, Role: r.Role, Hyperparameters: r.plan.Train.Hyperparameters,
		Data: r.uri(prefix + "/train/"), Output: r.uri(prefix + "/output"), InstanceType: r.plan.Endpoint.InstanceType,
	}
	for attempt := 1; ; attempt++ {
		job.Name = recipe.base
		if attempt > 1 {
			job.Name = fmt.Sprintf("%s-%d", recipe.base, attempt)
		}
		begun, err := r.begin(ctx, job)
		if err != nil {
			return "", err
		}
		state, err := r.trainingDone(ctx, job.Name)
		switch {
		case err != nil:
			return "", err
		case state.Status == "Completed":
			r.report(StepTrain, "Completed"+metricsOf(state))
			return state.Artifacts.URI, nil
		case begun || !r.worthAnother(state) || attempt == maxAttempts:
			return "", r.wrong("train", "training job %s is %s: %s", job.Name, state.Status, firstOf(state.Failure, "no reason was given"))
		}
		r.Log.Warn("earlier training job failed, trying again", slog.String("job", job.Name), slog.String("reason", state.Failure))
	}
}

const maxAttempts = 99

// begin starts a job, or finds that one of its name exists.
func (r *run) begin(ctx context.Context, job sagemaker.TrainingJob) (begun bool, err error) {
	err = r.patiently(ctx, func() error { return r.Control.CreateTrainingJob(ctx, job) })
	if sagemaker.IsTaken(err) {
		return false, nil
	}
	if err != nil {
		return false, r.wrong("train", "%w", err)
	}
	return true, nil
}

// worthAnother: on the emulator a new try costs nothing. On AWS only what was
// AWS's own fault is tried again; the rest would fail and cost again.
func (r *run) worthAnother(s sagemaker.TrainingState) bool {
	if r.emulated || s.Status == "Stopped" {
		return true
	}
	return strings.HasPrefix(s.Failure, "CapacityError") || strings.HasPrefix(s.Failure, "InternalServerError")
}

func (r *run) trainingDone(ctx context.Context, job string) (sagemaker.TrainingState, error) {
	last := ""
	for {
		var state sagemaker.TrainingState
		err := r.patiently(ctx, func() (err error) {
			state, err = r.Control.DescribeTrainingJob(ctx, job)
			return err
		})
		if err != nil {
			return state, r.wrong("train", "%w", err)
		}
		if state.Status != "InProgress" && state.Status != "Stopping" {
			return state, nil
		}
		if now := firstOf(state.Secondary, state.Status); now != last {
			last = now
			r.report(StepTrain, now)
		}
		if err := r.pause(ctx, trainingPoll); err != nil {
			return state, err
		}
	}
}

func metricsOf(s sagemaker.TrainingState) string {
	var b strings.Builder
	for _, m := range s.Metrics {
		fmt.Fprintf(&b, " %s=%.4g", m.Name, m.Value)
	}
	return b.String()
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
